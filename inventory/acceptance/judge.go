package acceptance

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"socle/inventory"
)

// Verdict is what is said of a machine, or of all machines of a scope.
type Verdict string

// The verdicts, the best first.
const (
	Accepted Verdict = "accepted" // everything is as the criteria ask
	Waived   Verdict = "waived"   // a person let pass what is not
	Open     Verdict = "open"     // something was not looked at, or is not there yet
	Rejected Verdict = "rejected"
)

// Verdicts lists them, the best first.
func Verdicts() []Verdict { return []Verdict{Accepted, Waived, Open, Rejected} }

// Good tells whether the machine may go to work.
func (v Verdict) Good() bool { return v == Accepted || v == Waived }

// worse is the worse of two; what is unknown is worse than everything.
func worse(a, b Verdict) Verdict {
	order := Verdicts()
	if i, j := slices.Index(order, a), slices.Index(order, b); i < 0 || j >= 0 && i >= j {
		return a
	}
	return b
}

// Case is all that is known of one machine.
type Case struct {
	Machine  inventory.Machine
	Findings []inventory.Findings
	Measured []inventory.Measurement // the newest run of each metric that the criteria bound
	// Tested is when something of each test of the criteria was measured last; see Criteria.Tests.
	Tested  map[string]time.Time
	Waivers []Waiver // in force
	// Planned are the comparisons that a plan asks for: parts of a machine whose model is known, its cables, its tests.
	Planned []inventory.FindingSource
	Racked  bool // somebody said that it stands at its place
}

// Check is one thing that was looked at.
type Check struct {
	Name    string  `json:"name"`
	Verdict Verdict `json:"verdict"`
	Detail  string  `json:"detail"` // in words
	Waiver  *Waiver `json:"waiver,omitempty"`
	// Finding is the key of what was found, for a waiver; empty of what cannot be waived.
	Finding string `json:"finding,omitempty"`
}

// Unit is one machine, judged.
type Unit struct {
	ID       string          `json:"id"`
	Name     string          `json:"name"`
	Serial   string          `json:"serial,omitempty"`
	AssetTag string          `json:"asset_tag,omitempty"`
	Model    string          `json:"model,omitempty"`
	Product  string          `json:"product,omitempty"` // as its firmware says
	Delivery string          `json:"delivery,omitempty"`
	Site     string          `json:"site,omitempty"`
	Rack     string          `json:"rack,omitempty"` // with what it stands in
	U        int             `json:"u,omitempty"`
	State    inventory.State `json:"state"`
	Verdict  Verdict         `json:"verdict"`
	Criteria string          `json:"criteria"`
	Digest   string          `json:"criteria_sha256"`
	Checks   []Check         `json:"checks"`
}

// Reasons are the details of what is not accepted, the worst first.
func (u Unit) Reasons() (all []string) {
	for _, v := range []Verdict{Rejected, Open, Waived} {
		for _, c := range u.Checks {
			if c.Verdict == v {
				all = append(all, c.Detail)
			}
		}
	}
	return all
}

// Judge judges one machine.
func Judge(c Criteria, of Case, now time.Time) Unit {
	m := of.Machine
	u := Unit{
		ID: m.ID, Name: m.Name, Serial: m.Identity.Serial, AssetTag: m.Identity.AssetTag, Model: m.Model, Delivery: m.Delivery,
		Site: m.Place.Site, Rack: m.Place.RackName(), U: m.Place.U, State: m.State, Verdict: Accepted, Criteria: c.Name, Digest: c.Digest(),
	}
	if m.Facts != nil {
		u.Product = m.Facts.System.Product
	}
	j := judge{c: c, of: of, now: now, u: &u}
	j.state()
	j.inspected()
	j.sources()
	j.tests()
	j.bounds()
	if c.Racked && !of.Racked {
		j.say("place", Open, "nobody said in the aisle that it stands at its place: socle rack")
	}
	for _, k := range u.Checks {
		u.Verdict = worse(u.Verdict, k.Verdict)
	}
	return u
}

type judge struct {
	c   Criteria
	of  Case
	now time.Time
	u   *Unit
}

func (j *judge) say(name string, v Verdict, format string, args ...any) {
	j.u.Checks = append(j.u.Checks, Check{Name: name, Verdict: v, Detail: fmt.Sprintf(format, args...)})
}

