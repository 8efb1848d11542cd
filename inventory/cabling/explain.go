package cabling

import (
	"fmt"
	"slices"
	"strings"

	"socle/inventory"
)

// explain gives a port its words, and says what kind of finding it is, unless that is done.
func (c *comparison) explain(i int) {
	p := &c.ports[i]
	if p.kind != "" || p.State == Right {
		return
	}
	switch p.State {
	case WrongPort, WrongSwitch:
		p.kind = inventory.FindWrongCable
		p.Text = fmt.Sprintf("%s is at %s instead of %s", p.Words(), p.Heard, p.Plan.Far())
		p.Fix = c.wrongFix(i)
	case NoLink:
		p.kind = inventory.FindNoLink
		p.Text = fmt.Sprintf("%s has no link; its cable is to go to %s", p.Words(), p.Plan.Far())
		p.Fix = fmt.Sprintf("Look whether the cable%s is plugged in at both ends, whether the optics fit, and whether the port of %s is enabled.", labelled(p.Plan), p.Plan.Switch)
	case Unheard:
		p.kind = inventory.FindUnknown
		p.Text = fmt.Sprintf("%s has a link, and no switch is heard on it; %s is planned", p.Words(), p.Plan.Far())
		p.Fix = fmt.Sprintf("Switch on LLDP at %s, or look whether the network card keeps LLDP to itself.", p.Plan.Far())
	case Unclear:
		p.kind = inventory.FindUnknown
		c.unclear(p)
	case NoPort:
		p.kind = inventory.FindUnknown
		if p.Text == "" {
			p.Text = fmt.Sprintf("%s is in the plan, and the server has no such port; it has %s", p.Words(), c.portsOf(p.machine))
		}
		p.Fix = "Name the port in the plan by its number, MAC address or PCI address."
	case Extra:
		p.kind = inventory.FindExtra
		p.Text = fmt.Sprintf("%s is plugged in, and the plan has nothing there", p.Words())
		if p.Heard != nil {
			p.Text = fmt.Sprintf("%s is at %s, and the plan has nothing there", p.Words(), p.Heard)
		}
		p.Fix = "Pull the cable, or add it to the plan."
	}
}

func labelled(x *Cable) string {
	var parts []string
	if x.Colour != "" {
		parts = append(parts, x.Colour)
	}
	if x.Label != "" {
		parts = append(parts, "label "+x.Label)
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// wrongFix says where the cable goes, and who is in the way.
func (c *comparison) wrongFix(i int) string {
	p := c.ports[i]
	fix := fmt.Sprintf("At the switch, move the cable%s of %s from %s to %s", labelled(p.Plan), p.Words(), p.Heard, p.Plan.Far())
	if in := slices.Index(c.aims, i); in >= 0 {
		fix += fmt.Sprintf(", where %s is now", c.ports[in].Words())
	}
	fix += "."
	if c.aims[i] < 0 {
		return fix
	}
	switch owner := c.ports[c.aims[i]]; owner.State {
	case Unseen, Listening, Unheard, Unclear:
		fix += fmt.Sprintf(" It is in the place of %s, of which nothing was heard yet: perhaps the two are swapped.", owner.Words())
	case NoLink:
		fix += fmt.Sprintf(" It is in the place of %s, which has no link.", owner.Words())
	default:
		fix += fmt.Sprintf(" It is in the place of %s.", owner.Words())
	}
	return fix
}

func (c *comparison) unclear(p *Port) {
	far := hardwareOf(p.Heard)
	if !SameSwitch(p.Plan.Switch, far) {
		p.Text = fmt.Sprintf("%s hears %s, which is in no plan, and %s was heard nowhere: they may be one switch", p.Words(), p.Heard, p.Plan.Switch)
		p.Fix = fmt.Sprintf("Write the switch's own name, %s, or its chassis address, %s, into the plan, or give the switch the name %s.", p.Heard.Switch, p.Heard.Chassis, p.Plan.Switch)
		return
	}
	p.Text = fmt.Sprintf("%s is at %s, which calls its port %q: whether that is %s cannot be told", p.Words(), p.Heard.Switch, p.Heard.PortID, p.Plan.SwitchPort)
	p.Fix = "Have the switch send the names of its interfaces by LLDP, or write the port into the plan as it calls it."
}

// portsOf lists the ports of a machine.
func (c *comparison) portsOf(machine int) string {
	nics := c.machines[machine].Facts.NICs
	var parts []string
	for _, i := range byPCI(nics) {
		parts = append(parts, nicWords(nics[i]))
	}
	if len(parts) == 0 {
		return "none"
	}
	return and(parts)
}

// redundancy is a group of links that end at one switch.
type redundancy struct {
	machine int
	finding inventory.Finding
}

// redundancy looks at the groups all of whose cables are where the plan has them: the plan itself, or two names of one
// switch, may leave a server on one leg.
func (c *comparison) redundancy() (all []redundancy) {
	groups := map[[2]string][]int{}
	var keys [][2]string
	for i, p := range c.ports {
		if p.Plan == nil || p.Plan.Group == "" || p.machine < 0 || c.machines[p.machine].Facts == nil {
			continue
		}
		key := [2]string{p.Server, strings.ToLower(p.Plan.Group)}
		if groups[key] == nil {
			keys = append(keys, key)
		}
		groups[key] = append(groups[key], i)
	}
	for _, key := range keys {
		ports := groups[key]
		planned, chassis := map[string]bool{}, map[string]bool{}
		sound := true
		for _, i := range ports {
			p := c.ports[i]
			planned[SwitchKey(p.Plan.Switch)] = true
			if sound = sound && p.State == Right; sound {
				chassis[SwitchKey(p.Heard.Chassis)] = true
			}
		}
		first := c.ports[ports[0]]
		f := inventory.Finding{Source: inventory.FromCabling, Kind: inventory.FindOneSwitch, Subject: "group " + first.Plan.Group, Want: "two switches"}
		switch {
		case len(ports) < 2 || len(planned) > 1 && (!sound || len(chassis) > 1):
			continue
		case len(planned) == 1:
			f.Got = first.Plan.Switch
			f.Reason = fmt.Sprintf("the plan has all links of %s's group %s at one switch, %s", first.Server, first.Plan.Group, first.Plan.Switch)
			f.Remedy = "Plan one of them at another switch, or take the group out of the plan."
		default:
			_, names := c.where(ports)
			f.Got = first.Heard.Chassis
			f.Reason = fmt.Sprintf("all links of %s's group %s end at one switch: %s have one chassis, %s", first.Server, first.Plan.Group, and(names), first.Heard.Chassis)
			f.Remedy = "Look whether the two switches of the plan are one device or a stack; if so, the links are not redundant."
		}
		all = append(all, redundancy{first.machine, f})
	}
	return all
}
