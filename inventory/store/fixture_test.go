package store_test

import (
	"errors"
	"strings"
	"testing"

	"socle/inventory"
	"socle/inventory/store"
)

func rackFixture(line, height int) inventory.PlannedFixture {
	return inventory.PlannedFixture{Line: line, Fixture: inventory.Fixture{Kind: inventory.RackFixture, Name: "R1",
		Place: inventory.Place{Site: "lab", Rack: "R1", Height: height}, Feeds: []inventory.Feed{{Name: "A1", Amperes: 32, Watts: 7360}}}}
}

func device(line int, name string, u int, face string, half bool) inventory.PlannedFixture {
	return inventory.PlannedFixture{Line: line, Fixture: inventory.Fixture{Kind: inventory.SwitchAsset, Name: name,
		Place: inventory.Place{Site: "lab", Rack: "R1", U: u, Face: face, HalfDepth: half}}}
}

func TestFixtures(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		b.plan(hv(1)) // U 11
		plan := []inventory.PlannedFixture{rackFixture(2, 24), device(3, "leaf-a", 23, inventory.Rear, true), device(4, "panel", 23, inventory.Front, true)}
		put := func(dry bool, all ...inventory.PlannedFixture) (store.ImportResult, error) {
			return b.ImportFixtures(b.ctx, all, "token:admin", dry)
		}
		r, err := put(true, plan...)
		must(t, err)
		if all, err := b.Fixtures(b.ctx); err != nil || len(all) != 0 || len(r.Added) != 3 {
			t.Fatalf("a dry run stored %v, %v, and told %+v", all, err, r)
		}
		_, err = put(false, plan...)
		must(t, err)
		if r, err = put(false, plan...); err != nil || len(r.Same) != 3 || len(r.Changes) != 0 {
			t.Errorf("imported again: %+v, %v", r, err)
		}
		moved := device(2, "leaf-a", 22, inventory.Rear, true)
		if r, err = put(false, moved); err != nil || len(r.Changed) != 1 || len(r.Changes[0].Fields) != 1 || r.Changes[0].Fields[0].After != "22" {
			t.Errorf("moved: %+v, %v", r, err)
		}
		for want, bad := range map[string]inventory.PlannedFixture{
			"line 2, switch leaf-b: U 11 of rack lab/R1 is that of machine hv01 too":          device(2, "leaf-b", 11, "", false),
			"line 2, switch leaf-b: U 22 of rack lab/R1 at the rear is that of switch leaf-a": device(2, "leaf-b", 22, "", false),
			"line 2, switch leaf-b: it would end at U 25, and rack lab/R1 has 24 units":       device(2, "leaf-b", 25, "", false),
			"line 2, rack lab/R1: 10 units are too few: machine hv01 ends at U 11":            rackFixture(2, 10),
		} {
			var conflicts store.Conflicts
			if _, err := put(false, bad); !errors.As(err, &conflicts) || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		}
		all, err := b.Fixtures(b.ctx)
		must(t, err)
		if len(all) != 3 || all[2].Place.Height != 24 || all[2].Feeds[0].String() != "A1 (32 A, 7360 W)" || all[0].Place.U != 22 {
			t.Errorf("%+v", all)
		}
		for _, p := range []int{22, 24} { // the switch's unit, and one that ends above the rack
			s := hv(2)
			s.Place = inventory.Place{Site: "lab", Rack: "R1", U: p, Height: 2}
			var conflicts store.Conflicts
			if _, err := b.Import(b.ctx, []store.Planned{s}, "a", false); !errors.As(err, &conflicts) || !strings.Contains(err.Error(), map[int]string{22: "switch panel", 24: "has 24 units"}[p]) {
				t.Errorf("a server at U %d: %v", p, err)
			}
		}
	})
}

func TestRacking(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		first, err := b.SaveRacking(b.ctx, m.ID, "token:tom")
		must(t, err)
		if _, err = b.SaveRacking(b.ctx, m.ID, "token:ann"); !errors.Is(err, inventory.ErrRacked) || !strings.Contains(err.Error(), "token:tom") {
			t.Errorf("racked twice: %v", err)
		}
		moved := hv(1)
		moved.Place.U = 20
		b.plan(moved)
		second, err := b.SaveRacking(b.ctx, m.ID, "token:ann")
		must(t, err)
		all, err := b.Rackings(b.ctx)
		must(t, err)
		if first.Place.U != 11 || second.Place.U != 20 || all[m.ID] != second || len(all) != 1 {
			t.Errorf("%+v, %+v, %+v", first, second, all)
		}
		if _, err := b.SaveRacking(b.ctx, "nobody", "a"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("racking nobody: %v", err)
		}
	})
}
