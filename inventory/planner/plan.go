package planner

import (
	"fmt"
	"slices"
	"strings"

	"socle/inventory"
)

// Want is how many machines of a role are wanted.
type Want struct {
	Role  string
	Count int
}

// Candidate is a machine that may be given a role.
type Candidate struct {
	Machine *inventory.Machine
	// Findings that stand against it: it is taken only when there are no others.
	Findings int
	// Feeds are the power feeds of its rack, empty where they are not known. Machines whose feeds are all the same go dark
	// together.
	Feeds []inventory.Feed
}

// Level is something that machines are spread over.
type Level string

// The levels. A plan is spread over the first of several, and within that over the next.
const (
	Site Level = "site"
	Room Level = "room"
	Row  Level = "row"
	Rack Level = "rack"
	Feed Level = "feed" // the power distribution unit of the server, else the feeds of its rack
)

// Levels lists them.
func Levels() []Level { return []Level{Site, Room, Row, Rack, Feed} }

// of is where a machine stands in a level; empty when that is not known.
func (l Level) of(c Candidate) string {
	m := c.Machine
	switch p := m.Place; l {
	case Site:
		return p.Site
	case Room:
		return strings.Join([]string{p.Site, p.Room}, "/")
	case Row:
		return strings.Join([]string{p.Site, p.Room, p.Row}, "/")
	case Rack:
		return p.RackName()
	}
	if m.BMC.Protocol == inventory.PDU {
		return m.BMC.Address
	}
	var names []string
	for _, f := range c.Feeds {
		names = append(names, f.Name)
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names) // whichever is the first in a rack
	feeds := strings.Join(names, "+")
	if m.Place.Site != "" {
		return m.Place.Site + "/" + feeds
	}
	return feeds
}

// Costs of a plan. What is spread unevenly costs more than a role that another would fit better, and what has findings more
// than both.
const (
	costSpread  = 100   // times the square of how many of a role stand in one place
	costOther   = 10    // the machine would be given another role if nobody asked
	costFinding = 50000 // it has findings
)

// Choice is one machine in a plan.
type Choice struct {
	Machine  *inventory.Machine
	Role     string
	Place    string // where it stands in the levels, joined
	Findings int
}

// Left is a machine that is not in the plan.
type Left struct {
	Machine *inventory.Machine
	Fits    []string // roles that it could have: it is spare
	Why     []string // why it has none of the others
}

// Plan is who gets which role.
type Plan struct {
	Chosen []Choice // by role in the order of the wishes, then by name
	Short  []Want   // what is missing
	Left   []Left
	Cost   int
}

// Make makes the best plan. Every role that is wanted has to be one of the roles, and is wanted once.
func Make(wants []Want, roles []inventory.Role, candidates []Candidate, spread []Level) (Plan, error) {
	p, err := prepare(wants, roles, candidates, spread)
	if err != nil {
		return Plan{}, err
	}
	network, picks, sink := p.network()
	_, cost := network.send(0, sink)
	plan := Plan{Cost: cost}
	taken := map[*inventory.Machine]bool{}
	for r, w := range wants {
		got := 0
		for _, pick := range picks {
			if pick.role != r || !network.used(pick.edge) {
				continue
			}
			c := candidates[pick.candidate]
			got, taken[c.Machine] = got+1, true
			plan.Chosen = append(plan.Chosen, Choice{c.Machine, w.Role, strings.Join(p.at(c), " "), c.Findings})
		}
		if got < w.Count {
			plan.Short = append(plan.Short, Want{w.Role, w.Count - got})
		}
	}
	for i, c := range candidates {
		if taken[c.Machine] {
			continue
		}
		l := Left{Machine: c.Machine, Why: p.why[i]}
		for r, w := range wants {
			if p.fits[i][r] {
				l.Fits = append(l.Fits, w.Role)
			}
		}
		plan.Left = append(plan.Left, l)
	}
	return plan, nil
}

// Sort gives every machine the role that it would be given if nobody asked, as a build-out does.
func Sort(roles []inventory.Role, candidates []Candidate) (plan Plan) {
	for _, c := range candidates {
		why := unavailable(c.Machine)
		if len(why) == 0 {
			role, _, err := inventory.Classify(roles, *c.Machine.Facts)
			if err == nil {
				no := role.Unfit(*c.Machine.Facts)
				if len(no) == 0 {
					plan.Chosen = append(plan.Chosen, Choice{Machine: c.Machine, Role: role.Name, Findings: c.Findings})
					continue
				}
				err = fmt.Errorf("%s: %s", role.Name, strings.Join(no, ", "))
			}
			why = []string{err.Error()}
		}
		plan.Left = append(plan.Left, Left{Machine: c.Machine, Why: why})
	}
	slices.SortStableFunc(plan.Chosen, func(a, b Choice) int { return strings.Compare(a.Role, b.Role) })
	return plan
}

