package app

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/hardware"
	"socle/inventory"
	"socle/inventory/store"
)

// stored stores machines hv01, hv02 … with facts.
func stored(t testing.TB, n int, facts func(i int) *hardware.Facts) (*store.Store, []inventory.Machine) {
	t.Helper()
	s := openStore(t)
	fatal := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var planned []store.Planned
	for i := range n {
		planned = append(planned, store.Planned{Planned: inventory.Planned{Line: i + 2, Name: fmt.Sprintf("hv%02d", i+1), Identity: inventory.Identity{Serial: fmt.Sprintf("S%d", i)}}})
	}
	_, err := s.Import(t.Context(), planned, "test", false)
	fatal(err)
	var machines []inventory.Machine
	for i := range n {
		m, err := s.Machine(t.Context(), planned[i].Name)
		fatal(err)
		m, err = s.Change(t.Context(), m.ID, "test", func(m *inventory.Machine) (inventory.Note, error) {
			m.Facts = facts(i)
			return inventory.Note{Kind: "test"}, nil
		})
		fatal(err)
		machines = append(machines, m)
	}
	return s, machines
}

// TestSearchesOfTheStore: findings are part of what can be asked, a saved search is asked by its name, and only what can
// be asked is saved.
func TestSearchesOfTheStore(t *testing.T) {
	st, machines := stored(t, 3, func(i int) *hardware.Facts {
		return &hardware.Facts{System: hardware.System{Product: "X1"}, Memory: hardware.Memory{TotalBytes: uint64(i+1) << 35}}
	})
	must(t, st.SetFindings(t.Context(), inventory.Findings{Machine: machines[1].ID, Source: inventory.FromOutlier, Time: time.Now(), List: []inventory.Finding{{Kind: inventory.FindSlow, Reason: "disk sdb is slow"}}}, "test"))
	s := searches{st, time.Now}
	for query, want := range map[string]string{
		"": "hv[01-03]", "finding:slow": "hv02", "findings:0": "hv[01,03]", "sdb": "hv02", "memory>=64GiB": "hv[02-03]", "model:X1 -finding:*": "hv[01,03]", "model:X2": "",
	} {
		if r, err := s.Search(t.Context(), query); err != nil || r.Range != want || r.Count != len(r.Machines) {
			t.Errorf("%s: %+v, %v", query, r, err)
		}
	}
	_, err := s.SaveQuery(t.Context(), inventory.SavedQuery{Name: "odd", Query: "finding:*", Actor: "eva"})
	must(t, err)
	if r, err := s.Search(t.Context(), "@odd"); err != nil || r.Range != "hv02" || r.Query != "finding:*" || r.Machines[0].Model != "X1" {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := s.Search(t.Context(), "@even"); !errors.Is(err, inventory.ErrNotFound) {
		t.Errorf("%v", err)
	}
	for _, q := range []inventory.SavedQuery{{Name: "odd", Query: "modl:X"}, {Name: "A b", Query: "x"}} {
		var p *api.Problem
		if _, err := s.SaveQuery(t.Context(), q); !errors.As(err, &p) || p.Status != 422 || !strings.Contains(p.Detail, " ") {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

// BenchmarkSearch2000 is what a search of 2,000 machines takes, from the database to the answer.
func BenchmarkSearch2000(b *testing.B) {
	st, _ := stored(b, 2000, func(i int) *hardware.Facts {
		f := &hardware.Facts{System: hardware.System{Product: "X1"}}
		for d := range 12 {
			f.Disks = append(f.Disks, hardware.Disk{Name: fmt.Sprint("sd", d), Model: "ST4000", Serial: fmt.Sprintf("D%d-%d", i, d), SizeBytes: 4e12})
			f.Memory.DIMMs = append(f.Memory.DIMMs, hardware.DIMM{Locator: fmt.Sprint("A", d), SizeBytes: 16 << 30, PartNumber: "M393", Serial: fmt.Sprintf("M%d-%d", i, d)})
		}
		return f
	})
	s := searches{st, time.Now}
	for b.Loop() {
		if r, err := s.Search(b.Context(), "disk.size>3TB D1234-7"); err != nil || r.Count != 1 {
			b.Fatalf("%+v, %v", r, err)
		}
	}
}
