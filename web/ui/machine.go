package ui

import (
	"time"

	"socle/api"
	"socle/hardware"
	"socle/inventory"
	"socle/inventory/verdict"
)

// MachineInput is what the page of a machine is made from.
type MachineInput struct {
	Machine  inventory.Machine
	Orders   []inventory.Order // newest first
	Order    *inventory.Order  // in progress, or nil
	Events   []inventory.Event // oldest first
	Evidence []inventory.Evidence
	Why      verdict.Answer
	Phases   []api.Phase
	Roles    []inventory.Role

	Condition inventory.Condition
	Alarms    []inventory.Alarm
	Samples   []inventory.Sample
	Findings  []inventory.Finding
	Standing  *Standing // nil: it is not judged
	Moves     []Move
	Tests     TestsInput
}

// Machine is the page of one machine.
type Machine struct {
	Row
	M        inventory.Machine
	Facts    *hardware.Facts
	CPU      string
	Cores    int
	Threads  int
	Virt     bool
	Orders   []OrderLine
	Events   []EventLine
	Findings []inventory.Finding
	Evidence []inventory.Evidence
	Why      Why
	Phases   []PhaseBar
	Total    float64 // seconds of all phases
	Roles    []string
	Deployed []Milestone
	CanReach bool // its BMC can be spoken to
	Health   Health
	Standing *Standing
	Moves    []Move // of parts
	Tests    Tests
}

func (Machine) name() string    { return "machine" }
func (m Machine) title() string { return m.Name }

// OrderLine is one order in the table.
type OrderLine struct {
	inventory.Order
	Took     string
	Progress *Progress
	Moved    string
}

// PhaseBar is one phase with its share of the longest.
type PhaseBar struct {
	api.Phase
	Class string
	Width int // of 100
	Moved string
}

// Milestone is one point on the way of a deployment.
type Milestone struct {
	Name string
	Time time.Time
}

// NewMachine makes the page.
func NewMachine(in MachineInput, now time.Time) Machine {
	m := scrub(in.Machine)
	p := Machine{
		Row: newRow(m, in.Order, now), M: m, Facts: m.Facts, Events: lines(in.Events, false),
		Evidence: scrub(in.Evidence), Findings: scrub(in.Findings), Why: newWhy(in.Why), CanReach: m.BMC.Known(),
		Health: newHealth(in.Condition, in.Alarms, in.Samples, now), Standing: in.Standing, Moves: scrub(in.Moves),
		Tests: in.Tests.view(m),
	}
	if m.Facts != nil {
		p.cpus(*m.Facts)
	}
	for _, o := range scrub(in.Orders) {
		p.Orders = append(p.Orders, orderLine(o, now))
	}
	p.phases(scrub(in.Phases))
	for _, r := range in.Roles {
		p.Roles = append(p.Roles, r.Name)
	}
	d := m.Deployed
	for _, ms := range []Milestone{{"image written", d.Written}, {"phoned home", d.PhonedHome}, {"role verified", d.Verified}} {
		if !ms.Time.IsZero() {
			p.Deployed = append(p.Deployed, ms)
		}
	}
	return p
}

func (m *Machine) cpus(f hardware.Facts) {
	for _, c := range f.CPUs {
		m.CPU = c.Model
		m.Cores += c.Cores
		m.Threads += c.Threads
		for _, flag := range c.Flags {
			m.Virt = m.Virt || flag == "vmx" || flag == "svm"
		}
	}
}

func (m *Machine) phases(list []api.Phase) {
	longest := 0.0
	for _, p := range list {
		longest = max(longest, p.Seconds)
		m.Total += p.Seconds
	}
	for _, p := range list {
		bar := PhaseBar{Phase: p, Class: "s-" + class(p.Name)}
		if longest > 0 {
			bar.Width = max(1, int(p.Seconds/longest*100))
		}
		if p.Wire > 0 {
			bar.Moved = size(p.Wire)
		}
		m.Phases = append(m.Phases, bar)
	}
}

func orderLine(o inventory.Order, now time.Time) OrderLine {
	l := OrderLine{Order: o}
	switch {
	case !o.EndedAt.IsZero() && !o.TakenAt.IsZero():
		l.Took = duration(o.EndedAt.Sub(o.TakenAt))
	case !o.State.Final():
		l.Progress = newProgress(&o, now)
		l.Took = duration(now.Sub(o.IssuedAt))
	}
	if o.Total > 0 && o.Kind != api.OrderBurnIn {
		l.Moved = size(o.Total)
		if o.Wire > 0 {
			l.Moved += ", " + size(o.Wire) + " over the wire"
		}
	}
	return l
}
