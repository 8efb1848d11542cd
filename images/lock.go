package images

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// errBusy: the lock is taken and the caller does not want to wait.
var errBusy = errors.New("the image store is in use")

// lockPoll is how often a taken lock is tried again.
const lockPoll = 50 * time.Millisecond

// share keeps deletion away until the returned function is called; others may add at the same time.
func (s *Store) share(ctx context.Context) (unlock func(), err error) {
	return s.lock(ctx, unix.LOCK_SH)
}

// exclude waits until nobody adds, and keeps everybody from adding until the returned function is called.
func (s *Store) exclude(ctx context.Context) (unlock func(), err error) {
	return s.lock(ctx, unix.LOCK_EX)
}

func (s *Store) lock(ctx context.Context, how int) (func(), error) {
	for {
		unlock, err := s.tryLock(how)
		if !errors.Is(err, errBusy) {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for the lock of the image store: %w", context.Cause(ctx))
		case <-time.After(lockPoll):
		}
	}
}

// tryLock takes the lock or returns errBusy. It opens the file anew: flock belongs to the opened file, so two
// users in one process exclude each other like two processes.
func (s *Store) tryLock(how int) (func(), error) {
	f, err := os.OpenFile(filepath.Join(s.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("locking the image store: %w", err)
	}
	err = unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
	if err == nil {
		return func() { _ = f.Close() }, nil
	}
	_ = f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, errBusy
	}
	return nil, fmt.Errorf("locking the image store: %w", err)
}
