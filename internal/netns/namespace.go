package netns

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Namespace is a network namespace that this process holds and is not in. It ends with the process, or when it is
// closed and no socket of it is left; with it end its interfaces, and the other ends of its cables.
type Namespace struct{ file *os.File }

// New makes a network namespace; its loopback is down. It takes root.
func New() (*Namespace, error) {
	n := &Namespace{}
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("making a network namespace: %w: run it as root", err)
		}
		var err error
		n.file, err = os.Open(threadFile)
		return err
	})
	return n, err
}

// threadFile is the namespace of the thread that opens it.
const threadFile = "/proc/thread-self/ns/net"

// Do runs fn in the namespace. Sockets stay in the namespace in which they were made; goroutines that fn starts are not
// in it.
func (n *Namespace) Do(fn func() error) error {
	return onThread(func() error {
		if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("entering a network namespace: %w", err)
		}
		return fn()
	})
}

// Fd is for netlink, which moves interfaces by it.
func (n *Namespace) Fd() int { return int(n.file.Fd()) }

// Close lets the namespace go.
func (n *Namespace) Close() error { return n.file.Close() }

// onThread runs fn with a thread of its own, and brings that back to the namespace it came from. A thread that cannot
// come back ends with its goroutine: nothing else may get it.
func onThread(fn func() error) error {
	ended := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open(threadFile)
		if err != nil {
			ended <- fmt.Errorf("looking up the network namespace: %w", err)
			runtime.UnlockOSThread()
			return
		}
		defer func() { _ = home.Close() }() // was only read
		err = fn()
		if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
			ended <- errors.Join(err, back)
			return
		}
		runtime.UnlockOSThread()
		ended <- err
	}()
	return <-ended
}
