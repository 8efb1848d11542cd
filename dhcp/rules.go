package dhcp

import (
	"net"
	"net/netip"
	"slices"
	"strings"

	"socle/inventory"
)

// rules are the subnets, made ready for lookups in constant time. They are built once and only read.
type rules struct {
	byPrefix    map[netip.Prefix]*network
	bits        []int // the prefix lengths that occur
	byInterface map[string]*segment
}

// segment is a link: the subnets whose addresses a client on it may have, in the order of the configuration.
// Those that are off are left out.
type segment struct{ nets []*network }

// network is a subnet with its rules.
type network struct {
	*inventory.Subnet
	seg        *segment
	told       told
	pools      []pool
	fixed      map[netip.Addr]struct{} // not for clients
	byAddr     map[netip.Addr]*inventory.Reservation
	byMAC      map[string]*inventory.Reservation
	byClientID map[string]*inventory.Reservation // by its octets
	byUUID     map[string]*inventory.Reservation
	byPort     map[relayPort]*inventory.Reservation
}

// told are the options that all clients of a subnet get alike, as they are on the wire; nil for none.
type told struct{ mask, router, dns, ntp, domain []byte }

func newTold(s *inventory.Subnet) told {
	t := told{mask: net.CIDRMask(s.Prefix.Bits(), 32)}
	if s.Gateway.IsValid() {
		t.router = s.Gateway.AsSlice()
	}
	for _, a := range s.DNS {
		t.dns = append(t.dns, a.AsSlice()...)
	}
	for _, a := range s.NTP {
		t.ntp = append(t.ntp, a.AsSlice()...)
	}
	if s.Domain != "" {
		t.domain = []byte(s.Domain)
	}
	return t
}

// relayPort is a port of a relay by the octets of its identifiers; one of them may be empty for "any".
type relayPort struct{ circuit, remote string }

func newRules(subnets []inventory.Subnet) *rules {
	r := &rules{byPrefix: map[netip.Prefix]*network{}, byInterface: map[string]*segment{}}
	links := map[string]*segment{}
	for i := range subnets {
		s := &subnets[i]
		n := newNetwork(s)
		n.seg = links[s.Link()]
		if n.seg == nil {
			n.seg = &segment{}
			links[s.Link()] = n.seg
		}
		if s.Mode != inventory.SubnetOff {
			n.seg.nets = append(n.seg.nets, n)
		}
		r.byPrefix[s.Prefix] = n
		if !slices.Contains(r.bits, s.Prefix.Bits()) {
			r.bits = append(r.bits, s.Prefix.Bits())
		}
		if s.Interface != "" {
			r.byInterface[s.Interface] = n.seg
		}
	}
	return r
}

func newNetwork(s *inventory.Subnet) *network {
	n := &network{Subnet: s, told: newTold(s), fixed: map[netip.Addr]struct{}{}, byAddr: map[netip.Addr]*inventory.Reservation{},
		byMAC: map[string]*inventory.Reservation{}, byClientID: map[string]*inventory.Reservation{},
		byUUID: map[string]*inventory.Reservation{}, byPort: map[relayPort]*inventory.Reservation{}}
	first := s.Prefix.Addr()
	last := address(number(first) | ^uint32(0)>>s.Prefix.Bits())
	for _, a := range slices.Concat([]netip.Addr{first, last, s.Server, s.Gateway}, s.DNS, s.NTP) {
		n.fixed[a] = struct{}{}
	}
	for i := range s.Reservations {
		r := &s.Reservations[i]
		n.byAddr[r.Address] = r
		switch {
		case r.MAC != "":
			n.byMAC[inventory.NormalizeMAC(r.MAC)] = r
		case r.ClientID != "":
			n.byClientID[octets(r.ClientID)] = r
		case r.UUID != "":
			n.byUUID[strings.ToLower(r.UUID)] = r
		default:
			n.byPort[relayPort{octets(r.CircuitID), octets(r.RemoteID)}] = r
		}
	}
	if s.Mode == inventory.SubnetFull {
		for _, p := range s.Pools {
			n.pools = append(n.pools, newPool(p))
		}
		if s.PoolFirst.IsValid() {
			n.pools = append(n.pools, newPool(inventory.Pool{First: s.PoolFirst, Last: s.PoolLast}))
		}
	}
	return n
}

// octets reads an identifier that was checked before.
func octets(s string) string {
	b, _ := inventory.Octets(s)
	return b
}

// containing finds the subnet of an address; nil when there is none.
func (r *rules) containing(a netip.Addr) *network {
	for _, bits := range r.bits {
		p, err := a.Prefix(bits)
		if err != nil {
			return nil
		}
		if n := r.byPrefix[p]; n != nil {
			return n
		}
	}
	return nil
}

// containing finds the subnet of an address on the link; nil when there is none.
func (s *segment) containing(a netip.Addr) *network {
	if a.IsValid() {
		for _, n := range s.nets {
			if n.Prefix.Contains(a) {
				return n
			}
		}
	}
	return nil
}

// proxy tells whether somebody else's server gives the addresses on the link.
func (s *segment) proxy() bool { return len(s.nets) > 0 && s.nets[0].Mode == inventory.SubnetProxy }

// reservation is what the configuration keeps for a client; nil for nothing. What tells the device comes
// before what tells the place.
func (n *network) reservation(r *request) (byDevice, byPlace *inventory.Reservation) {
	if len(n.Reservations) == 0 {
		return nil, nil
	}
	if v := n.byMAC[r.mac]; v != nil {
		return v, nil
	}
	if v := n.byClientID[string(r.option(optClientID))]; v != nil {
		return v, nil
	}
	if v := n.byUUID[r.client.UUID]; v != nil {
		return v, nil
	}
	if len(n.byPort) == 0 || r.relay.circuit == nil && r.relay.remote == nil {
		return nil, nil
	}
	if v := n.byPort[relayPort{string(r.relay.circuit), string(r.relay.remote)}]; v != nil {
		return nil, v
	}
	if v := n.byPort[relayPort{circuit: string(r.relay.circuit)}]; v != nil && r.relay.circuit != nil {
		return nil, v
	}
	if v := n.byPort[relayPort{remote: string(r.relay.remote)}]; v != nil && r.relay.remote != nil {
		return nil, v
	}
	return nil, nil
}
