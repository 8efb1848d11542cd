package store_test

import (
	"errors"
	"strings"
	"testing"

	"socle/inventory"
	"socle/inventory/cabling"
	"socle/inventory/store"
)

// TestImportWhole: a server and a switch that exchange their places, with the cable between them, are one change; what
// contradicts, contradicts in all parts at once, and nothing is stored.
func TestImportWhole(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		b.plan(hv(1), hv(2)) // U 11 and 12
		put := func(dry bool, w store.Whole) (store.WholeResult, error) {
			return b.ImportWhole(b.ctx, w, "token:admin", dry)
		}
		w := store.Whole{
			Fixtures: []inventory.PlannedFixture{rackFixture(2, 24), device(3, "leaf-a", 20, "", false)},
			Cables:   []cabling.Cable{{Line: 2, Server: "hv01", Port: "1", Switch: "leaf-a", SwitchPort: "1"}},
		}
		_, err := put(false, w)
		must(t, err)
		w.Machines = []store.Planned{hv(1)}
		w.Machines[0].Place.U, w.Fixtures[1].Place.U = 20, 11
		r, err := put(true, w)
		must(t, err)
		if m, _ := b.Machine(b.ctx, "hv01"); m.Place.U != 11 || len(r.Machines.Changed) != 1 || len(r.Fixtures.Changed) != 1 || r.SameCables != 1 {
			t.Errorf("a dry run: %+v, %+v", m.Place, r)
		}
		_, err = put(false, w)
		must(t, err)
		if m, _ := b.Machine(b.ctx, "hv01"); m.Place.U != 20 {
			t.Errorf("it stands at U %d", m.Place.U)
		}
		if r, err = put(false, w); err != nil || len(r.Machines.Same) != 1 || len(r.Fixtures.Same) != 2 || len(r.Cables) != 0 {
			t.Errorf("imported again: %+v, %v", r, err)
		}
		bad := store.Whole{
			Fixtures: []inventory.PlannedFixture{rackFixture(2, 24), device(3, "leaf-b", 20, "", false), device(4, "leaf-c", 12, "", false)},
			Machines: []store.Planned{hv(3), hv(1)},
			Cables:   []cabling.Cable{{Line: 2, Server: "hv02", Port: "1", Switch: "leaf-a", SwitchPort: "1"}},
		}
		bad.Machines[0].Place.U, bad.Machines[1].Place.U = 30, 20
		_, err = put(false, bad)
		var c store.WholeConflicts
		if !errors.As(err, &c) || c.Count() != 4 {
			t.Fatalf("%v", err)
		}
		for _, want := range []string{
			"switch leaf-c: U 12 of rack lab/R1 is that of machine hv02 too", "hv01: U 20 of rack lab/R1 is that of switch leaf-b too", "hv03: it would end at U 30", "leaf-a 1 is planned for hv01 port 1 already",
		} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("no %q in\n%v", want, err)
			}
		}
		if all, err := b.Fixtures(b.ctx); err != nil || len(all) != 2 {
			t.Errorf("%+v, %v", all, err)
		}
	})
}
