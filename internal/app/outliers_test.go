package app

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/hardware"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
)

// TestOutliersOfTheStore: machines and measurements of the store are compared; what is asked for is what comes.
func TestOutliersOfTheStore(t *testing.T) {
	keys, err := secret.Open(filepath.Join(t.TempDir(), "keys"))
	must(t, err)
	s, err := store.Open(t.Context(), store.Options{URL: filepath.Join(t.TempDir(), "db"), Keys: keys})
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	measure := func(m inventory.Machine, run string, v float64) {
		t.Helper()
		must(t, s.SaveMeasurements(t.Context(), inventory.Measurement{Machine: m.ID, Run: run, Time: now, Metric: "cpu.ops.all", Value: v, Unit: "1/s"}))
	}
	var machines []inventory.Machine
	for i := range 6 {
		name, serial := fmt.Sprintf("hv%02d", i+1), fmt.Sprintf("S%d", i)
		_, err := s.Import(t.Context(), []store.Planned{{Planned: inventory.Planned{Line: i + 2, Name: name, Identity: inventory.Identity{Serial: serial}}}}, "test", false)
		must(t, err)
		m, err := s.Machine(t.Context(), name)
		must(t, err)
		m, err = s.Change(t.Context(), m.ID, "test", func(m *inventory.Machine) (inventory.Note, error) {
			m.Facts = &hardware.Facts{System: hardware.System{Product: "X1", Serial: serial}}
			return inventory.Note{Kind: "test"}, nil
		})
		must(t, err)
		machines = append(machines, m)
		speed := 100 + float64(i)
		if i == 3 {
			speed = 60
		}
		measure(m, "r1", speed)
	}
	o := newOutliers(s, func() time.Time { return now })
	r, err := o.Outliers(t.Context(), api.OutlierQuery{})
	if err != nil || r.Compared != 6 || len(r.Findings) != 1 || r.Findings[0].Machine != "hv04" || len(r.Groups) != 1 || len(r.Groups[0].Values) != 1 || r.Groups[0].Count != 6 {
		t.Fatalf("%+v, %v", r, err)
	}
	found, err := o.Find(t.Context(), machines)
	if err != nil || o.Source() != inventory.FromOutlier || len(found) != 6 || len(found[machines[3].ID]) != 1 || found[machines[0].ID] == nil {
		t.Errorf("%v, %v", found, err)
	}
	measure(machines[3], "r2", 101)
	if r, err = o.Outliers(t.Context(), api.OutlierQuery{}); err != nil || len(r.Findings) != 1 {
		t.Errorf("it is shown for a while: %+v, %v", r, err)
	}
	now = now.Add(time.Minute)
	if r, err = o.Outliers(t.Context(), api.OutlierQuery{Machines: "hv[04-05]"}); err != nil || len(r.Findings) != 0 || len(r.Groups[0].Values) != 2 {
		t.Errorf("it was repaired: %+v, %v", r, err)
	}
	for _, v := range r.Groups[0].Values {
		if v.Machine == "hv04" && (len(v.Before) != 1 || v.Before[0].Value != 60) {
			t.Errorf("%+v", v)
		}
	}
	if r, err := o.Outliers(t.Context(), api.OutlierQuery{Metric: "disk"}); err != nil || len(r.Groups) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	var p *api.Problem
	if _, err := o.Outliers(t.Context(), api.OutlierQuery{Machines: "hv[1"}); !errors.As(err, &p) || !strings.Contains(p.Detail, "brackets") {
		t.Errorf("%v", err)
	}
}
