package cabling

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"socle/hardware"
	"socle/inventory"
)

// settled is how long LLDP is listened for before silence means something, in seconds: switches speak every 30 s.
const settled = 35

// Compare compares a plan with what the servers of a fleet heard last.
func Compare(plan []Cable, machines []inventory.Machine) Report {
	c := newComparison(plan, machines)
	for i := range c.plan {
		c.planned(&c.plan[i])
	}
	c.extras()
	c.locate()
	c.cycles()
	c.misplaced()
	for i := range c.ports {
		c.explain(i)
	}
	r := Report{Ports: c.ports, Unknown: c.unknown, machines: machines, aims: c.aims, oneSided: c.redundancy()}
	return r
}

// comparison is the state of one.
type comparison struct {
	plan     []Cable
	machines []inventory.Machine
	byName   map[string]int
	names    map[string]string // of switches by chassis id, from those that tell both
	spoken   map[string]bool   // hosts of switches that were heard
	far      map[string][]int  // host of a switch → cables of the plan
	parsed   []portName        // of the cables' far ends
	ports    []Port
	of       []int // cable → port
	used     map[[2]int]int
	unknown  []string
	aims     []int // port → the port whose planned place its cable is in; -1 for none
}

func newComparison(plan []Cable, machines []inventory.Machine) *comparison {
	c := &comparison{
		plan: slices.Clone(plan), machines: machines, byName: make(map[string]int, len(machines)), names: map[string]string{},
		spoken: map[string]bool{}, far: map[string][]int{}, used: map[[2]int]int{},
	}
	Sort(c.plan)
	for i, m := range machines {
		c.byName[strings.ToLower(m.Name)] = i
		c.meet(m.BMC.Neighbors())
		if m.Facts == nil {
			continue
		}
		for _, n := range m.Facts.NICs {
			c.meet(n.LLDP)
		}
	}
	c.parsed, c.of = make([]portName, len(c.plan)), make([]int, len(c.plan))
	for i, x := range c.plan {
		at := host(SwitchKey(x.Switch))
		c.far[at] = append(c.far[at], i)
		c.parsed[i] = parsePort(x.SwitchPort)
	}
	return c
}

// meet notes which switches speak, and their names.
func (c *comparison) meet(all []hardware.Neighbor) {
	for _, l := range all {
		c.spoken[host(SwitchKey(l.SystemName))], c.spoken[host(SwitchKey(l.ChassisID))] = true, true
		if l.SystemName != "" {
			c.names[l.ChassisID] = l.SystemName
		}
	}
}

// planned looks at one cable of the plan.
func (c *comparison) planned(x *Cable) {
	p := Port{Server: x.Server, Plan: x, machine: -1, nic: -1, partner: -1}
	if i, ok := c.byName[x.Server]; ok {
		p.machine = i
	} else if !slices.Contains(c.unknown[max(0, len(c.unknown)-1):], x.Server) {
		c.unknown = append(c.unknown, x.Server)
	}
	c.look(&p)
	c.of[len(c.ports)] = len(c.ports) // cables come first, in the order of the plan
	c.ports = append(c.ports, p)
}

// look says what was heard at a planned port.
func (c *comparison) look(p *Port) {
	switch {
	case p.machine < 0:
		p.State, p.Text = Unseen, fmt.Sprintf("there is no machine %s", p.Server)
		return
	case IsController(p.Plan.Port):
		c.controller(p)
		return
	case c.machines[p.machine].Facts == nil:
		p.State, p.Text = Unseen, p.Server+" has not been looked at yet"
		return
	}
	nics := c.machines[p.machine].Facts.NICs
	if p.nic = Resolve(p.Plan.Port, nics); p.nic < 0 {
		p.State = NoPort
		return
	}
	if first, taken := c.used[[2]int{p.machine, p.nic}]; taken {
		p.State, p.nic = NoPort, -1
		p.Text = fmt.Sprintf("the plan says %s and %s, which are one port of %s", c.ports[first].Name(), p.Name(), p.Server)
		return
	}
	c.used[[2]int{p.machine, p.nic}] = len(c.ports)
	n := nics[p.nic]
	p.NIC, p.MAC, p.Link, p.Since = n.Name, n.MAC, n.Link, n.HeardAt
	switch {
	case !n.Link:
		p.State = NoLink
	case len(n.LLDP) == 0 && n.Listened < settled && n.Listened > 0:
		p.State = Listening
	case len(n.LLDP) == 0:
		p.State = Unheard
	default:
		c.judge(p, n.LLDP)
	}
}

