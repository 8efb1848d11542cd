package nettest

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Namespace makes a network namespace for the other end of a cable: a client, a relay or a server that is tested
// against. It is held by a process whose ID is returned, for `ip link ... netns PID` and `nsenter -t PID -n`. Its
// loopback is up. It ends with the test, and all that runs in it.
func Namespace(t testing.TB) (pid string) {
	t.Helper()
	holder := exec.Command("sleep", "infinity") //nolint:noctx // ends with the test
	holder.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // Pdeathsig follows the thread
	t.Cleanup(runtime.UnlockOSThread)
	if err := holder.Start(); err != nil {
		t.Fatalf("making a network namespace: %v: run the test as root", err)
	}
	pid = strconv.Itoa(holder.Process.Pid)
	t.Cleanup(func() { killAllIn(pid); _ = holder.Process.Kill(); _ = holder.Wait() })
	if out, err := exec.CommandContext(t.Context(), "nsenter", "-t", pid, "-n", "ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Fatalf("switching on the loopback of a namespace: %v: %s", err, out)
	}
	return pid
}

// killAllIn ends every process in the network namespace of a process, and waits until they are gone: clients go to the
// background, and no pid file is to be relied on when a test fails. The namespace of the tests themselves is never meant.
func killAllIn(pid string) {
	ns, err := os.Readlink("/proc/" + pid + "/ns/net")
	own, errOwn := os.Readlink("/proc/self/ns/net")
	if err != nil || errOwn != nil || ns == own {
		return
	}
	tick, end := time.NewTicker(5*time.Millisecond), time.Now().Add(5*time.Second)
	defer tick.Stop()
	for killEach(ns) > 0 && time.Now().Before(end) {
		<-tick.C
	}
}

// killEach kills the processes in a network namespace, and tells how many there were. One that has ended, and is only
// not waited for yet, is in none.
func killEach(ns string) (n int) {
	dirs, _ := filepath.Glob("/proc/[0-9]*") // the pattern is right, which is the only error
	for _, d := range dirs {
		if other, err := os.Readlink(d + "/ns/net"); err != nil || other != ns {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(d)); err == nil && syscall.Kill(pid, syscall.SIGKILL) == nil {
			n++
		}
	}
	return n
}
