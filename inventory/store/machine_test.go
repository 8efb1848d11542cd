package store_test

import (
	"errors"
	"testing"

	"socle/inventory"
	"socle/inventory/store"
)

func TestImportAndChange(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1), hv(2))
		if m.State != inventory.Expected || !m.InPlan || m.Version != 1 || m.Boot != inventory.BootRamdisk {
			t.Fatalf("imported machine is %+v", m)
		}
		got, err := b.Change(b.ctx, m.ID, "dhcp", func(m *inventory.Machine) (inventory.Note, error) {
			return inventory.Note{Kind: "state", Reason: "seen"}, m.Move(inventory.Discovered, b.clock())
		})
		must(t, err)
		if got.State != inventory.Discovered || got.Version != 2 {
			t.Fatalf("changed machine is %+v", got)
		}
		if _, err := b.Machine(b.ctx, "nobody"); !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
	})
}
