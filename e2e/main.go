package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"socle/internal/pgtest"
)

// inside is set in the environment of the process that runs the tests.
const inside = "SOCLE_E2E_INSIDE"

// Main builds what the tests need and runs them in a network namespace of their own: no port, no address and no
// DHCP client of this host is in their way, and none of theirs in anybody else's. It returns the exit code.
func Main(m *testing.M) int {
	if os.Getenv(inside) != "" {
		if err := loopbackUp(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return pgtest.Run(m)
	}
	unlock, err := alone()
	if err != nil {
		fmt.Fprintln(os.Stderr, "end-to-end tests:", err)
		return 1
	}
	defer unlock()
	err = errors.New("the virtual rack makes network namespaces, and images have files of many owners: run the tests as root")
	if os.Geteuid() == 0 {
		var a Artefacts
		if a, err = artefacts(); err == nil {
			err = a.build(func(format string, args ...any) {
				fmt.Printf("%s  "+format+"\n", append([]any{time.Now().Format(time.TimeOnly)}, args...)...)
			})
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "end-to-end tests:", err)
		return 1
	}
	runtime.LockOSThread() // the child dies with the thread that started it
	cmd := command(os.Args[0], os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr.Cloneflags, cmd.SysProcAttr.Setpgid = syscall.CLONE_NEWNET, false // Ctrl-C reaches the tests
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, "starting the tests in a network namespace:", err)
		return 1
	}
	return cmd.ProcessState.ExitCode()
}

// alone waits until no other end-to-end tests run on this host: the rack's name is a name of the host.
func alone() (unlock func(), err error) {
	f, err := os.OpenFile("/run/socle-"+rackName+"-tests.lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making sure that no other such tests run: %w: run the tests as root", err)
	}
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		fmt.Println("other end-to-end tests run on this host: waiting for their end")
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
			return nil, fmt.Errorf("waiting for other end-to-end tests: %w", errors.Join(err, f.Close()))
		}
	}
	return func() { _ = f.Close() }, nil
}

// loopbackUp switches the loopback interface of a new namespace on.
func loopbackUp() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("switching on the loopback interface: %w", err)
	}
	defer unix.Close(s) //nolint:errcheck // nothing was written to it
	r, err := unix.NewIfreq("lo")
	if err == nil {
		r.SetUint16(unix.IFF_UP)
		err = unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, r)
	}
	if err != nil {
		return fmt.Errorf("switching on the loopback interface: %w", err)
	}
	return nil
}
