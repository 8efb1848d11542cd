package ui

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"socle/api"
	"socle/inventory"
)

// AcceptancePath is where verdicts are shown; by POST something is waived, or no longer.
const AcceptancePath = "/acceptance"

// Bounds of the page. The rest is counted, and told by "socle accept".
const (
	maxSums   = 200
	maxJudged = 300
)

// Acceptance is the page of what machines are accepted, and what stands against the others.
type Acceptance struct {
	Sum      // of everything that is shown
	Scope    string
	Link     string // to this page, with its scope
	Issue    string // where a certificate of it is issued, and those that there are stand
	Good     bool   // all that is shown is accepted or waived
	At       time.Time
	Sums     []Sums
	Machines []Judged
	Hidden   int // machines that do not fit on the page
	Missing  []api.AcceptanceMissing
	Refused  string // why the last form was not taken
	Done     string // what the last form did
}

// Sums are the places or deliveries of one kind.
type Sums struct {
	Kind   string
	List   []Sum
	Hidden int
}

// Sum is how many machines of a site, a rack or a delivery have which verdict, and the worst of them.
type Sum struct {
	Name, Link                       string
	Verdict                          string
	Accepted, Waived, Open, Rejected int
	Missing                          int // ordered, and without a serial number
}

// Judged is a machine with what stands against it, or was let pass.
type Judged struct {
	Machine, Link, Serial, Verdict, Where, Criteria string
	Against                                         []Against
}

// Against is one check that is not accepted.
type Against struct {
	Verdict, Detail string
	Finding         string // its key, as a form sends it; empty: it cannot be waived
	Waiver          string // that lets it pass
}

func (Acceptance) name() string  { return "acceptance" }
func (Acceptance) title() string { return "Acceptance" }

// worstFirst is the order of verdicts on the page.
var worstFirst = []string{"rejected", "open", "waived", "accepted"}

// Color is the class of a verdict's tag.
func (a Acceptance) Color(verdict string) string { return verdictColor(verdict) }

func verdictColor(verdict string) string {
	switch verdict {
	case "accepted":
		return "ok"
	case "rejected":
		return "critical"
	case "waived":
		return "warning"
	}
	return "unknown"
}

// NewAcceptance makes the page. Within a rack, or of named machines, there is nothing to sum up.
func NewAcceptance(r api.Acceptance, scope api.AcceptanceScope) Acceptance {
	a := Acceptance{Sum: sumOf(r), Scope: scopeWords(scope), Link: acceptanceLink(scope), Issue: certificatesLink(scope), Good: r.Good(), At: r.At, Missing: scrub(r.Missing)}
	if scope.Rack == "" && scope.Machines == "" {
		a.sumUp(r, scope)
	}
	a.Machines, a.Hidden = judged(r.Units)
	return a
}

func sumOf(r api.Acceptance) Sum {
	return Sum{Verdict: r.Verdict, Accepted: r.Accepted, Waived: r.Waived, Open: r.Open, Rejected: r.Rejected}
}

// judged are the machines that fit on a page, the worst first, and how many do not.
func judged(units []api.AcceptanceUnit) (list []Judged, hidden int) {
	for _, verdict := range worstFirst {
		for _, u := range units {
			switch {
			case u.Verdict != verdict:
			case len(list) == maxJudged:
				hidden++
			default:
				list = append(list, newJudged(u))
			}
		}
	}
	return list, hidden
}

// scopeWords names what is shown; empty: everything.
func scopeWords(s api.AcceptanceScope) string {
	switch {
	case s.Rack != "":
		return clean("rack " + s.Rack)
	case s.Delivery != "":
		return clean("delivery " + s.Delivery)
	case s.Site != "":
		return clean("site " + s.Site)
	}
	return clean(s.Machines)
}

