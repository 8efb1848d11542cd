package replica_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"socle/dhcp/replica"
	"socle/inventory"
)

// store tells one lease a question, and fails the first times.
type store struct {
	fails  int
	marks  []int64 // that were asked for
	hanged bool    // a question had no deadline
}

func (s *store) LeaseChanges(ctx context.Context, after int64) ([]inventory.Lease, int64, error) {
	if _, ok := ctx.Deadline(); !ok {
		s.hanged = true
	}
	s.marks = append(s.marks, after)
	if s.fails--; s.fails >= 0 {
		return nil, 0, errors.New("away")
	}
	return make([]inventory.Lease, 1), int64(len(s.marks)), nil
}

// TestFollower loads all when the store is there at last, with growing pauses, and asks only for changes from then on.
func TestFollower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, learned := &store{fails: 3}, 0
		f := replica.Follower{Store: s, Learn: func(l []inventory.Lease, _ time.Time) int { learned += len(l); return len(l) },
			Service: "DHCP", Timeout: time.Second, Every: time.Minute, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
		start := time.Now()
		f.Load(t.Context())
		if got := time.Since(start); got != 7*time.Second || learned != 1 {
			t.Errorf("loaded %d after %v", learned, got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
		defer cancel()
		f.Follow(ctx)
		if want := []int64{-1, -1, -1, -1, 4, 5}; !slices.Equal(s.marks, want) || learned != 3 || s.hanged {
			t.Errorf("asked after %v, learned %d, without a deadline: %t", s.marks, learned, s.hanged)
		}
	})
}

// TestLoadEnds with its context while the store is away.
func TestLoadEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		s := &store{fails: 1000}
		f := replica.Follower{Store: s, Learn: func([]inventory.Lease, time.Time) int { t.Error("it learned something"); return 0 },
			Timeout: time.Second, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
		f.Load(ctx)
		if len(s.marks) != 4 { // after 0, 1, 3 and 7 s
			t.Errorf("%d questions", len(s.marks))
		}
	})
}
