package secret

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// LockDown keeps what is in this process's memory out of core dumps, and other processes of the same user from reading it
// (ptrace, /proc/PID/mem). A limit of no bytes is what the kernel heeds when it writes a file, and what child processes
// inherit; where a program takes the dumps (a pipe in core_pattern), only that the process cannot be dumped helps
// (core(5), PR_SET_DUMPABLE(2const)). Files in /proc/PID then belong to root; the process itself reads its own as before.
func LockDown() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("keeping secrets out of core dumps: setting the limit of their size: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("keeping secrets out of core dumps: %w", err)
	}
	return nil
}
