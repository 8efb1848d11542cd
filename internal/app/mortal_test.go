package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"

	"socle/inventory/store"
	"socle/provision"
)

// mortal is part of a process that is killed at one of the steps that it takes.
type mortal struct {
	Kill  int // at which step; 0: at none
	steps int64
}

// at is before or after a step: the place to die.
func (m *mortal) at() {
	if int(atomic.AddInt64(&m.steps, 1)) == m.Kill {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// workUntil has an engine work until over says so, which is asked after each change in the store. State is what is said
// of it when ctx ends before.
func workUntil(ctx context.Context, e *provision.Engine, s *store.Store, over func() (done bool, state any, err error)) error {
	working, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- e.Run(working) }()
	changes, unsubscribe := s.Subscribe()
	defer unsubscribe()
	for {
		done, state, err := over()
		if err != nil {
			return err
		}
		if done {
			stop()
			return errors.Join(<-ended, s.Close())
		}
		select {
		case <-changes:
		case <-ctx.Done():
			return fmt.Errorf("not done: %+v: %w", state, ctx.Err())
		}
	}
}

// killed runs this program anew, as env says that it is to be, and tells whether it was killed.
func killed(t *testing.T, env string) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), env)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return true
	}
	if err != nil {
		t.Fatalf("the process that changes something: %v: %s", err, out)
	}
	return false
}
