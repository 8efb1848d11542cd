package app

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/hardware"
	"socle/internal/config"
	"socle/inventory"
)

// TestOutliersOfTheStore: machines and measurements of the store are compared; what is asked for is what comes.
func TestOutliersOfTheStore(t *testing.T) {
	s, machines := stored(t, 6, func(i int) *hardware.Facts {
		return &hardware.Facts{System: hardware.System{Product: "X1", Serial: fmt.Sprintf("S%d", i)}}
	})
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	measure := func(m inventory.Machine, run string, v float64) {
		t.Helper()
		must(t, s.SaveMeasurements(t.Context(), inventory.Measurement{Machine: m.ID, Run: run, Time: now, Metric: "cpu.ops.all", Value: v, Unit: "1/s"}))
	}
	for i, m := range machines {
		speed := 100 + float64(i)
		if i == 3 {
			speed = 60
		}
		measure(m, "r1", speed)
	}
	o := newOutliers(s, nil, func() time.Time { return now })
	o.patience = time.Minute
	r, err := o.Outliers(t.Context(), api.OutlierQuery{})
	if err != nil || r.Compared != 6 || len(r.Findings) != 1 || r.Findings[0].Machine != "hv04" || len(r.Groups) != 1 || len(r.Groups[0].Values) != 1 || r.Groups[0].Count != 6 {
		t.Fatalf("%+v, %v", r, err)
	}
	lenient := newOutliers(s, []config.OutlierRule{{Metric: "cpu", Tolerance: 45}}, func() time.Time { return now })
	if r, err := lenient.Outliers(t.Context(), api.OutlierQuery{}); err != nil || len(r.Findings) != 0 || len(r.Groups) != 1 {
		t.Errorf("with a tolerance of 45 %%: %+v, %v", r, err)
	}
	found, err := o.Find(t.Context(), machines)
	if err != nil || o.Source() != inventory.FromOutlier || len(found) != 6 || len(found[machines[3].ID]) != 1 || found[machines[0].ID] == nil {
		t.Errorf("%v, %v", found, err)
	}
	said := found[machines[3].ID]
	must(t, s.SetFindings(t.Context(), inventory.Findings{Machine: machines[3].ID, Source: inventory.FromOutlier, Time: now, List: said}, "test"))
	measure(machines[0], "r2", 90) // a peer's number: nothing new of the odd one
	if again, err := o.Find(t.Context(), machines); err != nil || len(said) != 1 || again[machines[3].ID][0] != said[0] {
		t.Errorf("%+v, %v, was %+v", again[machines[3].ID], err, said)
	}
	measure(machines[3], "r1b", 58) // its own: that is news
	if again, err := o.Find(t.Context(), machines); err != nil || again[machines[3].ID][0].Got != "58 1/s" {
		t.Errorf("%+v, %v", again[machines[3].ID], err)
	}
	measure(machines[3], "r2", 101)
	if r, err = o.Outliers(t.Context(), api.OutlierQuery{}); err != nil || len(r.Findings) != 1 {
		t.Errorf("it is shown for a while: %+v, %v", r, err)
	}
	now = now.Add(time.Minute)
	if r, err = o.Outliers(t.Context(), api.OutlierQuery{Machines: "hv[04-05]"}); err != nil || len(r.Findings) != 0 || len(r.Groups[0].Values) != 2 {
		t.Errorf("it was repaired: %+v, %v", r, err)
	}
	now = now.Add(time.Minute)
	o.last.Groups = nil // it is seen whether the comparison is made again
	if r, err := o.Outliers(t.Context(), api.OutlierQuery{}); err != nil || len(r.Groups) != 0 {
		t.Errorf("nothing has changed, and all was compared again: %+v, %v", r, err)
	}
	alter(t, s, machines[5].ID, func(m *inventory.Machine) { m.Facts.System.Product = "X2" })
	if r, err := o.Outliers(t.Context(), api.OutlierQuery{}); err != nil || len(r.Groups) == 0 {
		t.Errorf("a machine has changed: %+v, %v", r, err)
	}
	for _, v := range r.Groups[0].Values {
		if v.Machine == "hv04" && (len(v.Before) != 2 || v.Before[0].Value != 60) {
			t.Errorf("%+v", v)
		}
	}
	alter(t, s, machines[5].ID, func(m *inventory.Machine) { m.Facts.System.Product = "X3" })
	now, o.patience = now.Add(time.Minute), 0
	o.last.Groups = nil
	if r, err := o.Outliers(t.Context(), api.OutlierQuery{}); err != nil || len(r.Groups) != 0 {
		t.Errorf("who cannot wait does not get the one before: %+v, %v", r, err)
	}
	o.patience = time.Minute
	if r, err := o.Outliers(t.Context(), api.OutlierQuery{}); err != nil || len(r.Groups) == 0 {
		t.Errorf("the new one has not come: %+v, %v", r, err)
	}
	if r, err := o.Outliers(t.Context(), api.OutlierQuery{Metric: "disk"}); err != nil || len(r.Groups) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	var p *api.Problem
	if _, err := o.Outliers(t.Context(), api.OutlierQuery{Machines: "hv[1"}); !errors.As(err, &p) || !strings.Contains(p.Detail, "brackets") {
		t.Errorf("%v", err)
	}
}

// BenchmarkOutliers2000 is what a comparison of 2,000 machines with 45 readings each takes, from the database to the answer.
func BenchmarkOutliers2000(b *testing.B) {
	s, machines := stored(b, 2000, func(int) *hardware.Facts { return &hardware.Facts{System: hardware.System{Product: "X1"}} })
	for i, m := range machines {
		var all []inventory.Measurement
		for n := range 45 {
			all = append(all, inventory.Measurement{Machine: m.ID, Run: "r1", Time: time.Unix(1, 0), Metric: fmt.Sprintf("cpu.test%d", n), Value: 100 + float64(i%7), Unit: "1/s"})
		}
		if err := s.SaveMeasurements(b.Context(), all...); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		r, err := newOutliers(s, nil, time.Now).Outliers(b.Context(), api.OutlierQuery{})
		if err != nil || r.Compared != 2000 || len(r.Groups) != 45 {
			b.Fatal(r.Compared, len(r.Groups), err)
		}
	}
}
