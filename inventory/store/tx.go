package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"gorm.io/gorm"

	"socle/inventory"
)

// SetEnqueue sets what is called inside every transaction that changes a machine, so that its next step is
// queued with the change or not at all. When fn fails, the change is rolled back with it. fn must use tx
// only: the store itself would wait for the transaction that it is part of.
func (s *Store) SetEnqueue(fn func(ctx context.Context, tx *sql.Tx, machineID string) error) {
	s.enqueue.Store(&fn)
}

// queue calls what SetEnqueue set, if anything, within a transaction.
func (s *Store) queue(ctx context.Context, tx *gorm.DB, machineID string) error {
	fn := s.enqueue.Load()
	if fn == nil || *fn == nil {
		return nil
	}
	raw, ok := tx.Statement.ConnPool.(*sql.Tx)
	if !ok {
		return fmt.Errorf("queueing work of machine %s: not in a transaction", machineID)
	}
	if err := (*fn)(ctx, raw, machineID); err != nil {
		return fmt.Errorf("queueing work of machine %s: %w", machineID, err)
	}
	return nil
}

// write runs fn in a transaction and wakes the subscribers after its commit. It runs fn again when the
// database broke the transaction off in favour of another one.
func (s *Store) write(ctx context.Context, fn func(tx *gorm.DB) error) error {
	if err := s.quietly(ctx, fn); err != nil {
		return err
	}
	s.notify()
	return nil
}

// quietly is write without waking anybody: for what nobody watches, like heartbeats.
func (s *Store) quietly(ctx context.Context, fn func(tx *gorm.DB) error) error {
	if s.writing != nil {
		select {
		case s.writing <- struct{}{}:
			defer func() { <-s.writing }()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	for try := 1; ; try++ {
		err := s.db.WithContext(ctx).Transaction(fn)
		if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil { // the driver ended it when nobody waited any more
			return context.Cause(ctx)
		}
		if full(err) {
			return fmt.Errorf("%w (%w)", inventory.ErrNoRoom, err)
		}
		if err == nil || try == 5 || !retriable(err) {
			return err
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
}

// pause waits a little, longer with every try, and for a random part of it, so that two that collided do
// not collide again.
func pause(ctx context.Context, try int) error {
	t := time.NewTimer(time.Duration(rand.Int64N(int64(min(try, 20)) * int64(2*time.Millisecond))))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// The locks of PostgreSQL that a transaction holds to its end; on SQLite every writer is alone anyway.
const (
	lockEvents    = 0x50c1e001 // events become visible in the order of their numbers
	lockIdentity  = 0x50c1e002 // one at a time decides who is who
	lockBaselines = 0x50c1e003 // versions are counted
	lockCables    = 0x50c1e019 // one plan is imported at a time
	lockModels    = 0x50c1e004 // and those of models
	lockCriteria  = 0x50c1e005 // and those of criteria

	lockCertificates = 0x50c1e006 // they are one chain
)

func (s *Store) lock(tx *gorm.DB, key int64) error {
	if s.dialect != postgresDialect {
		return nil
	}
	return tx.Exec("SELECT pg_advisory_xact_lock(?)", key).Error
}

// Subscribe returns a channel that ticks after commits of this process, several commits perhaps as one
// tick. Whoever receives it looks at what interests them. cancel ends it.
func (s *Store) Subscribe() (changes <-chan struct{}, cancel func()) {
	c := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscribers[c] = struct{}{}
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subscribers, c)
	}
}

func (s *Store) notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.subscribers {
		select {
		case c <- struct{}{}:
		default: // a tick waits already
		}
	}
}

// notFound turns gorm's word for "no row" into ours.
func notFound(err error, format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return fmt.Errorf("%s: %w", what, ErrNotFound)
	}
	return fmt.Errorf("%s: %w", what, err)
}
