package ui

import (
	"net/url"

	"socle/api"
)

// Cabling is the page of the cables: what is planned and heard at each port, and above it the plugs to move.
type Cabling struct {
	Rack    string // empty: of all
	Fixes   []CableFix
	Ports   []CableLine
	Hidden  int // lines that do not fit on the page
	Right   int // planned cables that are right
	Planned int // cables of the plan
	Blind   int // of these, ports of BMCs, which cannot be heard
	Unknown []string
}

// CableFix is one defect and what to do about it.
type CableFix struct {
	Text, Fix string
	Bad       bool // it is wrong for certain
}

// CableLine is one port.
type CableLine struct {
	api.CablePort
	Link, Plan, Said string
}

// maxCableLines bounds the page: a phone shows no more. Ports that are not right come before all others are left out.
const maxCableLines = 1000

func (Cabling) name() string  { return "cabling" }
func (Cabling) title() string { return "Cabling" }

// Link is the page of a rack, or of all for "".
func (Cabling) Link(rack string) string {
	if rack == "" {
		return "/cabling"
	}
	return "/cabling?" + url.Values{"rack": {rack}}.Encode()
}

// Done tells whether all that can be heard is right.
func (c Cabling) Done() bool {
	return c.Planned > 0 && c.Right+c.Blind == c.Planned && len(c.Fixes) == 0
}

// NewCabling makes the page.
func NewCabling(r api.CableReport, rack string) Cabling {
	c := Cabling{Rack: rack, Unknown: r.Unknown}
	told := map[string]bool{}
	var right []CableLine
	for _, p := range r.Ports {
		if p.Plan != nil {
			c.Planned++
		}
		if p.Blind {
			c.Blind++
		}
		if p.Fix != "" && !told[p.Text] {
			told[p.Text] = true
			c.Fixes = append(c.Fixes, CableFix{p.Text, p.Fix, p.Bad})
		}
		line := cableLine(p)
		if p.State == "right" {
			c.Right++
			right = append(right, line)
			continue
		}
		c.Ports = append(c.Ports, line)
	}
	c.Ports = append(c.Ports, right...)
	if c.Hidden = len(c.Ports) - maxCableLines; c.Hidden > 0 {
		c.Ports = c.Ports[:maxCableLines]
	}
	c.Hidden = max(c.Hidden, 0)
	return c
}

func cableLine(p api.CablePort) CableLine {
	l := CableLine{CablePort: p, Link: "/machines/" + url.PathEscape(p.Server), Plan: "nothing", Said: "nothing"}
	if p.Plan != nil {
		l.Plan = p.Plan.Switch + " " + p.Plan.SwitchPort
	}
	switch {
	case p.Heard != nil:
		l.Said = p.Heard.Switch + " " + p.Heard.Port
	case p.Blind:
		l.Said = "cannot be heard"
	case p.NIC != "" && !p.Link:
		l.Said = "no link"
	}
	return l
}
