package ui

import (
	"cmp"
	"net/url"
	"slices"
	"time"

	"socle/api"
	"socle/inventory"
)

// TestsPath is where all machines under test are shown.
const TestsPath = "/tests"

// maxTested bounds the list; a filter finds the rest.
const maxTested = 300

// TestFilter chooses machines. Show is one of TestShows, or empty for all.
type TestFilter struct{ Rack, Model, Show string }

// TestShows are how a machine's tests can stand, what needs a look first.
var TestShows = []string{"testing", "failed", "odd", "passed"}

// TestList is the page of all machines that are tested or were.
type TestList struct {
	Filter TestFilter
	Totals []TestTotal
	Racks  []string
	Models []string
	Lines  []TestLine
	Hidden int
	Plans  []TestPlan
}

// TestTotal counts machines; its link shows them.
type TestTotal struct {
	Show, Link, Color string
	Count             int
	Current           bool
}

// TestPlan is one plan of the configuration.
type TestPlan struct{ Name, Model, Words string }

// TestLine is one machine.
type TestLine struct {
	Name, Link, Results, Spot, Model string
	Show, Color                      string
	Now                              string // the test that runs, or what is waited for
	Percent                          int
	Left                             string
	Known                            bool // how far it is
	Tested                           time.Time
	Against                          []inventory.Finding
	More                             int // of what is against it
	Held                             bool
	rack                             string
}

// TestListInput is what the page is made from.
type TestListInput struct {
	Machines []inventory.Machine // without facts
	Orders   map[string]inventory.Order
	Found    []inventory.Findings // of all machines
	Plans    []inventory.BurnInPlan
	Filter   TestFilter
}

// worstTold is how much of what is against a machine the list tells.
const worstTold = 3

func (TestList) name() string  { return "tests" }
func (TestList) title() string { return "Tests" }

// NewTestList makes the page: those under test first, then what is worst.
func NewTestList(in TestListInput) TestList {
	f := TestFilter{clean(in.Filter.Rack), clean(in.Filter.Model), clean(in.Filter.Show)}
	l := TestList{Filter: f}
	for _, p := range in.Plans {
		l.Plans = append(l.Plans, TestPlan{Name: p.Name, Model: clean(p.Model), Words: planWords(p)})
	}
	found := map[string][]inventory.Findings{}
	for _, x := range in.Found {
		found[x.Machine] = append(found[x.Machine], x)
	}
	counts := map[string]int{}
	for _, m := range in.Machines {
		line, some := newTestLine(m, in, found[m.ID])
		if !some {
			continue
		}
		l.choices(line)
		if f.Rack != "" && f.Rack != line.rack || f.Model != "" && f.Model != line.Model {
			continue
		}
		counts[line.Show]++
		if f.Show == "" || f.Show == line.Show {
			l.Lines = append(l.Lines, line)
		}
	}
	slices.Sort(l.Racks)
	slices.Sort(l.Models)
	slices.SortStableFunc(l.Lines, func(a, b TestLine) int {
		return cmp.Compare(slices.Index(TestShows, a.Show), slices.Index(TestShows, b.Show))
	})
	l.Hidden = max(0, len(l.Lines)-maxTested)
	l.Lines = l.Lines[:len(l.Lines)-l.Hidden]
	for _, show := range TestShows {
		l.Totals = append(l.Totals, newTestTotal(show, counts[show], f))
	}
	return l
}

// choices notes what the list can be filtered by.
func (l *TestList) choices(line TestLine) {
	if line.rack != "" && !slices.Contains(l.Racks, line.rack) {
		l.Racks = append(l.Racks, line.rack)
	}
	if line.Model != "" && !slices.Contains(l.Models, line.Model) {
		l.Models = append(l.Models, line.Model)
	}
}

// newTestTotal is a link to the machines of one kind, or from them back to all.
func newTestTotal(show string, count int, f TestFilter) TestTotal {
	t := TestTotal{Show: show, Color: testColor(show), Count: count, Current: f.Show == show}
	if f.Show = show; t.Current {
		f.Show = ""
	}
	t.Link = f.link()
	return t
}

func (f TestFilter) link() string {
	q := url.Values{}
	for name, value := range map[string]string{"rack": f.Rack, "model": f.Model, "show": f.Show} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if len(q) == 0 {
		return TestsPath
	}
	return TestsPath + "?" + q.Encode()
}

func testColor(show string) string {
	return map[string]string{"testing": "s-testing", "failed": "k-fault", "odd": "k-held", "passed": "s-active"}[show]
}

// newTestLine tells how the tests of one machine stand; one that never was tested, and is not, has no line.
func newTestLine(m inventory.Machine, in TestListInput, found []inventory.Findings) (l TestLine, some bool) {
	tested, against := testFindings(found)
	if m.State != inventory.Testing && tested.IsZero() && len(against) == 0 {
		return l, false
	}
	name := m.Name
	if name == "" {
		name = m.Identity.Serial
	}
	l = TestLine{Name: clean(name), Link: link(m), Results: link(m) + "/tests", Spot: clean(spot(m.Place)), Model: clean(m.Model), Tested: tested, Held: m.Hold != nil,
		Show: "passed", rack: clean(m.Place.Rack)}
	for _, f := range against {
		switch {
		case f.Minor:
		case f.Source == inventory.FromBurnIn:
			l.Show = "failed"
		case l.Show == "passed":
			l.Show = "odd"
		}
	}
	if m.State == inventory.Testing {
		l.Show = "testing"
		l.progress(m, in)
	}
	l.Color = testColor(l.Show)
	l.More = max(0, len(against)-worstTold)
	l.Against = against[:len(against)-l.More]
	return l, true
}

// progress says which test runs, as far as the plan is known without the machine's hardware, and how far all are.
func (l *TestLine) progress(m inventory.Machine, in TestListInput) {
	o, ok := in.Orders[m.ID]
	if !ok || o.Kind != api.OrderBurnIn || o.Total <= 0 {
		l.Now = "waits for the agent"
		return
	}
	l.Known, l.Percent, l.Left = true, percent(o.Done, o.Total), left(o)
	if p, ok := inventory.BurnInFor(in.Plans, &m); ok && int64(len(p.Tests)*p.Seconds) == o.Total {
		l.Now = clean(p.Tests[min(len(p.Tests)-1, int(o.Done)/p.Seconds)])
	}
}
