package cabling

import (
	"fmt"
	"slices"
	"strings"

	"socle/inventory"
)

// cycles finds cables that are in each other's places: two, or several in a ring. All ports of one have the same words,
// and the first of them tells the defect. Pairs between the same two servers are one.
func (c *comparison) cycles() {
	seen := make([]bool, len(c.ports))
	rings := [][]int{}
	for i := range c.ports {
		var ring []int
		for at := i; at >= 0 && !seen[at] && c.ports[at].Plan != nil; at = c.aims[at] {
			seen[at] = true
			ring = append(ring, at)
			if next := c.aims[at]; slices.Contains(ring, next) {
				rings = append(rings, ring[slices.Index(ring, next):])
				break
			}
		}
	}
	pairs := map[[2]int]int{} // machines → ring that tells
	for _, ring := range rings {
		slices.Sort(ring)
		a, b := c.ports[ring[0]].machine, c.ports[ring[len(ring)-1]].machine
		if len(ring) == 2 && a != b {
			if first, again := pairs[[2]int{a, b}]; again {
				rings[first] = append(rings[first], ring...)
				continue
			}
		}
		pairs[[2]int{a, b}] = slices.IndexFunc(rings, func(r []int) bool { return r[0] == ring[0] })
	}
	told := map[int]bool{}
	for _, ring := range rings {
		if told[ring[0]] {
			continue
		}
		text, fix := c.ringWords(ring)
		lead := ring[0]
		for _, i := range ring {
			told[i] = true
			p := &c.ports[i]
			p.State, p.kind, p.partner, p.Text, p.Fix = Swapped, inventory.FindSwapped, lead, text, fix
		}
	}
}

// ringWords says what a ring is, and which plugs to move. At the switch when all ends are at one, at the server likewise.
func (c *comparison) ringWords(ring []int) (text, fix string) {
	servers, switches := c.where(ring)
	word := "swapped"
	if c.aims[c.aims[ring[0]]] != ring[0] {
		word = "rotated"
	}
	text = fmt.Sprintf("%s are %s", c.list(ring), word)
	switch {
	case len(switches) == 1:
		text += " at " + switches[0]
	case len(servers) > 1:
		text += " between " + and(switches)
	}
	atServer := "at the servers, " + c.moves(ring, func(i int) string { return c.ports[i].Words() }, true)
	atSwitch := "at the switches, " + c.moves(ring, func(i int) string { return c.ports[i].Plan.Far() }, false)
	if len(switches) == 1 {
		atSwitch = "at " + switches[0] + ", " + c.moves(ring, func(i int) string { return c.ports[i].Plan.SwitchPort }, false)
	}
	switch {
	case len(servers) == 1:
		fix = "at " + servers[0] + ", " + c.moves(ring, func(i int) string { return PortWords(c.ports[i].Name()) }, true)
	case len(switches) == 1:
		fix = atSwitch
	default:
		fix = atServer + "; or, " + atSwitch
	}
	if len(servers) == 2 && len(ring) > 2 && c.allOf(ring) {
		a, b := c.machines[c.ports[ring[0]].machine], c.machines[c.ports[ring[len(ring)-1]].machine]
		fix = fmt.Sprintf("all cables of the two are concerned, so look first whether the servers stand in each other's place (serial %s is to be %s, and %s is to be %s); else, %s", a.Serial(), a.Name, b.Serial(), b.Name, fix)
	}
	return text, capital(fix) + "."
}

// where are the servers and switches of some ports, each once.
func (c *comparison) where(ring []int) (servers, switches []string) {
	for _, i := range ring {
		p := c.ports[i]
		if !slices.Contains(servers, p.Server) {
			servers = append(servers, p.Server)
		}
		if !slices.ContainsFunc(switches, func(s string) bool { return sameSwitch(SwitchKey(s), SwitchKey(p.Plan.Switch)) }) {
			switches = append(switches, p.Plan.Switch)
		}
	}
	return servers, switches
}

// list names ports, those of one server behind its name: "r01u12 port 1 and port 2 and r01u13 port 2".
func (c *comparison) list(ring []int) string {
	var parts []string
	last := ""
	for _, i := range ring {
		if p := c.ports[i]; p.Server == last {
			parts = append(parts, PortWords(p.Name()))
		} else {
			parts, last = append(parts, p.Words()), p.Server
		}
	}
	return and(parts)
}

// moves says which plugs go where: pairs are exchanged, longer rings go round. The plug of a port belongs, at the switch,
// into its planned port; at the server, the plug that is in it belongs to the port whose place at the switch it has.
func (c *comparison) moves(ring []int, name func(int) string, server bool) string {
	var parts []string
	done := map[int]bool{}
	for _, i := range ring {
		if done[i] {
			continue
		}
		if aim := c.aims[i]; c.aims[aim] == i {
			done[i], done[aim] = true, true
			parts = append(parts, fmt.Sprintf("exchange the plugs of %s and %s", name(i), name(aim)))
			continue
		}
		for at := i; !done[at]; at = c.aims[at] {
			done[at] = true
			from, to := c.aims[at], at // at the switch, the cable of this port is in its aim's place
			if server {
				from, to = at, c.aims[at]
			}
			parts = append(parts, fmt.Sprintf("move the plug in %s to %s", name(from), name(to)))
		}
	}
	return and(parts)
}

// allOf tells whether a ring has every cable of its servers that something is heard on.
func (c *comparison) allOf(ring []int) bool {
	a, b := c.ports[ring[0]].machine, c.ports[ring[len(ring)-1]].machine
	for i, p := range c.ports {
		if (p.machine == a || p.machine == b) && p.Heard != nil && p.Plan != nil && !slices.Contains(ring, i) {
			return false
		}
	}
	return true
}

// misplaced finds a cable that ends at another port of a server than planned, where the plan has nothing: the planned port
// has no link. It is one defect, of the planned port.
func (c *comparison) misplaced() {
	for i := range c.ports {
		x := &c.ports[i]
		if x.State != Extra || c.aims[i] < 0 {
			continue
		}
		p := &c.ports[c.aims[i]]
		if p.State != NoLink && p.State != Unseen || p.partner >= 0 || p.State == Unseen && p.machine == x.machine {
			continue
		}
		text := fmt.Sprintf("the cable of %s is in %s, where the plan has nothing", p.Words(), x.Words())
		fix := fmt.Sprintf("At %s, move the plug from %s to %s.", p.Server, PortWords(x.Name()), PortWords(p.Name()))
		if p.machine != x.machine {
			fix = fmt.Sprintf("Move the plug from %s to %s.", x.Words(), p.Words())
		}
		x.State, x.kind, x.Text, x.Fix, x.partner = WrongPort, inventory.FindWrongCable, text, fix, c.aims[i]
		if p.State == NoLink {
			p.State, p.kind, p.Text, p.Fix = WrongPort, inventory.FindWrongCable, text, fix
		}
	}
}

// and joins words as people do.
func and(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
