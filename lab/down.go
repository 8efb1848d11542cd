package lab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Down takes a rack down: servers lose power, and no process, namespace, interface or socket of it is left. It
// works when the supervisor was killed and when half of the rack is missing; of a rack that is not there it does
// nothing. Disks and logs stay in the state directory.
func Down(ctx context.Context, lab string, log *slog.Logger) error {
	if !labName.MatchString(lab) {
		return fmt.Errorf("lab name %q: use 1 to 9 lower-case letters and digits, a letter first", lab)
	}
	unlock, err := lock(ctx, lab)
	if err != nil {
		return err
	}
	defer unlock()
	return down(ctx, lab, log)
}

func down(ctx context.Context, lab string, log *slog.Logger) error {
	if sup, err := readPIDFile(supervisorPID(lab)); err == nil {
		askCtx, cancel := context.WithTimeout(ctx, 5*time.Second)
		if _, err := ask(askCtx, lab, request{Op: "stop"}); err != nil {
			log.Debug("supervisor does not listen", "error", err)
			sup.signal(syscall.SIGTERM)
		}
		cancel()
		if !sup.gone(20 * time.Second) {
			log.Warn("supervisor did not end, killing it", "pid", sup.PID)
			if err := sup.end(0); err != nil {
				return err
			}
		}
	}
	errs := []error{endProcesses(lab, log), dropNetwork(ctx, lab), removeRunDir(lab)}
	return errors.Join(errs...)
}

// endProcesses ends what the supervisor left behind: whatever is in the rack's namespace, and whatever the pid
// files name, should the namespace's name be gone.
func endProcesses(lab string, log *slog.Logger) error {
	var left []process
	files, err := filepath.Glob(filepath.Join(runDir(lab), "*.pid"))
	if err != nil {
		return err
	}
	for _, f := range files {
		if p, err := readPIDFile(f); err == nil {
			left = append(left, p)
		}
	}
	var errs []error
	// A process that is being started may appear while we look: look until there is none.
	for round := 0; round < 10; round++ {
		if _, err := os.Stat(nsFile(lab)); err == nil {
			in, err := processesIn(nsFile(lab))
			if err != nil {
				return err
			}
			left = append(left, in...)
		}
		if len(left) == 0 {
			break
		}
		for _, p := range left {
			if p.alive() {
				log.Info("ending a process that was left", "pid", p.PID)
			}
			errs = append(errs, p.end(0))
		}
		left = nil
	}
	return errors.Join(errs...)
}

// lock keeps two commands from working on one rack at once.
func lock(ctx context.Context, lab string) (unlock func(), err error) {
	path := filepath.Join("/run", InterfaceName(lab)+".lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking lab %s: %w", lab, err)
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("lab %s is being changed by another command: %w", lab, errors.Join(ctx.Err(), err))
		case <-time.After(100 * time.Millisecond):
		}
	}
}
