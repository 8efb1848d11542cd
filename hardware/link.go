package hardware

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Link is what is plugged into one interface at the moment, told apart from the rest of the facts because it changes while
// people work at the rack.
type Link struct {
	NIC       string     `json:"nic"`
	MAC       string     `json:"mac"`
	Up        bool       `json:"up"`
	SpeedMbps int        `json:"speed_mbps,omitempty"`
	Listened  int        `json:"listened_s,omitempty"` // as NIC.Listened
	LLDP      []Neighbor `json:"lldp,omitempty"`
}

// Words is the link in a few words, for people.
func (l Link) Words() string {
	if !l.Up {
		return l.NIC + " has no link"
	}
	if len(l.LLDP) == 0 {
		return l.NIC + " has a link, nothing is heard"
	}
	var said []string
	for _, n := range l.LLDP {
		said = append(said, strings.TrimSpace(cmp.Or(n.SystemName, n.ChassisID)+" "+cmp.Or(n.PortID, n.PortDesc)))
	}
	return l.NIC + " hears " + strings.Join(said, " and ")
}

// link is the part of an interface that a Link tells.
func (n NIC) link() Link {
	return Link{NIC: n.Name, MAC: n.MAC, Up: n.Link, SpeedMbps: n.SpeedMbps, Listened: n.Listened, LLDP: n.LLDP}
}

// SameAs tells whether nothing that matters differs; for how long it was listened does not.
func (l Link) SameAs(other Link) bool {
	return l.NIC == other.NIC && strings.EqualFold(l.MAC, other.MAC) && l.Up == other.Up && slices.Equal(l.LLDP, other.LLDP)
}

// SetLinks takes in what is plugged in at a time, and returns what is otherwise than before. Interfaces that the facts do not
// have are left out: the whole facts tell of them.
func (f *Facts) SetLinks(links []Link, at time.Time) (changed []Link) {
	for _, l := range links {
		i := slices.IndexFunc(f.NICs, func(n NIC) bool { return n.Name == l.NIC && strings.EqualFold(n.MAC, l.MAC) })
		if i < 0 {
			continue
		}
		n := &f.NICs[i]
		if !n.link().SameAs(l) {
			n.HeardAt = at
			changed = append(changed, l)
		}
		n.Link, n.SpeedMbps, n.Listened, n.LLDP = l.Up, l.SpeedMbps, l.Listened, l.LLDP
	}
	return changed
}

// StampLinks notes since when each interface has what is plugged in: since before, where that is the same, else since at.
func (f *Facts) StampLinks(before *Facts, at time.Time) {
	for i := range f.NICs {
		n := &f.NICs[i]
		n.HeardAt = at
		if before == nil {
			continue
		}
		for _, old := range before.NICs {
			if old.link().SameAs(n.link()) && !old.HeardAt.IsZero() {
				n.HeardAt = old.HeardAt
			}
		}
	}
}

// Links is what is plugged into all interfaces.
func (f *Facts) Links() []Link {
	all := make([]Link, 0, len(f.NICs))
	for _, n := range f.NICs {
		all = append(all, n.link())
	}
	return all
}
