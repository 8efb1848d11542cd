package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// crashEnv makes the test's program another one: "socle …", or "bare", which only waits.
const crashEnv = "SOCLE_TEST_CRASH"

func TestMain(m *testing.M) {
	what, crashing := os.LookupEnv(crashEnv)
	if !crashing {
		os.Exit(m.Run())
	}
	// As much as there can be, whatever limit the tests have.
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}); err != nil {
		fmt.Fprintln(os.Stderr, "raising the limit of core dumps:", err)
		os.Exit(1)
	}
	if what == "bare" {
		fmt.Fprintln(os.Stderr, "socle is up")
		for {
			time.Sleep(time.Hour) // what waits for nothing at all is ended by the runtime, while the signal comes
		}
	}
	os.Args = append(os.Args[:1], strings.Fields(what)...)
	main()
}

// TestNoCore crashes a server: it leaves no core dump, whatever limit it was started with. A process that does nothing
// about it does leave one.
func TestNoCore(t *testing.T) {
	serve := "serve --listen 127.0.0.1:0 --data-dir "
	for _, sig := range []syscall.Signal{syscall.SIGABRT, syscall.SIGSEGV} {
		t.Run(sig.String(), func(t *testing.T) {
			state, files := crash(t, serve+t.TempDir(), sig)
			if !state.Signaled() || state.CoreDump() || len(files) != 0 {
				t.Errorf("it ended with signal %v, dumped %v, left %v", state.Signal(), state.CoreDump(), files)
			}
		})
	}
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err != nil {
		t.Fatal(err)
	}
	if state, files := crash(t, "bare", syscall.SIGABRT); !strings.HasPrefix(string(pattern), "|") && !state.CoreDump() {
		t.Errorf("a process without protection ended with signal %v, dumped %v, left %v: this test proves nothing", state.Signal(), state.CoreDump(), files)
	}
}

// crash starts a program in a folder of its own, sends it a signal once it is up, and returns how it ended and what it left
// in the folder.
func crash(t *testing.T, what string, sig syscall.Signal) (syscall.WaitStatus, []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), crashEnv+"="+what, "GOTRACEBACK=crash") // without it, Go ends by itself and nothing is dumped
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	patience := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer patience.Stop()
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if said.WriteString(lines.Text() + "\n"); strings.Contains(lines.Text(), "socle is up") {
			if err := cmd.Process.Signal(sig); err != nil {
				t.Error(err)
			}
		}
	}
	err = cmd.Wait()
	if err == nil {
		t.Fatalf("it ended by itself: %s", said.String())
	}
	state := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if state.Signal() == syscall.SIGKILL {
		t.Fatalf("it did not crash: %s", said.String())
	}
	files, err := filepath.Glob(filepath.Join(cmd.Dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return state, files
}
