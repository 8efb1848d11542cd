package dhcp

import (
	"net/netip"
	"slices"
	"strings"

	"socle/inventory"
	"socle/pxe"
)

// pool is a range of dynamic addresses and whom it is for.
type pool struct {
	first, last netip.Addr
	rule        inventory.ClientRule // its identifiers are octets
	all         bool                 // the rule is empty
}

func newPool(p inventory.Pool) pool {
	m := p.Match
	m.CircuitID, m.RemoteID = octets(m.CircuitID), octets(m.RemoteID)
	all := len(m.Arch) == 0 && m.VendorClass == "" && m.UserClass == "" && m.Machine == "" && m.CircuitID == "" && m.RemoteID == ""
	return pool{first: p.First, last: p.Last, rule: m, all: all}
}

func (p *pool) contains(a netip.Addr) bool { return !a.Less(p.first) && !p.last.Less(a) }

// serves tells whether the pool is for a client.
func (p *pool) serves(a *ask) bool {
	if p.all {
		return true
	}
	m := &p.rule
	planned := a.known && !a.host.Stray
	switch {
	case len(m.Arch) > 0 && (a.client.Arch == pxe.ArchUnknown || !slices.Contains(m.Arch, uint16(a.client.Arch))):
	case m.VendorClass != "" && !strings.HasPrefix(a.class, m.VendorClass):
	case m.UserClass != "" && !hasUserClass(a.option(optUserClass), m.UserClass):
	case m.Machine == "known" && !planned, m.Machine == "unknown" && planned:
	case m.CircuitID != "" && m.CircuitID != string(a.relay.circuit):
	case m.RemoteID != "" && m.RemoteID != string(a.relay.remote):
	default:
		return true
	}
	return false
}

// hasUserClass looks for a class in option 77: length-prefixed texts (RFC 3004), or the bare text as iPXE and
// many others send it.
func hasUserClass(b []byte, want string) bool {
	if string(b) == want {
		return true
	}
	for len(b) > 0 {
		n := int(b[0])
		if n == 0 || n >= len(b) {
			return false
		}
		if string(b[1:1+n]) == want {
			return true
		}
		b = b[1+n:]
	}
	return false
}
