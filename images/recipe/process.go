package recipe

import (
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// tailBytes is how much output of a program is kept.
const tailBytes = 256 << 10

// tail keeps the end of what is written to it.
type tail struct{ data []byte }

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.data = append(t.data, p...)
	if over := len(t.data) - tailBytes; over > tailBytes {
		t.data = append([]byte(nil), t.data[over:]...)
	}
	return len(p), nil
}

// last returns the last lines, on one line.
func (t *tail) last() string {
	lines := strings.Split(strings.TrimSpace(string(t.data)), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], " | ")
}

// inOwnGroup lets a cancelled context end the program with all its children, first politely: mmdebstrap
// then unmounts what it mounted. When this process dies, the program is ended as well; the kernel watches
// the thread that started it, so the caller must keep that one.
func inOwnGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
}
