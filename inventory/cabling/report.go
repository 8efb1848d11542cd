package cabling

import (
	"slices"
	"time"

	"socle/inventory"
)

// State is what became of one port, in the words that people see.
type State string

// The states of ports.
const (
	Right       State = "right"        // the planned port of the planned switch is heard
	Swapped     State = "swapped"      // its cable and one or more others are each in another's place
	WrongPort   State = "wrong-port"   // of the planned switch another port is heard
	WrongSwitch State = "wrong-switch" // another switch is heard
	NoLink      State = "no-link"      // nothing is plugged in, or the other end is off
	Listening   State = "listening"    // there is a link, and a switch may not have had the time to speak
	Unheard     State = "unheard"      // there is a link, and nobody speaks LLDP on it
	Unclear     State = "unclear"      // what was heard cannot be compared with the plan
	NoPort      State = "no-port"      // the server has no such port
	Unseen      State = "unseen"       // the server was not looked at, or the BMC does not tell of its port
	Extra       State = "extra"        // something is plugged in, and the plan has nothing there
)

// States lists them, the good first.
func States() []State {
	return []State{Right, Listening, Unseen, Unheard, Unclear, Extra, NoPort, NoLink, WrongPort, WrongSwitch, Swapped}
}

// Bad tells whether something is wrong for certain, and somebody has to do something.
func (s State) Bad() bool {
	return slices.Contains([]State{Swapped, WrongPort, WrongSwitch, NoLink}, s)
}

// Open tells whether a look or a wait is missing to say that a cable is right.
func (s State) Open() bool {
	return slices.Contains([]State{Listening, Unseen, Unheard, Unclear, NoPort}, s)
}

// Port is one port of one server: what was planned beside what was heard.
type Port struct {
	Server string `json:"server"`
	State  State  `json:"state"`
	Plan   *Cable `json:"plan,omitempty"` // nil: the plan has nothing there
	NIC    string `json:"nic,omitempty"`  // as the ramdisk calls it
	MAC    string `json:"mac,omitempty"`
	Link   bool   `json:"link,omitempty"`
	Heard  *Heard `json:"heard,omitempty"`
	// Since is when the port began to have what it has; zero where that is not known.
	Since time.Time `json:"since,omitzero"`
	// Text says what is wrong or not known, in a sentence; Fix what to do about it. Both are the same for all the ports
	// of one defect.
	Text string `json:"text,omitempty"`
	Fix  string `json:"fix,omitempty"`

	machine int // index
	nic     int // index among the machine's; -1 for none
	kind    inventory.FindingKind
	partner int // index of the port that tells this one's defect; -1: this one itself
}

// Name is how the port is called on its server.
func (p Port) Name() string {
	if p.Plan != nil {
		return p.Plan.Port
	}
	return p.NIC
}

// Blind tells whether the port cannot be checked: it is the management controller's, which does not tell what it hears.
func (p Port) Blind() bool { return p.Plan != nil && IsController(p.Plan.Port) && p.Heard == nil }

// Words is the port in words, with its server.
func (p Port) Words() string { return p.Server + " " + PortWords(p.Name()) }

// Report is the comparison of a plan with a fleet.
type Report struct {
	Ports []Port `json:"ports"` // by server and port
	// Unknown are servers of the plan that no machine is called.
	Unknown []string `json:"unknown,omitempty"`

	machines []inventory.Machine
	aims     []int // as in comparison
	oneSided []redundancy
}

// Standing tells, by the names of the plan, in whose place each server stands as far as its cables say: that server whose cables
// it has, itself included. A server that has those of several, or fewer than two that can be compared, is absent.
func (r Report) Standing() map[string]string {
	type cables struct {
		of    string
		count int
		mixed bool
	}
	seen := map[string]*cables{}
	for i, p := range r.Ports {
		owner := p.Server
		switch {
		case p.State == Right:
		case p.Heard != nil && r.aims[i] >= 0:
			owner = r.Ports[r.aims[i]].Server
		default:
			continue
		}
		c := seen[p.Server]
		if c == nil {
			c = &cables{of: owner}
			seen[p.Server] = c
		}
		c.count++
		c.mixed = c.mixed || c.of != owner
	}
	all := map[string]string{}
	for name, c := range seen {
		if !c.mixed && c.count > 1 {
			all[name] = c.of
		}
	}
	return all
}

// Count is how many ports are in a state.
func (r Report) Count(s State) (n int) {
	for _, p := range r.Ports {
		if p.State == s {
			n++
		}
	}
	return n
}

// Findings are the defects, by the ID of the machine. A machine that was looked at and has none has an empty list; one
// that is not in the plan or was not looked at is absent. A defect that concerns several machines is told at each, once.
func (r Report) Findings() map[string][]inventory.Finding {
	all := map[string][]inventory.Finding{}
	told := map[[2]int]int{} // machine and defect → index in its list
	for i, p := range r.Ports {
		m := r.machines[max(p.machine, 0)]
		if p.machine < 0 || m.Facts == nil && p.Heard == nil {
			continue
		}
		if _, looked := all[m.ID]; !looked {
			all[m.ID] = []inventory.Finding{}
		}
		if p.kind == "" {
			continue
		}
		defect := i
		if p.partner >= 0 {
			defect = p.partner
		}
		if at, again := told[[2]int{p.machine, defect}]; again {
			f := &all[m.ID][at]
			f.Subject += " and " + PortWords(p.Name())
			f.Want, f.Got = f.Want+", "+p.want(), f.Got+", "+p.got()
			continue
		}
		told[[2]int{p.machine, defect}] = len(all[m.ID])
		all[m.ID] = append(all[m.ID], inventory.Finding{
			Source: inventory.FromCabling, Kind: p.kind, Subject: PortWords(p.Name()), Want: p.want(), Got: p.got(), Reason: p.Text, Remedy: p.Fix,
			Minor: p.State.Open() || p.State == Extra,
		})
	}
	for _, x := range r.oneSided {
		id := r.machines[x.machine].ID
		all[id] = append(all[id], x.finding)
	}
	for _, list := range all {
		inventory.SortFindings(list)
	}
	return all
}

func (p Port) want() string {
	if p.Plan == nil {
		return "nothing"
	}
	return p.Plan.Far()
}

func (p Port) got() string {
	switch {
	case p.Heard != nil:
		return p.Heard.String()
	case p.NIC == "":
		return "no such port"
	case p.Link:
		return "a link, nothing heard"
	}
	return "no link"
}