type problem struct {
	wants      []Want
	candidates []Candidate
	spread     []Level
	fits       [][]bool   // candidate, role
	natural    []string   // the role that a candidate would be given
	why        [][]string // of a candidate, what stands against it
}

func prepare(wants []Want, roles []inventory.Role, candidates []Candidate, spread []Level) (*problem, error) {
	p := &problem{wants: wants, candidates: candidates, spread: spread}
	var wanted []inventory.Role
	for i, w := range wants {
		at := slices.IndexFunc(roles, func(r inventory.Role) bool { return r.Name == w.Role })
		switch {
		case at < 0:
			return nil, fmt.Errorf("there is no role %q", w.Role)
		case w.Count < 1:
			return nil, fmt.Errorf("%s=%d: at least 1 is wanted", w.Role, w.Count)
		case slices.ContainsFunc(wants[:i], func(o Want) bool { return o.Role == w.Role }):
			return nil, fmt.Errorf("the role %s is wanted twice", w.Role)
		}
		wanted = append(wanted, roles[at])
	}
	for _, c := range candidates {
		fits, why, natural := make([]bool, len(wanted)), unavailable(c.Machine), ""
		if len(why) == 0 {
			for r, role := range wanted {
				if no := role.Unfit(*c.Machine.Facts); len(no) > 0 {
					why = append(why, role.Name+": "+strings.Join(no, ", "))
				} else {
					fits[r] = true
				}
			}
			if role, _, err := inventory.Classify(roles, *c.Machine.Facts); err == nil {
				natural = role.Name
			}
		}
		p.fits, p.why, p.natural = append(p.fits, fits), append(p.why, why), append(p.natural, natural)
	}
	return p, nil
}

// unavailable says why a machine can be given no role at all now.
func unavailable(m *inventory.Machine) (why []string) {
	switch {
	case m.Hold != nil:
		why = append(why, "it is held: "+m.Hold.Reason)
	case m.State == inventory.Active:
		why = append(why, "it works as "+m.Role)
	case m.State == inventory.Retired:
		why = append(why, "it is retired")
	case m.Fault != nil:
		why = append(why, "it has a fault: "+m.Fault.Reason)
	case m.Facts == nil:
		why = append(why, "its hardware is not known yet: it was not inspected")
	}
	return why
}

// at is where a machine stands, level by level, each within the one before.
func (p *problem) at(c Candidate) (places []string) {
	for _, l := range p.spread {
		name := l.of(c)
		if name == "" {
			name = "unknown " + string(l)
		}
		places = append(places, name)
	}
	return places
}

// pick is an edge that gives a candidate a role.
type pick struct{ edge, role, candidate int }

// network is source → roles → places, level by level → machines → sink. The more of a role stand in one place, the more does
// the next one cost: 1, 3, 5 … times costSpread, which are the squares.
func (p *problem) network() (f *flow, picks []pick, sink int) {
	f = newFlow(2 + len(p.wants) + len(p.candidates))
	sink = 1
	machine := func(c int) int { return 2 + len(p.wants) + c }
	nodes := map[string]int{}
	for c := range p.candidates {
		f.add(machine(c), sink, 1, 0)
	}
	for r, w := range p.wants {
		f.add(0, 2+r, w.Count, 0)
		there := map[string]int{} // how many fit in a place
		for c, cand := range p.candidates {
			if !p.fits[c][r] {
				continue
			}
			at, key := 2+r, fmt.Sprint(r)
			for _, place := range p.at(cand) {
				key += "\x00" + place
				n, known := nodes[key]
				if !known {
					n = f.node()
					nodes[key] = n
				}
				if k := there[key]; k < w.Count {
					f.add(at, n, 1, (2*k+1)*costSpread)
				}
				there[key]++
				at = n
			}
			picks = append(picks, pick{f.add(at, machine(c), 1, p.price(c, w.Role)), r, c})
		}
	}
	return f, picks, sink
}

// price is what it costs to give a candidate a role, wherever it stands.
func (p *problem) price(c int, role string) (cost int) {
	if p.natural[c] != role {
		cost += costOther
	}
	if p.candidates[c].Findings > 0 {
		cost += costFinding
	}
	return cost
}
