package store_test

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
)

// TestMeasurements: what was measured is read as it was stored, the newest run of each metric can be asked for alone,
// and old runs are forgotten.
func TestMeasurements(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m, other := b.plan(hv(1)), b.plan(hv(2))
		measured := func(machine, run, metric, subject string, value float64) inventory.Measurement {
			return inventory.Measurement{Machine: machine, Run: run, Time: b.clock(), Metric: metric, Subject: subject, Part: "SN-" + subject, Value: value, Unit: "MB/s"}
		}
		first := measured(m.ID, "run00", "disk.read", "sda", 100)
		hot := inventory.Measurement{Machine: m.ID, Run: "run00", Time: b.clock(), Metric: "cpu.temperature", Subject: "cpu0", Value: 61.5, Unit: "Cel", LowerIsBetter: true}
		must(t, b.SaveMeasurements(b.ctx, measured(m.ID, "run00", "disk.read", "sda", 1), hot, first))
		must(t, b.SaveMeasurements(b.ctx, measured(other.ID, "run77", "disk.read", "sda", 90)))
		got, err := b.Measurements(b.ctx, inventory.MeasurementFilter{Machine: m.ID})
		must(t, err)
		if diff := cmp.Diff([]inventory.Measurement{hot, first}, got); diff != "" {
			t.Error(diff)
		}
		mark := ""
		for n := 1; n <= inventory.MeasurementsKept+2; n++ {
			b.pass(time.Hour)
			before, err := b.MeasurementsMark(b.ctx)
			must(t, err)
			if again, err := b.MeasurementsMark(b.ctx); err != nil || again != before || before == mark {
				t.Errorf("run %d: marks %q, %q, then %q, %v", n, mark, before, again, err)
			}
			mark = before
			must(t, b.SaveMeasurements(b.ctx, measured(m.ID, fmt.Sprintf("run%02d", n), "disk.read", "sda", float64(n)), measured(m.ID, fmt.Sprintf("run%02d", n), "disk.read", "sdb", 7)))
		}
		all, err := b.Measurements(b.ctx, inventory.MeasurementFilter{Metric: "disk.read", Machine: m.ID})
		must(t, err)
		if len(all) != 2*inventory.MeasurementsKept || all[0].Value != inventory.MeasurementsKept+2 || all[len(all)-1].Run != "run03" {
			t.Errorf("%d are kept, the first %+v, the last %+v", len(all), all[0], all[len(all)-1])
		}
		newest, err := b.Measurements(b.ctx, inventory.MeasurementFilter{Newest: true})
		must(t, err)
		seen := map[string]float64{}
		for _, x := range newest {
			seen[map[string]string{m.ID: "m", other.ID: "other"}[x.Machine]+" "+x.Metric+" "+x.Subject] = x.Value
		}
		want := map[string]float64{"m cpu.temperature cpu0": 61.5, "m disk.read sda": inventory.MeasurementsKept + 2, "m disk.read sdb": 7, "other disk.read sda": 90}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Error(diff)
		}
		if some, err := b.Measurements(b.ctx, inventory.MeasurementFilter{Machine: m.ID, Since: b.clock()}); err != nil || len(some) != 2 {
			t.Errorf("%+v, %v", some, err)
		}
		if some, err := b.Measurements(b.ctx, inventory.MeasurementFilter{Run: "run77"}); err != nil || len(some) != 1 || some[0].Machine != other.ID {
			t.Errorf("%+v, %v", some, err)
		}
	})
}

// TestMeasurementsRefused: what is no number, or of nobody, is not stored, and nothing with it.
func TestMeasurementsRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		good := inventory.Measurement{Machine: m.ID, Run: "r", Metric: "cpu.ops", Subject: "cpu0", Value: 1}
		nan, stranger, nameless := good, good, good
		nan.Value, stranger.Machine, nameless.Metric = math.NaN(), "nobody", ""
		for _, bad := range []inventory.Measurement{nan, stranger, nameless} {
			if err := b.SaveMeasurements(b.ctx, good, bad); err == nil {
				t.Errorf("%+v was stored", bad)
			}
		}
		if all, err := b.Measurements(b.ctx, inventory.MeasurementFilter{}); err != nil || len(all) != 0 {
			t.Errorf("%+v, %v", all, err)
		}
		must(t, b.SaveMeasurements(b.ctx))
	})
}

// BenchmarkSaveMeasurements stores a run of tests of one server: 30 metrics of 8 subjects each, after as many runs as are kept.
func BenchmarkSaveMeasurements(b *testing.B) {
	for _, e := range engines {
		b.Run(e.name, func(b *testing.B) {
			keys, err := secret.Open(filepath.Join(b.TempDir(), "keys"))
			if err != nil {
				b.Fatal(err)
			}
			s, err := store.Open(b.Context(), store.Options{URL: e.url(b), Keys: keys})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			planned := hv(1)
			if _, err := s.Import(b.Context(), []store.Planned{planned}, "token:admin", false); err != nil {
				b.Fatal(err)
			}
			m, err := s.Machine(b.Context(), planned.Name)
			if err != nil {
				b.Fatal(err)
			}
			at := time.Now()
			save := func(run int) {
				all := make([]inventory.Measurement, 240)
				for n := range all {
					all[n] = inventory.Measurement{Machine: m.ID, Run: fmt.Sprintf("run%06d", run), Time: at.Add(time.Duration(run) * time.Minute),
						Metric: fmt.Sprintf("disk.read.%d", n/8), Subject: fmt.Sprintf("sd%d", n%8), Value: float64(n)}
				}
				if err := s.SaveMeasurements(b.Context(), all...); err != nil {
					b.Fatal(err)
				}
			}
			run := 0
			for ; run < inventory.MeasurementsKept; run++ {
				save(run)
			}
			for b.Loop() {
				save(run)
				run++
			}
		})
	}
}
