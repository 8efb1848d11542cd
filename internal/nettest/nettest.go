// Package nettest moves tests into a network namespace of their own, so that real servers and clients meet
// nothing of the host, and makes namespaces for those that they meet.
package nettest

import (
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

const inside = "SOCLE_NETTEST_NAMESPACE"

// The main thread stays with the main goroutine: /proc/self is what the main thread sees, so no test that changes its
// thread's namespace may get it, and what it starts ends with it and no earlier.
func init() { runtime.LockOSThread() }

// Isolated tells whether the process is in its namespace already: what needs the host's network is done before.
func Isolated() bool { return os.Getenv(inside) != "" }

// Isolate starts the whole test process anew in a namespace of its own, and returns there; TestMain calls it first.
// The namespace ends with the process. What is tested is named in the error when that is not allowed.
func Isolate(what string) {
	if Isolated() {
		return
	}
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		fmt.Fprintf(os.Stderr, "the tests of %s need root, for a network namespace: %v\n", what, err)
		os.Exit(1)
	}
	err := syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), inside+"=1"))
	fmt.Fprintln(os.Stderr, "starting the test in its namespace:", err)
	os.Exit(1)
}
