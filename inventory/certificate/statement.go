package certificate

import (
	"cmp"
	"slices"
	"time"

	"socle/hardware"
	"socle/inventory"
	"socle/inventory/acceptance"
	"socle/inventory/bom"
)

// Format is what a statement of this package calls itself.
const Format = "socle-certificate/1"

// Statement is what a certificate says.
type Statement struct {
	Format   string `json:"format"`
	Number   int64  `json:"number"`   // from 1, without gaps
	Previous string `json:"previous"` // digest of the certificate before it; empty of the first
	Issued   string `json:"issued"`   // RFC 3339, UTC, whole seconds
	By       string `json:"by"`
	Note     string `json:"note,omitempty"`
	// Report is the verdict of all machines, with what each was judged by.
	Report   acceptance.Report `json:"report"`
	Machines []Machine         `json:"machines"` // in the order of the report's units
}

// Machine is what was in a machine.
type Machine struct {
	ID       string    `json:"id"`
	Parts    []Part    `json:"parts"`
	Firmware []Version `json:"firmware"`
	Measured []Value   `json:"measured"` // of the newest run of each metric
}

// Part is one part with the serial number by which it is known again.
type Part struct {
	Class  string `json:"class"`
	Slot   string `json:"slot,omitempty"`
	Vendor string `json:"vendor,omitempty"`
	Number string `json:"number,omitempty"`
	Serial string `json:"serial,omitempty"`
	Bytes  uint64 `json:"bytes,omitempty"`
}

// Version is of what runs firmware.
type Version struct {
	Of      string `json:"of"`
	Version string `json:"version"`
}

// Value is one thing that was measured.
type Value struct {
	Metric  string  `json:"metric"`
	Subject string  `json:"subject,omitempty"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	At      string  `json:"at"`
}

// New states what is known of machines, by ID; number and previous are set when it is sealed.
func New(r acceptance.Report, machines map[string]inventory.Machine, measured map[string][]inventory.Measurement, by, note string, now time.Time) Statement {
	s := Statement{Format: Format, Issued: now.UTC().Truncate(time.Second).Format(time.RFC3339), By: by, Note: note, Report: r, Machines: []Machine{}}
	s.Report.At = r.At.UTC().Truncate(time.Second)
	for _, u := range r.Units {
		m := Machine{ID: u.ID, Parts: []Part{}, Firmware: []Version{}, Measured: []Value{}}
		if f := machines[u.ID].Facts; f != nil {
			m.inside(f)
		}
		for _, x := range measured[u.ID] {
			m.Measured = append(m.Measured, Value{x.Metric, x.Subject, x.Value, x.Unit, x.Time.UTC().Format(time.RFC3339)})
		}
		slices.SortFunc(m.Measured, func(a, b Value) int {
			return cmp.Or(cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Subject, b.Subject))
		})
		s.Machines = append(s.Machines, m)
	}
	return s
}

func (m *Machine) inside(f *hardware.Facts) {
	for _, p := range bom.Parts(*f) {
		m.Parts = append(m.Parts, Part{string(p.Class), p.Slot, p.Vendor, p.Number, p.Serial, p.Size})
	}
	add := func(of, version string) {
		if version != "" {
			m.Firmware = append(m.Firmware, Version{of, version})
		}
	}
	add("BIOS", f.Firmware.Version)
	if f.BMC != nil {
		add("BMC", f.BMC.Version)
	}
	for _, d := range f.Disks {
		add("disk "+d.Name, d.Firmware)
	}
}
