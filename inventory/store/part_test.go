package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/hardware"
	"socle/inventory"
	"socle/inventory/store"
)

// inspect gives a machine facts, an hour after the last.
func (b *bench) inspect(id string, f hardware.Facts) {
	b.t.Helper()
	b.pass(time.Hour)
	_, err := b.Change(b.ctx, id, "agent", func(m *inventory.Machine) (inventory.Note, error) {
		m.Facts, m.FactsAt = &f, b.clock()
		return inventory.Note{Kind: "facts", Reason: "seen"}, nil
	})
	must(b.t, err)
}

func dimms(slots ...string) (f hardware.Facts) {
	for i := 0; i < len(slots); i += 2 {
		f.Memory.DIMMs = append(f.Memory.DIMMs, hardware.DIMM{Locator: slots[i], Serial: slots[i+1], PartNumber: "m393", SizeBytes: 16 << 30})
	}
	return f
}

func TestPartsAreFollowed(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		one := b.plan(store.Planned{Planned: inventory.Planned{Line: 1, Name: "hv1", Identity: inventory.Identity{Serial: "X1"}}}).ID
		two := b.plan(store.Planned{Planned: inventory.Planned{Line: 1, Name: "hv2", Identity: inventory.Identity{Serial: "X2"}}}).ID
		start := b.clock()
		told := func(f inventory.StayFilter) (all []string) {
			t.Helper()
			list, err := b.Stays(b.ctx, f)
			must(t, err)
			for _, s := range list {
				hours := func(at time.Time) any {
					if at.IsZero() {
						return "-"
					}
					return int(at.Sub(start).Hours())
				}
				all = append(all, fmt.Sprint(s.Name, " ", s.Kind, " ", s.Slot, " ", s.Serial, " ", s.Number, " ", hours(s.FirstSeen), " ", hours(s.LastSeen), " ", hours(s.Gone)))
			}
			return all
		}
		want := func(what string, f inventory.StayFilter, want ...string) {
			t.Helper()
			if d := cmp.Diff(want, told(f)); d != "" {
				t.Errorf("%s: %s", what, d)
			}
		}
		f := dimms("A1", "s1", "A2", "s2", "A3", "N/A")
		f.Disks = []hardware.Disk{{Name: "sda", Serial: "wd1", Model: "WD"}}
		b.inspect(one, f)
		f.Disks[0].Name = "sdb" // the kernel counts otherwise in each boot
		b.inspect(one, f)
		want("seen twice", inventory.StayFilter{}, "hv1 dimm A1 S1 M393 1 2 -", "hv1 dimm A2 S2 M393 1 2 -", "hv1 disk  WD1 WD 1 2 -")
		f.Memory.DIMMs = nil
		b.inspect(one, f)
		want("what was not read is not gone", inventory.StayFilter{Machine: one}, "hv1 dimm A1 S1 M393 1 2 -", "hv1 dimm A2 S2 M393 1 2 -", "hv1 disk  WD1 WD 1 3 -")
		b.inspect(one, dimms("A1", "s1"))
		b.inspect(two, dimms("B1", "s2"))
		b.inspect(one, dimms("A2", "s1", "A1", "s3"))
		want("a part that moved from server to server", inventory.StayFilter{Serial: "s2"}, "hv2 dimm B1 S2 M393 5 5 -", "hv1 dimm A2 S2 M393 1 2 4")
		want("one that moved within", inventory.StayFilter{Serial: "S1"}, "hv1 dimm A2 S1 M393 6 6 -", "hv1 dimm A1 S1 M393 1 4 6")
		want("what is there", inventory.StayFilter{Machine: one, There: true}, "hv1 dimm A1 S3 M393 6 6 -", "hv1 dimm A2 S1 M393 6 6 -", "hv1 disk  WD1 WD 1 3 -")
		if got := told(inventory.StayFilter{Limit: 2}); len(got) != 2 {
			t.Errorf("%q", got)
		}
		if all := told(inventory.StayFilter{}); slices.Contains(all, "") || len(all) != 6 {
			t.Errorf("%q", all)
		}
	})
}
