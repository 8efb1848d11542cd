package dhcp

import (
	"fmt"
	"net/netip"
)

// assign finds the address to offer, and settles its subnet: a reservation; what the client has or had; what
// it wishes for; one of the pools, those of the subnet that it seems to be in first.
func (h *handler) assign(a *ask) (netip.Addr, bool) {
	first := a.subnet
	for _, n := range a.seg.nets {
		if want := n.reserved(a); want.IsValid() && !h.book.taken(want, a.mac, a.now) {
			h.settle(a, n)
			if h.forClients(a, want) {
				return want, true
			}
		}
	}
	for _, n := range a.seg.nets {
		if e := h.book.of(a.mac, n.Subnet); e != nil {
			if h.settle(a, n); h.unusable(a, e.lease.Addr) == "" {
				return e.lease.Addr, true
			}
		}
	}
	if n := a.seg.containing(a.requested); n != nil && h.book.byAddr[a.requested] == nil {
		if h.settle(a, n); h.unusable(a, a.requested) == "" {
			return a.requested, true
		}
	}
	if addr, ok := h.pick(a, first); ok {
		return addr, true
	}
	for _, n := range a.seg.nets {
		if n == first {
			continue
		}
		if addr, ok := h.pick(a, n); ok {
			return addr, true
		}
	}
	h.settle(a, first)
	return netip.Addr{}, false
}

// pick takes an address of the first pool of a subnet that is for the client and has one.
func (h *handler) pick(a *ask, n *network) (netip.Addr, bool) {
	h.settle(a, n)
	for i := range n.pools {
		p := &n.pools[i]
		if !p.serves(a) {
			continue
		}
		if addr, ok := h.book.pick(p.first, p.last, a.mac, a.now, func(addr netip.Addr) bool { return h.barred(a, addr) != "" }); ok {
			return addr, true
		}
	}
	return netip.Addr{}, false
}

// reserved is the address that is kept for a client in the subnet, or zero. The order: the configuration by
// MAC, by client identifier, by system UUID; the inventory; the configuration by relay port.
func (n *network) reserved(a *ask) netip.Addr {
	device, place := n.reservation(a.request)
	switch {
	case device != nil:
		return device.Address
	case a.known && a.host.Addr.IsValid() && n.Prefix.Contains(a.host.Addr):
		return a.host.Addr
	case place != nil:
		return place.Address
	default:
		return netip.Addr{}
	}
}

// ours tells whether an address is this server's to give, to whomever.
func (n *network) ours(a netip.Addr) bool {
	if n.byAddr[a] != nil {
		return true
	}
	for i := range n.pools {
		if n.pools[i].contains(a) {
			return true
		}
	}
	return false
}

// unusable says why a client cannot have an address; empty when it can.
func (h *handler) unusable(a *ask, addr netip.Addr) string {
	n := a.subnet
	switch {
	case !n.Prefix.Contains(addr):
		return fmt.Sprintf("%s is not in %s", addr, n.Prefix)
	case !h.forClients(a, addr):
		return addr.String() + " is not for clients"
	case n.reserved(a) == addr:
	default:
		if why := n.outside(a, addr); why != "" {
			return why
		}
		if why := h.barred(a, addr); why != "" {
			return why
		}
	}
	if h.book.taken(addr, a.mac, a.now) {
		return addr.String() + " belongs to somebody else"
	}
	return ""
}

// outside says why no pool gives an address to a client.
func (n *network) outside(a *ask, addr netip.Addr) string {
	for i := range n.pools {
		if n.pools[i].contains(addr) {
			if n.pools[i].serves(a) {
				return ""
			}
			return fmt.Sprintf("the pool of %s is not for this client", addr)
		}
	}
	return fmt.Sprintf("%s is not in the pool of %s", addr, n.Name)
}

func (h *handler) forClients(a *ask, addr netip.Addr) bool {
	_, fixed := a.subnet.fixed[addr]
	return !fixed && addr != a.self && addr != a.server
}

// barred says why a pool address is for nobody, or for another client.
func (h *handler) barred(a *ask, addr netip.Addr) string {
	if !h.forClients(a, addr) {
		return addr.String() + " is not for clients"
	}
	if a.subnet.byAddr[addr] != nil && a.subnet.reserved(a) != addr {
		return addr.String() + " is reserved for another client"
	}
	if v, ok := h.opt.View.(reserver); ok {
		if mac, ok := v.Reserved(addr); ok && mac != a.mac {
			return addr.String() + " is reserved for " + mac
		}
	}
	return ""
}
