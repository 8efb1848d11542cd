// Package nettest is what tests of network servers share: it moves them into a network namespace of their own, so that
// real servers and clients meet nothing of the host, makes namespaces for those that they meet, and runs both.
package nettest

import (
	"fmt"
	"os"
	"runtime"

	"socle/internal/netns"
)

// The main thread stays with the main goroutine: /proc/self is what the main thread sees, so no test that changes its
// thread's namespace may get it, and what it starts ends with it and no earlier.
func init() { runtime.LockOSThread() }

// Isolated tells whether the process is in its namespace already: what needs the host's network is done before.
func Isolated() bool { return netns.Inside() }

// Isolate starts the whole test process anew in a namespace of its own, and returns there; TestMain calls it first.
// The namespace ends with the process. What is tested is named in the error when that is not allowed.
func Isolate(what string) {
	if err := netns.Enter(); err != nil {
		fmt.Fprintf(os.Stderr, "the tests of %s: %v\n", what, err)
		os.Exit(1)
	}
}