func (j *judge) state() {
	m := j.of.Machine
	states := j.c.States
	if len(states) == 0 {
		states = []inventory.State{inventory.Ready, inventory.Active}
	}
	switch {
	case m.State == inventory.Expected:
		j.say("state", Open, "it was never seen")
	case m.Fault != nil:
		j.say("state", Rejected, "it has the fault %s: %s", m.Fault.Kind, m.Fault.Reason)
	case !slices.Contains(states, m.State):
		j.say("state", Open, "it is %s, and not %s", m.State, join(states, " or "))
	default:
		j.say("state", Accepted, "it is %s", m.State)
	}
	if m.Hold != nil {
		j.say("hold", Open, "it is held: %s", m.Hold.Reason)
	}
}

func (j *judge) inspected() {
	m := j.of.Machine
	switch {
	case m.State == inventory.Expected:
	case m.FactsAt.IsZero():
		j.say("inspected", Open, "the agent has not looked at its hardware")
	case j.old(m.FactsAt):
		j.say("inspected", Open, "the agent looked at its hardware on %s, more than %d days ago", m.FactsAt.Format(time.DateOnly), j.c.MaxDays)
	default:
		j.say("inspected", Accepted, "the agent looked at its hardware on %s", m.FactsAt.UTC().Format(time.RFC3339))
	}
}

func (j *judge) old(t time.Time) bool {
	return j.c.MaxDays > 0 && j.now.Sub(t) > time.Duration(j.c.MaxDays)*24*time.Hour
}

// sources judges what each comparison found; of a machine that was never seen there is nothing to compare.
func (j *judge) sources() {
	if j.of.Machine.State == inventory.Expected {
		return
	}
	for _, s := range inventory.FindingSources() {
		i := slices.IndexFunc(j.of.Findings, func(f inventory.Findings) bool { return f.Source == s })
		if i < 0 {
			if slices.Contains(j.of.Planned, s) || slices.Contains(j.c.Looked, s) {
				j.say(string(s), Open, "%s: nobody has looked yet", s)
			}
			continue
		}
		before := len(j.u.Checks)
		for _, f := range j.of.Findings[i].List {
			j.finding(f)
		}
		if len(j.u.Checks) == before {
			j.say(string(s), Accepted, "%s: nothing stands against it", s)
		}
	}
}

func (j *judge) finding(f inventory.Finding) {
	if f.Minor || slices.ContainsFunc(j.c.Ignore, func(g Ignore) bool { return g.fits(f) }) {
		return
	}
	k := Check{Name: string(f.Source), Verdict: Rejected, Detail: f.Reason, Finding: f.Key()}
	if f.Kind == inventory.FindUnknown {
		k.Verdict = Open
	}
	changed := false
	for _, w := range j.of.Waivers {
		switch {
		case Same(w.Finding, f):
			k.Verdict, k.Waiver = Waived, &w
			k.Detail += fmt.Sprintf(" (waived by %s: %s)", w.By, w.Reason)
		case w.Finding.Key() == f.Key():
			changed = true
		}
	}
	if changed && k.Waiver == nil {
		k.Detail += " (what was waived of it was another reading or part)"
	}
	j.u.Checks = append(j.u.Checks, k)
}

// tests wants something measured of each test, in a run that is not too old.
func (j *judge) tests() {
	for _, t := range j.c.Tests {
		newest := j.of.Tested[t]
		switch {
		case newest.IsZero():
			j.say("test "+t, Open, "test %s: nothing was measured", t)
		case j.old(newest):
			j.say("test "+t, Open, "test %s: it was measured on %s, more than %d days ago", t, newest.Format(time.DateOnly), j.c.MaxDays)
		default:
			j.say("test "+t, Accepted, "test %s: measured on %s", t, newest.UTC().Format(time.RFC3339))
		}
	}
}

func (j *judge) bounds() {
	for _, b := range j.c.Metrics {
		seen, good := 0, true
		for _, m := range j.of.Measured {
			if m.Metric != b.Metric {
				continue
			}
			seen++
			what := strings.TrimSpace(b.Metric + " " + m.Subject)
			if b.AtLeast != nil && m.Value < *b.AtLeast {
				good = false
				j.say(b.Metric, Rejected, "%s: %g %s, at least %g is wanted", what, m.Value, m.Unit, *b.AtLeast)
			}
			if b.AtMost != nil && m.Value > *b.AtMost {
				good = false
				j.say(b.Metric, Rejected, "%s: %g %s, at most %g is wanted", what, m.Value, m.Unit, *b.AtMost)
			}
		}
		switch {
		case seen == 0:
			j.say(b.Metric, Open, "%s: it was not measured", b.Metric)
		case good:
			j.say(b.Metric, Accepted, "%s: all %d values are within the bounds", b.Metric, seen)
		}
	}
}

func join[T ~string](all []T, between string) string {
	texts := make([]string, 0, len(all))
	for _, t := range all {
		texts = append(texts, string(t))
	}
	return strings.Join(texts, between)
}
