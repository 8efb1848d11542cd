package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestHints: what BMCs told is taken once, first who told first; one that tells again is there once.
func TestHints(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		first, second := b.plan(hv(1)), b.plan(hv(2))
		for _, id := range []string{second.ID, first.ID, second.ID} {
			must(t, b.Hint(b.ctx, id, b.clock()))
			b.pass(time.Second)
		}
		for _, want := range [][]string{{first.ID, second.ID}, nil} {
			got, err := b.TakeHints(b.ctx)
			must(t, err)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}
		if err := b.Hint(b.ctx, "nobody", b.clock()); err == nil {
			t.Error("a hint about a machine that is not there was taken")
		}
	})
}
