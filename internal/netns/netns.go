// Package netns moves a program into a network namespace of its own, which ends with it.
package netns

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const inside = "SOCLE_NETNS_INSIDE"

// Inside tells whether this process was moved by Enter.
func Inside() bool { return os.Getenv(inside) != "" }

// Enter starts this program anew, with the same arguments, in a new network namespace, and returns there; its loopback
// is down as yet. It takes root.
func Enter() error {
	if Inside() {
		return nil
	}
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("making a network namespace: %w: run it as root", err)
	}
	err := syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), inside+"=1"))
	return fmt.Errorf("starting anew in a network namespace: %w", err)
}
