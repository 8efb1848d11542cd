package acceptance

import (
	"slices"
	"strings"
	"time"
)

// ScopeKind is what a report is about.
type ScopeKind string

// The kinds of scopes.
const (
	OfMachines ScopeKind = "machines"
	OfRack     ScopeKind = "rack"
	OfDelivery ScopeKind = "delivery"
	OfSite     ScopeKind = "site"
	OfAll      ScopeKind = "all"
)

// Scope is which machines a report is about.
type Scope struct {
	Kind ScopeKind `json:"kind"`
	Name string    `json:"name,omitempty"` // of the rack, delivery or site; of machines their range
}

// Missing is a part of an order of which no server has a serial number yet.
type Missing struct {
	Delivery string `json:"delivery"`
	Line     int    `json:"line"`
	Model    string `json:"model,omitempty"`
	Part     string `json:"part,omitempty"`
	Count    int    `json:"count"`
}

// Report is a scope with all its machines.
type Report struct {
	Scope   Scope     `json:"scope"`
	At      time.Time `json:"at"`
	Verdict Verdict   `json:"verdict"`
	Units   []Unit    `json:"units"` // by place, then by name
	Missing []Missing `json:"missing,omitempty"`
}

// NewReport puts machines together. A scope without any machine is open.
func NewReport(scope Scope, at time.Time, units []Unit, missing []Missing) Report {
	r := Report{Scope: scope, At: at.UTC(), Verdict: Accepted, Units: units, Missing: missing}
	if r.Units == nil {
		r.Units = []Unit{}
	}
	slices.SortFunc(r.Units, func(a, b Unit) int {
		if c := strings.Compare(a.Rack, b.Rack); c != 0 {
			return c
		}
		if a.U != b.U {
			return a.U - b.U
		}
		return strings.Compare(a.Name, b.Name)
	})
	if len(units) == 0 || len(missing) > 0 {
		r.Verdict = Open
	}
	for _, u := range units {
		r.Verdict = worse(r.Verdict, u.Verdict)
	}
	return r
}

// Count is how many machines have a verdict.
func (r Report) Count(v Verdict) (n int) {
	for _, u := range r.Units {
		if u.Verdict == v {
			n++
		}
	}
	return n
}