// controller says what the management controller hears at its own port. One that tells nothing may hear nothing, or have no
// words for it.
func (c *comparison) controller(p *Port) {
	b := c.machines[p.machine].BMC
	if len(b.Heard) == 0 {
		p.State, p.Text = Unseen, "the controller tells of no switch at its own port, where none can be heard from inside the server: this cable is not checked"
		return
	}
	p.MAC, p.Link, p.Since = b.MAC, true, b.HeardAt
	c.judge(p, b.Neighbors())
}

// judge compares the neighbours of a port with its plan. Several are heard behind a hub, or when one that is gone has not
// been forgotten yet: the best counts.
func (c *comparison) judge(p *Port, all []hardware.Neighbor) {
	best, rank := State(""), len(States())
	for _, n := range all {
		n = c.named(n)
		state := c.stateOf(p.Plan, n)
		if at := slices.Index([]State{Right, Unclear, WrongPort, WrongSwitch}, state); at < rank {
			h := heard(n)
			best, rank, p.Heard = state, at, &h
		}
	}
	p.State = best
}

// named gives a neighbour the name that its chassis tells elsewhere.
func (c *comparison) named(n hardware.Neighbor) hardware.Neighbor {
	n.SystemName = cmp.Or(n.SystemName, c.names[n.ChassisID])
	return n
}

func (c *comparison) stateOf(x *Cable, n hardware.Neighbor) State {
	if !SameSwitch(x.Switch, n) {
		_, planned := c.far[host(SwitchKey(n.SystemName))]
		_, byChassis := c.far[host(SwitchKey(n.ChassisID))]
		if !planned && !byChassis && !c.spoken[host(SwitchKey(x.Switch))] {
			return Unclear // two names of one switch, as like as not
		}
		return WrongSwitch
	}
	switch heardPort(parsePort(x.SwitchPort), n) {
	case equal:
		return Right
	case unclear:
		return Unclear
	default:
		return WrongPort
	}
}

// extras are ports with a link that the plan says nothing of, on servers of which it says something.
func (c *comparison) extras() {
	planned := map[int]bool{}
	for _, p := range c.ports {
		if p.machine >= 0 {
			planned[p.machine] = true
		}
	}
	for i := range c.machines {
		if !planned[i] || c.machines[i].Facts == nil {
			continue
		}
		for j, n := range c.machines[i].Facts.NICs {
			if _, used := c.used[[2]int{i, j}]; used || !n.Link {
				continue
			}
			p := Port{Server: c.machines[i].Name, State: Extra, NIC: n.Name, MAC: n.MAC, Link: true, Since: n.HeardAt, machine: i, nic: j, partner: -1}
			if len(n.LLDP) > 0 {
				h := heard(c.named(n.LLDP[0]))
				p.Heard = &h
			}
			c.ports = append(c.ports, p)
		}
	}
	// keep the ports of a server together; cables know their ports by index
	order := make([]int, len(c.ports))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return natural(c.ports[a].Server, c.ports[b].Server) })
	sorted, to := make([]Port, len(c.ports)), make([]int, len(c.ports))
	for at, from := range order {
		sorted[at], to[from] = c.ports[from], at
	}
	c.ports = sorted
	for i := range c.of {
		c.of[i] = to[c.of[i]]
	}
}

// locate finds, for each cable that is not in its place, in whose place it is.
func (c *comparison) locate() {
	c.aims = make([]int, len(c.ports))
	for i, p := range c.ports {
		c.aims[i] = -1
		if p.Heard == nil || p.State == Right || p.State == Unclear {
			continue
		}
		n := hardwareOf(p.Heard)
		for _, key := range []string{host(SwitchKey(n.SystemName)), host(SwitchKey(n.ChassisID))} {
			for _, x := range c.far[key] {
				if SameSwitch(c.plan[x].Switch, n) && heardPort(c.parsed[x], n) == equal {
					c.aims[i] = c.of[x]
				}
			}
		}
	}
}
