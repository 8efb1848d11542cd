package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
	"socle/inventory/store"
)

func TestCensus(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1), hv(2), hv(3))
		b.recognise(inventory.Identity{Serial: "Z", NICMACs: []string{"52:54:00:00:00:99"}}) // in no manifest: held
		_, err := b.Change(b.ctx, m.ID, "test", func(m *inventory.Machine) (inventory.Note, error) {
			m.Fail(inventory.FaultBMCAuth, "no", "none", time.Now())
			return inventory.Note{Kind: "fault", Reason: "no"}, nil
		})
		must(t, err)
		got, err := b.Census(b.ctx)
		must(t, err)
		want := store.Census{States: map[inventory.State]int{inventory.Expected: 3, inventory.Discovered: 1},
			Faults: map[inventory.FaultKind]int{inventory.FaultBMCAuth: 1}, Held: 1}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}
