package app

import (
	"fmt"
	"testing"
	"time"

	"socle/api"
	"socle/hardware"
	"socle/inventory"
)

// BenchmarkAcceptance2000 is what a verdict on a site of 2,000 machines takes, and on one of them, from the database to the
// answer: by what was found alone, by criteria that bound what was measured (90,000 values), and where these go by the
// product that the firmware of each machine names.
func BenchmarkAcceptance2000(b *testing.B) {
	s, machines := stored(b, 2000, func(i int) *hardware.Facts {
		f := &hardware.Facts{System: hardware.System{Product: "X1"}}
		for d := range 12 {
			f.Disks = append(f.Disks, hardware.Disk{Name: fmt.Sprint("sd", d), Model: "ST4000", Serial: fmt.Sprintf("D%d-%d", i, d), SizeBytes: 4e12})
			f.Memory.DIMMs = append(f.Memory.DIMMs, hardware.DIMM{Locator: fmt.Sprint("A", d), SizeBytes: 16 << 30, PartNumber: "M393", Serial: fmt.Sprintf("M%d-%d", i, d)})
		}
		return f
	})
	fatal := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	now := time.Now()
	name := func(model string) {
		for i, m := range machines {
			_, err := s.Change(b.Context(), m.ID, "test", func(m *inventory.Machine) (inventory.Note, error) {
				m.State, m.Model, m.FactsAt, m.Place = inventory.Ready, model, now, inventory.Place{Site: "ams1", Rack: fmt.Sprint("r", i/20), U: 1 + i%20}
				return inventory.Note{Kind: "test"}, nil
			})
			fatal(err)
		}
	}
	name("X1")
	for i, m := range machines {
		for _, source := range inventory.FindingSources() {
			f := inventory.Findings{Machine: m.ID, Source: source, Time: now, List: []inventory.Finding{}}
			if i%100 == 7 {
				f.List = append(f.List, inventory.Finding{Source: source, Kind: inventory.FindSlow, Subject: "disk sda", Got: "1", Reason: "disk sda is slow"})
			}
			fatal(s.SetFindings(b.Context(), f, "test"))
		}
		var all []inventory.Measurement
		for n := range 45 {
			all = append(all, inventory.Measurement{Machine: m.ID, Run: "r1", Time: now, Metric: fmt.Sprintf("cpu.test%d", n), Value: 100 + float64(i%7), Unit: "1/s"})
		}
		fatal(s.SaveMeasurements(b.Context(), all...))
	}
	a := acceptances{store: s, now: time.Now}
	judge := func(what string, scope api.AcceptanceScope, accepted, rejected int) {
		b.Run(what, func(b *testing.B) {
			for b.Loop() {
				if r, err := a.Judge(b.Context(), scope); err != nil || r.Accepted != accepted || r.Rejected != rejected {
					b.Fatalf("%d accepted, %d rejected, %v", r.Accepted, r.Rejected, err)
				}
			}
		})
	}
	site, one := api.AcceptanceScope{Site: "ams1"}, api.AcceptanceScope{Machines: "hv01"}
	judge("site", site, 1980, 20)
	judge("machine", one, 1, 0)
	_, err := a.PutCriteria(b.Context(), "test", []byte("name: x1\nmodel: X1\ntests: [cpu]\nmetrics: [{metric: cpu.test1, at_least: 100}]\n"))
	fatal(err)
	judge("site by measurements", site, 1980, 20)
	judge("machine by measurements", one, 1, 0)
	name("")
	judge("site by product", site, 1980, 20)
	judge("machine by product", one, 1, 0)
}
