package nettest

import (
	"context"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// Run runs a command to its end, a minute at most, and returns what it said; the test fails with that when it fails.
func Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// In returns Run in the network namespace of a process.
func In(t testing.TB, pid string) func(name string, args ...string) string {
	return func(name string, args ...string) string {
		t.Helper()
		return Run(t, "nsenter", append([]string{"-t", pid, "-n", name}, args...)...)
	}
}

// Background runs a server for the time of the test; stop ends it sooner. One that fails, or does not stop within 30
// seconds, fails the test.
func Background(t testing.TB, serve func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serve(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("serving: %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Error("the server does not stop")
		}
	})
	t.Cleanup(stop)
	return stop
}
