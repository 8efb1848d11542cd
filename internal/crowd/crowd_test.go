package crowd

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestSlowOnesKeepNobodyWaiting: of 40 calls 10 hang for a minute, with 4 places.
func TestSlowOnesKeepNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := New(4, 64, 2*time.Second)
		items := make([]int, 40)
		for i := range items {
			items[i] = i
		}
		start := time.Now()
		var last atomic.Int64
		var most atomic.Int32
		Each(t.Context(), lane, items, func(_ context.Context, n int) {
			most.Store(max(most.Load(), int32(lane.Inside())))
			if n < 10 {
				time.Sleep(time.Minute)
				return
			}
			time.Sleep(100 * time.Millisecond)
			last.Store(max(last.Load(), int64(time.Since(start))))
		})
		// Ten hold a place for 2 s each, the others take a tenth of a second: with 4 places that is 5 s and a bit.
		if got := time.Duration(last.Load()); got > 7*time.Second {
			t.Errorf("the last healthy one ended after %v", got)
		}
		if got := time.Since(start); got > 66*time.Second || most.Load() > 14 {
			t.Errorf("all took %v, at most %d at a time", got, most.Load())
		}
		if lane.Inside() != 0 || len(lane.places) != 0 {
			t.Error("places are not given back")
		}
	})
}

// TestBound: never more inside than allowed, and whoever gives up waiting takes nothing with them.
func TestBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := New(1, 2, time.Second)
		first, err := lane.Enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		second, err := lane.Enter(t.Context())
		if err != nil || time.Since(start) != time.Second {
			t.Fatalf("after %v: %v", time.Since(start), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := lane.Enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a third went in: %v", err)
		}
		first()
		second()
		if lane.Inside() != 0 {
			t.Error("somebody is left")
		}
	})
}
