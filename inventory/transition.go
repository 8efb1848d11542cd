package inventory

import (
	"errors"
	"fmt"
	"time"
)

// ErrTransition says that the table has no such road.
var ErrTransition = errors.New("no such transition")

// Transition is one row of the life cycle.
type Transition struct {
	From, To State
	// Why is the occasion, in words for people; the diagram in docs/lifecycle.md shows it.
	Why string
	// Leads is, for a transient To, the stable state that it works towards.
	Leads State
	// Deadline is, for a transient To, how long it may take before it becomes a Fault.
	Deadline time.Duration
	// Boot is what the machine shall boot while it is in To.
	Boot Boot
}

// transitions is the whole life cycle: nothing moves a machine that is not in this table.
var transitions = []Transition{
	{From: Expected, To: Discovered, Why: "seen by DHCP, BMC or agent", Boot: BootRamdisk},
	{From: Expected, To: Retired, Why: "never came"},
	{From: Discovered, To: Inspecting, Why: "inspect", Leads: Ready, Deadline: 30 * time.Minute, Boot: BootRamdisk},
	{From: Discovered, To: Retired, Why: "not wanted"},
	{From: Inspecting, To: Testing, Why: "facts are in, a test plan applies", Leads: Ready, Deadline: 24 * time.Hour, Boot: BootRamdisk},
	{From: Inspecting, To: Ready, Why: "facts are in and accepted", Boot: BootRamdisk},
	{From: Inspecting, To: Discovered, Why: "inspection failed or was stopped", Boot: BootRamdisk},
	{From: Testing, To: Ready, Why: "tests passed", Boot: BootRamdisk},
	{From: Testing, To: Discovered, Why: "tests failed or were stopped", Boot: BootRamdisk},
	{From: Ready, To: Inspecting, Why: "inspect again", Leads: Ready, Deadline: 30 * time.Minute, Boot: BootRamdisk},
	{From: Ready, To: Deploying, Why: "deploy a role", Leads: Active, Deadline: 90 * time.Minute, Boot: BootRamdisk},
	{From: Ready, To: Retired, Why: "retire"},
	{From: Deploying, To: Active, Why: "phoned home and role verified", Boot: BootDisk},
	{From: Deploying, To: Ready, Why: "deployment failed or was stopped", Boot: BootRamdisk},
	{From: Active, To: Deploying, Why: "deploy again", Leads: Active, Deadline: 90 * time.Minute, Boot: BootRamdisk},
	{From: Active, To: Erasing, Why: "erase", Leads: Ready, Deadline: 48 * time.Hour, Boot: BootRamdisk},
	{From: Active, To: Rescuing, Why: "rescue", Leads: Active, Deadline: 24 * time.Hour, Boot: BootRescue},
	{From: Rescuing, To: Active, Why: "rescue ended", Boot: BootDisk},
	{From: Erasing, To: Ready, Why: "erased, with proof", Boot: BootRamdisk},
	{From: Erasing, To: Retired, Why: "erased on the way out"},
}

// Transitions returns the whole table, for diagrams and tests.
func Transitions() []Transition { return append([]Transition(nil), transitions...) }

// FindTransition returns the row from one state to another, or ErrTransition with what is possible instead.
func FindTransition(from, to State) (Transition, error) {
	var possible []State
	for _, t := range transitions {
		if t.From != from {
			continue
		}
		if t.To == to {
			return t, nil
		}
		possible = append(possible, t.To)
	}
	return Transition{}, fmt.Errorf("%w from %s to %s: from %s a machine can go to %v", ErrTransition, from, to, from, possible)
}

// Move takes the machine to another state at the given time. It clears the fault, sets or clears target and
// deadline, and sets what the machine boots. The machine is unchanged when the table has no such road or
// a hold forbids it.
func (m *Machine) Move(to State, now time.Time) error {
	t, err := FindTransition(m.State, to)
	if err != nil {
		return err
	}
	if m.State == Testing || to == Ready { // what was confirmed held for these tests, or for none when no plan applies any more
		m.Intent.Disks = nil
	}
	m.State, m.Target, m.Fault, m.Step, m.Op = to, t.Leads, nil, "", nil
	m.Boot = t.Boot
	m.Since = now
	m.Deadline = time.Time{}
	if t.Deadline > 0 {
		m.Deadline = now.Add(t.Deadline)
	}
	return nil
}

// Overdue tells whether a transient state has passed its deadline.
func (m *Machine) Overdue(now time.Time) bool {
	return !m.Deadline.IsZero() && now.After(m.Deadline)
}
