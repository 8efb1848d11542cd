package simulate

import (
	"encoding/binary"
	"net/netip"
)

// The parts of the fleet's network.

// offset is an address of the network, from its begin, or from its end when negative.
func (s Spec) offset(n int) netip.Addr {
	b := s.Network.Addr().As4()
	base := int(binary.BigEndian.Uint32(b[:]))
	if n < 0 {
		n += 1 << (32 - s.Network.Bits())
	}
	binary.BigEndian.PutUint32(b[:], uint32(base+n)) //nolint:gosec // within the network
	return netip.AddrFrom4(b)
}

// quarter is how many addresses a quarter of the network has.
func (s Spec) quarter() int { return 1 << (32 - s.Network.Bits() - 2) }

// Provisioning is the network of which servers get their addresses by DHCP; its first address is the relay's.
func (s Spec) Provisioning() netip.Prefix {
	return netip.PrefixFrom(s.Network.Addr(), s.Network.Bits()+1)
}

// Relay is the address of the DHCP relay, which would be the router's.
func (s Spec) Relay() netip.Addr { return s.offset(1) }

// Pool is what DHCP may give.
func (s Spec) Pool() (first, last netip.Addr) { return s.offset(16), s.offset(2*s.quarter() - 2) }

// Management is the network of the BMCs.
func (s Spec) Management() netip.Prefix {
	return netip.PrefixFrom(s.offset(2*s.quarter()), s.Network.Bits()+2)
}

// bmc is the address of a server's BMC.
func (s Spec) bmc(i int) netip.Addr { return s.offset(2*s.quarter() + 8 + i) }

// Cable is the network of the cable between the fleet and the host, whose addresses Host and Router are its ends.
func (s Spec) Cable() netip.Prefix { return netip.PrefixFrom(s.offset(-4), 30) }

// Host is the address of the host that the fleet runs on.
func (s Spec) Host() netip.Addr { return s.offset(-3) }

// Router is the address of the fleet's end.
func (s Spec) Router() netip.Addr { return s.offset(-2) }