// sumUp counts by site, rack and delivery, but not by what the scope is.
func (a *Acceptance) sumUp(r api.Acceptance, scope api.AcceptanceScope) {
	by := func(kind string, of func(api.AcceptanceUnit) string, scope func(string) api.AcceptanceScope, missing []api.AcceptanceMissing) {
		at := map[string]*Sum{}
		sum := func(name string) *Sum {
			if at[name] == nil {
				at[name] = &Sum{Name: clean(name), Link: acceptanceLink(scope(name))}
			}
			return at[name]
		}
		for _, u := range r.Units {
			if name := of(u); name != "" {
				sum(name).add(u.Verdict)
			}
		}
		for _, m := range missing {
			s := sum(m.Delivery)
			s.Missing += m.Count
		}
		s := Sums{Kind: kind}
		for _, one := range at {
			one.Verdict = one.worst()
			s.List = append(s.List, *one)
		}
		slices.SortFunc(s.List, func(x, y Sum) int {
			if c := slices.Index(worstFirst, x.Verdict) - slices.Index(worstFirst, y.Verdict); c != 0 {
				return c
			}
			return strings.Compare(x.Name, y.Name)
		})
		if s.Hidden = max(0, len(s.List)-maxSums); len(s.List) > 0 {
			s.List = s.List[:len(s.List)-s.Hidden]
			a.Sums = append(a.Sums, s)
		}
	}
	if scope.Site == "" {
		by("Site", func(u api.AcceptanceUnit) string { return u.Site }, func(n string) api.AcceptanceScope { return api.AcceptanceScope{Site: n} }, nil)
	}
	by("Rack", func(u api.AcceptanceUnit) string { return u.Rack }, func(n string) api.AcceptanceScope { return api.AcceptanceScope{Rack: n} }, nil)
	if scope.Delivery == "" {
		by("Delivery", func(u api.AcceptanceUnit) string { return u.Delivery }, func(n string) api.AcceptanceScope { return api.AcceptanceScope{Delivery: n} }, r.Missing)
	}
}

func (s *Sum) add(verdict string) {
	switch verdict {
	case "accepted":
		s.Accepted++
	case "waived":
		s.Waived++
	case "open":
		s.Open++
	default:
		s.Rejected++
	}
}

// worst is the verdict on all of it.
func (s Sum) worst() string {
	switch {
	case s.Rejected > 0:
		return "rejected"
	case s.Open > 0 || s.Missing > 0:
		return "open"
	case s.Waived > 0:
		return "waived"
	}
	return "accepted"
}

func newJudged(u api.AcceptanceUnit) Judged {
	j := Judged{Machine: clean(u.Machine), Link: "/machines/" + url.PathEscape(u.Machine), Serial: clean(u.Serial), Verdict: u.Verdict, Criteria: clean(u.Criteria), Where: clean(spot(inventory.Place{Rack: u.Rack, U: u.U}))}
	for _, verdict := range worstFirst[:3] {
		for _, c := range u.Checks {
			if c.Verdict == verdict && len(j.Against) < maxItems {
				j.Against = append(j.Against, Against{Verdict: verdict, Detail: clean(c.Detail), Finding: c.Finding, Waiver: c.Waiver})
			}
		}
	}
	return j
}

// acceptanceLink is the page of a scope.
func acceptanceLink(s api.AcceptanceScope) string {
	if q := s.Values().Encode(); q != "" {
		return AcceptancePath + "?" + q
	}
	return AcceptancePath
}

// Standing is the line of a machine's page: its verdict, and the worst that stands against it.
type Standing struct {
	Verdict, Color, Why, Link string
	Certificates              string // link to those that judge it
	More                      int    // reasons besides Why
}

// NewStanding makes the line of a verdict.
func NewStanding(u api.AcceptanceUnit) *Standing {
	j, only := newJudged(u), api.AcceptanceScope{Machines: u.Machine}
	s := &Standing{Verdict: u.Verdict, Color: verdictColor(u.Verdict), Link: acceptanceLink(only), Certificates: certificatesLink(only)}
	if len(j.Against) > 0 {
		s.Why, s.More = j.Against[0].Detail, len(j.Against)-1
	}
	return s
}
