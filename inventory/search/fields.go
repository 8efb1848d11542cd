package search

import (
	"net/netip"
	"time"

	"socle/hardware"
	"socle/inventory"
)

// Field is something that can be asked for. A machine may have several values of it; one that fits is enough.
type Field struct {
	Name    string
	Unit    Unit // of numbers; empty: it is a text
	Doc     string
	Example string
	texts   func(*Record) []string
	numbers func(*Record) []float64
}

// Fields lists them, in the order of the documentation.
func Fields() []Field { return append([]Field(nil), fields...) }

var fields []Field

var byName map[string]Field

// The table is filled here because the functions of conditions look into it.
func init() {
	fields = append(append(append(identityFields(), stateFields()...), hardwareFields()...), findingFields()...)
	byName = map[string]Field{}
	for _, f := range fields {
		byName[f.Name] = f
	}
}

func exampleOf(name string) string {
	if f, known := byName[name]; known {
		return f.Example
	}
	return "…"
}

func text(name, example, doc string, of func(m *inventory.Machine) []string) Field {
	return Field{Name: name, Example: example, Doc: doc, texts: func(r *Record) []string { return of(r.Machine) }}
}

func one(name, example, doc string, of func(m *inventory.Machine) string) Field {
	return text(name, example, doc, func(m *inventory.Machine) []string { return []string{of(m)} })
}

// seen is a text of the facts, fact a number; a machine without facts has none.
func seen(name, example, doc string, of func(f *hardware.Facts) []string) Field {
	return text(name, example, doc, func(m *inventory.Machine) []string {
		if m.Facts == nil {
			return nil
		}
		return of(m.Facts)
	})
}

func fact(name string, unit Unit, example, doc string, of func(f *hardware.Facts) []float64) Field {
	return Field{Name: name, Unit: unit, Example: example, Doc: doc, numbers: func(r *Record) []float64 {
		if r.Machine.Facts == nil {
			return nil
		}
		return of(r.Machine.Facts)
	}}
}

func age(name, doc string, of func(m *inventory.Machine) time.Time) Field {
	return Field{Name: name, Unit: Age, Example: "2h", Doc: doc, numbers: func(r *Record) []float64 {
		if t := of(r.Machine); !t.IsZero() {
			return []float64{float64(r.Now.Sub(t))}
		}
		return nil
	}}
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func address(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// each makes a list of something of all parts.
func each[T, V any](all []T, of func(T) V) []V {
	out := make([]V, 0, len(all))
	for _, x := range all {
		out = append(out, of(x))
	}
	return out
}

func identityFields() []Field {
	return []Field{
		one("name", "hv*", "name of the machine", func(m *inventory.Machine) string { return m.Name }),
		one("serial", "CZ3404YWNN", "serial number of the machine", func(m *inventory.Machine) string { return m.Identity.Serial }),
		one("uuid", "4c4c*", "UUID of its firmware", func(m *inventory.Machine) string { return m.Identity.UUID }),
		one("asset", "A-1007", "asset tag", func(m *inventory.Machine) string { return m.Identity.AssetTag }),
		text("model", "R650", "model that was ordered, or product that was seen", func(m *inventory.Machine) []string {
			if m.Facts == nil {
				return []string{m.Model}
			}
			return []string{m.Model, m.Facts.System.Product}
		}),
		one("delivery", "D-2026-11", "delivery that it came with", func(m *inventory.Machine) string { return m.Delivery }),
		one("site", "ams1", "site where it stands", func(m *inventory.Machine) string { return m.Place.Site }),
		one("room", "hall", "room", func(m *inventory.Machine) string { return m.Place.Room }),
		one("row", "B", "row", func(m *inventory.Machine) string { return m.Place.Row }),
		one("rack", "r12", "rack; r12 is not r120", func(m *inventory.Machine) string { return m.Place.Rack }),
		{Name: "u", Unit: Count, Example: "20", Doc: "lowest unit in the rack", numbers: func(r *Record) []float64 { return []float64{float64(r.Machine.Place.U)} }},
		text("mac", "52:54:00*", "MAC address of the machine or its BMC", func(m *inventory.Machine) []string {
			all := append([]string{m.BMC.MAC}, m.Identity.NICMACs...)
			if m.Facts != nil {
				all = append(all, m.Facts.MACs()...)
			}
			return all
		}),
		one("address", "10.0.3.*", "address on the provisioning network", func(m *inventory.Machine) string { return address(m.Address) }),
		one("bmc", "10.0.9.*", "address of the BMC", func(m *inventory.Machine) string { return m.BMC.Address }),
		one("bmc.protocol", "redfish", "how the BMC is spoken to", func(m *inventory.Machine) string { return string(m.BMC.Protocol) }),
		one("bmc.firmware", "2.8*", "version of the BMC", func(m *inventory.Machine) string { return m.BMC.Firmware }),
	}
}

func stateFields() []Field {
	return []Field{
		one("state", "ready,active", "state in the life cycle", func(m *inventory.Machine) string { return string(m.State) }),
		one("step", "write-image", "step of what is under way", func(m *inventory.Machine) string { return m.Step }),
		one("wanted", "active", "state that a person wants", func(m *inventory.Machine) string { return string(m.Intent.State) }),
		one("role", "hypervisor", "role", func(m *inventory.Machine) string { return m.Role }),
		one("power", "on", "power as last seen", func(m *inventory.Machine) string { return string(m.Power) }),
		text("fault", "*", "what went wrong: kind and reason", func(m *inventory.Machine) []string {
			if m.Fault == nil {
				return nil
			}
			return []string{string(m.Fault.Kind), m.Fault.Reason}
		}),
		text("hold", "*", "why nobody may touch it", func(m *inventory.Machine) []string {
			if m.Hold == nil {
				return nil
			}
			return []string{m.Hold.Reason}
		}),
		one("planned", "yes", "whether a manifest announced it: yes or no", func(m *inventory.Machine) string { return yes(m.InPlan) }),
		one("image", "sha256*", "image that was deployed", func(m *inventory.Machine) string { return m.Deployed.Image }),
		age("since", "how long it is in its state", func(m *inventory.Machine) time.Time { return m.Since }),
		age("seen", "how long ago it gave a sign of life", func(m *inventory.Machine) time.Time { return m.SeenAt }),
		age("inspected", "how long ago its hardware was looked at", func(m *inventory.Machine) time.Time { return m.FactsAt }),
	}
}

func findingFields() []Field {
	of := func(name, example, doc string, get func(inventory.Finding) []string) Field {
		return Field{Name: name, Example: example, Doc: doc, texts: func(r *Record) (all []string) {
			for _, f := range r.Findings {
				all = append(all, get(f)...)
			}
			return all
		}}
	}
	return []Field{
		of("finding", "slow", "what comparisons and tests found: kind, part and reason", func(f inventory.Finding) []string {
			return []string{string(f.Kind), f.Subject, f.Reason}
		}),
		of("finding.source", "cabling", "who found it", func(f inventory.Finding) []string { return []string{string(f.Source)} }),
		of("finding.part", "672612-081", "part number or serial number in a finding", func(f inventory.Finding) []string { return []string{f.Part, f.Serial} }),
		{Name: "findings", Unit: Count, Example: "0", Doc: "how many findings there are, without minor ones", numbers: func(r *Record) []float64 {
			n := 0.0
			for _, f := range r.Findings {
				if !f.Minor {
					n++
				}
			}
			return []float64{n}
		}},
	}
}
