package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/hardware"
	"socle/inventory"
)

// TestLastMeasured: of a metric and of those below it, of each machine, the newest run counts; a name that only begins the
// same is another metric.
func TestLastMeasured(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m, other := b.plan(hv(1)), b.plan(hv(2))
		at := func(id, run, metric string, after time.Duration) inventory.Measurement {
			return inventory.Measurement{Machine: id, Run: run, Metric: metric, Time: b.clock().Add(after), Value: 1, Unit: "1/s"}
		}
		must(t, b.SaveMeasurements(b.ctx, at(m.ID, "r1", "disk.read", time.Minute), at(m.ID, "r1", "disk.read.random", 2*time.Minute), at(m.ID, "r1", "disks", time.Hour), at(other.ID, "r1", "disk", time.Second)))
		must(t, b.SaveMeasurements(b.ctx, at(m.ID, "r2", "disk.read", 3*time.Minute)))
		for metric, want := range map[string]map[string]time.Time{
			"disk":             {m.ID: b.clock().Add(3 * time.Minute), other.ID: b.clock().Add(time.Second)},
			"disk.read.random": {m.ID: b.clock().Add(2 * time.Minute)},
			"disk_":            {}, "d%": {},
		} {
			got, err := b.LastMeasured(b.ctx, metric)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s: %v\n%s", metric, err, diff)
			}
		}
	})
}

// TestProducts: only of machines whose model nobody named.
func TestProducts(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m, named, unseen := b.plan(hv(1)), b.plan(hv(2)), b.plan(hv(3))
		for id, model := range map[string]string{m.ID: "", named.ID: "r650"} {
			_, err := b.Change(b.ctx, id, "test", func(m *inventory.Machine) (inventory.Note, error) {
				m.Facts, m.Model = &hardware.Facts{System: hardware.System{Product: "PowerEdge R650"}}, model
				return inventory.Note{Kind: "test"}, nil
			})
			must(t, err)
		}
		want := map[string]string{m.ID: "PowerEdge R650"}
		for _, ids := range [][]string{nil, {m.ID, named.ID, unseen.ID}} {
			got, err := b.Products(b.ctx, ids...)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v: %v\n%s", ids, err, diff)
			}
		}
		if got, err := b.Products(b.ctx, unseen.ID); err != nil || len(got) != 0 {
			t.Errorf("%v, %v", got, err)
		}
	})
}
