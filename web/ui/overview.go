package ui

import (
	"time"

	"socle/api"
	"socle/inventory"
	"socle/inventory/elevation"
)

// maxRows bounds the table of the overview; a filter finds the rest.
const maxRows = 250

// Filter chooses what the table shows.
type Filter struct {
	State string          // "", a state, "fault" or "held"
	Text  string          // a search, see package search
	Fits  map[string]bool // IDs of the machines that the search finds
	Wrong string          // why it cannot be read; then it finds nothing
}

// Overview is the page with the racks, the table and the log.
type Overview struct {
	Filter Filter
	Totals []Total
	Racks  []Rack
	More   int // racks that are not drawn
	Rows   []Row
	All    int // machines there are
	Fits   int // machines that the filter lets through
	Events []EventLine
	Idle   int // machines of the plan that are neither active nor on their way

	NotSeen int // servers that were ordered and have never been seen
	Wrong   int // machines of which something was found that stands against acceptance
}

func (Overview) name() string  { return "overview" }
func (Overview) title() string { return "Overview" }

// Total is how many machines are in one state.
type Total struct {
	Name    string
	Class   string
	Count   int
	Current bool // the filter shows these
}

// Row is one machine in the table.
type Row struct {
	Name, Link, Serial, Role, State, Class, Step, Power, Address, Place string
	Spot                                                                string // the place in short, "r1 U4"
	Since                                                               string // how long in this state
	Overdue                                                             bool
	Stray                                                               bool
	Fault                                                               *inventory.Fault
	Hold                                                                *inventory.Hold
	Progress                                                            *Progress
}

// Progress is how far an order came.
type Progress struct {
	Kind    string
	Percent int // 0 to 100
	Known   bool
	Text    string // bytes, rate
}

// NewOverview makes the page; fixtures are the racks and what else stands in them, orders those in progress, by machine ID.
func NewOverview(machines []inventory.Machine, fixtures []inventory.Fixture, orders map[string]inventory.Order, events []inventory.Event, f Filter, now time.Time) Overview {
	f.Text, f.Wrong = clean(f.Text), clean(f.Wrong)
	o := Overview{Filter: f, All: len(machines), Events: lines(events, true)}
	rows, items := map[string]func() Row{}, []elevation.Item{}
	counts := map[string]int{}
	for _, m := range machines {
		row := func() Row {
			m.Facts = nil
			var order *inventory.Order
			if o, ok := orders[m.ID]; ok && !m.State.Stable() {
				order = &o
			}
			return newRow(scrub(m), order, now)
		}
		o.count(m, counts)
		fits := f.fits(m)
		if f.Text == "" || fits { // a search also finds a rack; a state shows among its neighbours
			rows[m.Name], items = row, append(items, elevation.Server(m))
		}
		if !fits {
			continue
		}
		o.Fits++
		if len(o.Rows) < maxRows {
			o.Rows = append(o.Rows, row())
		}
	}
	o.Totals = totals(counts, f.State)
	for _, f := range fixtures {
		if !f.IsRack() {
			items = append(items, elevation.Device(f))
		}
	}
	o.Racks, o.More = racks(fixtures, rows, items)
	return o
}

// count adds a machine to the totals.
func (o *Overview) count(m inventory.Machine, counts map[string]int) {
	counts[string(m.State)]++
	if m.Fault != nil {
		counts["fault"]++
	}
	if m.Hold != nil {
		counts["held"]++
	}
	if m.InPlan && m.Hold == nil && m.State.Stable() && m.State != inventory.Active && m.State != inventory.Retired && m.Intent.State == "" {
		o.Idle++
	}
}

func newRow(m inventory.Machine, order *inventory.Order, now time.Time) Row {
	r := Row{
		Name: m.Name, Link: link(m), Serial: m.Identity.Serial, Role: m.Role, State: short(string(m.State)), Class: "s-" + string(m.State),
		Step: words(m.Step), Power: short(string(m.Power)), Place: place(m.Place), Spot: spot(m.Place), Since: duration(now.Sub(m.Since)),
		Overdue: m.Overdue(now), Stray: !m.InPlan, Fault: m.Fault, Hold: m.Hold,
	}
	if m.Address.IsValid() {
		r.Address = m.Address.String()
	}
	if r.Power == "" {
		r.Power = "unknown"
	}
	if m.Hold == nil {
		r.Progress = newProgress(order, now)
	}
	return r
}

// newProgress says how far an order is. The rate is the average since the agent took it.
func newProgress(o *inventory.Order, now time.Time) *Progress {
	if o == nil {
		return nil
	}
	p := &Progress{Kind: words(clean(o.Kind)), Text: clean(o.Message)}
	if o.Total <= 0 {
		return p
	}
	p.Known = true
	p.Percent = percent(o.Done, o.Total)
	if o.Kind == api.OrderBurnIn { // it counts seconds
		p.Text = seconds(float64(o.Done)) + " of " + seconds(float64(o.Total))
		return p
	}
	p.Text = size(o.Done) + " of " + size(o.Total)
	if spent := now.Sub(o.TakenAt); !o.TakenAt.IsZero() && spent > time.Second && o.Done > 0 {
		p.Text += " · " + size(int64(float64(o.Done)/spent.Seconds())) + "/s"
	}
	if o.Wire > 0 && o.Kind == api.OrderWriteImage {
		p.Text += " · " + size(o.Wire) + " over the wire"
	}
	return p
}

func (f Filter) fits(m inventory.Machine) bool {
	switch f.State {
	case "":
	case "fault":
		if m.Fault == nil {
			return false
		}
	case "held":
		if m.Hold == nil {
			return false
		}
	default:
		if string(m.State) != f.State {
			return false
		}
	}
	return f.Text == "" || f.Fits[m.ID]
}

// totals lists the states that have machines, on the order of the road, and what needs a person.
func totals(counts map[string]int, current string) []Total {
	var list []Total
	for _, st := range inventory.States() {
		name := string(st)
		if n := counts[name]; n > 0 || name == current {
			list = append(list, Total{name, "s-" + name, n, name == current})
		}
	}
	for _, name := range []string{"fault", "held"} {
		if n := counts[name]; n > 0 || name == current {
			list = append(list, Total{name, "k-" + name, n, name == current})
		}
	}
	return list
}
