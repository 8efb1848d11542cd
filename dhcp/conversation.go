package dhcp

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"socle/inventory"
)

func (h *handler) discover(a *ask) answer {
	addr, ok := h.assign(a)
	if !ok {
		o, why := a.withoutAddress()
		return answer{saw: saw{outcome: o}, why: "nothing: " + why}
	}
	// A client that asks again while its lease runs keeps the lease: an offer must not shorten it.
	if e := h.book.byAddr[addr]; e == nil || e.offered || e.lease.MAC != a.mac || !e.lease.Expires.After(a.now) {
		h.book.put(a.lease(addr, h.opt.OfferTime), a.subnet.Subnet, true)
	}
	return h.grant(a, dhcpv4.MessageTypeOffer, addr)
}

// withoutAddress says why nothing can be offered.
func (a *ask) withoutAddress() (o inventory.Outcome, why string) {
	n := a.seg.nets[0]
	switch pools, serve := 0, 0; {
	case len(a.seg.nets) == 1 && n.Mode == inventory.SubnetReservations:
		return inventory.OutNotServed, fmt.Sprintf("subnet %s serves only clients with a reservation", n.Name)
	default:
		for _, n := range a.seg.nets {
			for i := range n.pools {
				if pools++; n.pools[i].serves(a) {
					serve++
				}
			}
		}
		if pools > 0 && serve == 0 {
			return inventory.OutNotServed, fmt.Sprintf("no pool of subnet %s is for this client; look at its match rules", a.subnet.Name)
		}
		return inventory.OutNoAddress, fmt.Sprintf("subnet %s has no free address; enlarge its pool or shorten its lease time", a.subnet.Name)
	}
}

// request handles the four meanings of DHCPREQUEST (RFC 2131 section 4.3.2).
func (h *handler) request(a *ask) answer {
	addr := a.requested
	if !a.request.server.IsValid() && a.ciaddr.IsValid() {
		addr = a.ciaddr
	}
	n := a.seg.containing(addr)
	if n != nil {
		h.settle(a, n)
	}
	switch {
	case a.request.server.IsValid():
		return h.selecting(a)
	case a.silent():
		return answer{saw: saw{outcome: inventory.OutNotServed}, why: fmt.Sprintf("nothing: subnet %s serves only clients with a reservation", a.subnet.Name)}
	case a.ciaddr.IsValid():
		return h.extending(a)
	case !a.requested.IsValid():
		return answer{why: "nothing: the request names no address"}
	case n == nil:
		return h.refuse(a, fmt.Sprintf("%s is not in %s", a.requested, a.subnet.Prefix))
	default:
		return h.rebooting(a)
	}
}

// silent tells whether the subnet has nothing to say to a client: another server may have.
func (a *ask) silent() bool {
	return a.subnet.Mode == inventory.SubnetReservations && !a.subnet.reserved(a).IsValid()
}

func (h *handler) selecting(a *ask) answer {
	if a.request.server != a.server {
		for _, n := range a.seg.nets {
			if had := h.book.of(a.mac, n.Subnet); had != nil {
				h.book.drop(had.lease.Addr, n.Subnet)
			}
		}
		return answer{saw: saw{outcome: inventory.OutElsewhere, peer: a.request.server},
			why: "nothing: the client took the offer of another server, " + a.request.server.String()}
	}
	return h.bind(a, a.requested)
}

// extending handles RENEWING and REBINDING. The client may rightly have an address that is not in the book,
// when its lease was lost and its address is ours to give. A rebinding client may also have it from another
// server, so that where nothing is known there is silence; one that renews takes us for its server.
func (h *handler) extending(a *ask) answer {
	if h.book.doubtful(a.ciaddr, a.mac) {
		h.book.remove(a.ciaddr, a.subnet.Subnet) // the store decides
	}
	why := h.unusable(a, a.ciaddr)
	if why == "" {
		return h.commit(a, a.ciaddr)
	}
	stranger := h.book.byAddr[a.ciaddr] == nil && h.book.of(a.mac, a.subnet.Subnet) == nil
	if stranger && a.subnet.Prefix.Contains(a.ciaddr) && !a.subnet.ours(a.ciaddr) && !a.renewing() {
		return answer{why: "nothing: no lease of this client is known, and " + why}
	}
	return h.refuse(a, why)
}

// renewing tells whether the request is known to have been sent to us alone.
func (a *ask) renewing() bool {
	if a.giaddr.IsValid() {
		return a.relay.unicast
	}
	return a.link.To.IsValid() && a.link.To != allOnes
}

// rebooting handles INIT-REBOOT of a client on its right link.
func (h *handler) rebooting(a *ask) answer {
	want := a.subnet.reserved(a)
	had := h.book.of(a.mac, a.subnet.Subnet)
	switch {
	case want == a.requested:
	case had == nil:
		return answer{why: "nothing: no lease of this client is known"}
	case had.lease.Addr != a.requested:
		return h.refuse(a, "its address is "+had.lease.Addr.String())
	}
	return h.bind(a, a.requested)
}

// bind acknowledges an address that a client is about to begin with; unlike a renewal, it gives way to a
// reservation.
func (h *handler) bind(a *ask, addr netip.Addr) answer {
	if !addr.IsValid() {
		return h.refuse(a, "the request names no address")
	}
	if want := a.subnet.reserved(a); want.IsValid() && want != addr && !h.book.taken(want, a.mac, a.now) {
		return h.refuse(a, "reserved for it is "+want.String())
	}
	if why := h.unusable(a, addr); why != "" {
		return h.refuse(a, why)
	}
	return h.commit(a, addr)
}

// commit acknowledges; the lease must be stored before the reply leaves. A client that asks again soon, as
// each stage of a boot does, is told the rest of the lease that it has, which is stored already.
func (h *handler) commit(a *ask, addr netip.Addr) answer {
	l := a.lease(addr, a.subnet.LeaseTime)
	if had, ok := h.book.valid(l, a.subnet.LeaseTime); ok {
		a.term = had.Expires.Sub(a.now)
		return h.grant(a, dhcpv4.MessageTypeAck, addr)
	}
	h.book.put(l, a.subnet.Subnet, false)
	out := h.grant(a, dhcpv4.MessageTypeAck, addr)
	out.save = []inventory.Lease{l}
	return out
}

// toAnother tells whether a message that names a server names another one.
func (a *ask) toAnother() bool {
	return a.request.server.IsValid() && a.request.server != a.server && a.request.server != a.self
}

func (h *handler) decline(a *ask) answer {
	if n := a.seg.containing(a.requested); n != nil {
		h.settle(a, n)
	}
	e := h.book.byAddr[a.requested]
	switch {
	case a.toAnother():
		return answer{why: "nothing: declined to another server, " + a.request.server.String()}
	case e == nil || e.lease.MAC != a.mac:
		return answer{why: "nothing: declined an address that it does not have"}
	}
	// First the client gives it back, as only who has an address may have it put into quarantine.
	back := e.lease
	back.Starts, back.Expires = a.now, a.now
	l := inventory.Lease{Addr: a.requested, Subnet: a.subnet.Name, Starts: a.now, Expires: a.now.Add(h.opt.DeclineTime)}
	h.book.put(l, a.subnet.Subnet, false)
	why := fmt.Sprintf("%s is in use by somebody else, avoided for %s; find who answers ARP for it", a.requested, h.opt.DeclineTime)
	return answer{save: []inventory.Lease{back, l}, why: "nothing: " + why,
		alarm: fmt.Sprintf("%s declined its address on subnet %s: %s", a.mac, a.subnet.Name, why)}
}

func (h *handler) release(a *ask) answer {
	if n := a.seg.containing(a.ciaddr); n != nil {
		h.settle(a, n)
	}
	e := h.book.byAddr[a.ciaddr]
	switch {
	case a.toAnother():
		return answer{why: "nothing: released to another server, " + a.request.server.String()}
	case e == nil || e.lease.MAC != a.mac || e.offered:
		return answer{why: "nothing: released an address that it does not have"}
	}
	l := e.lease
	l.Expires = a.now
	h.book.put(l, a.subnet.Subnet, false)
	return answer{save: []inventory.Lease{l}, why: "nothing to say: " + a.ciaddr.String() + " is free again"}
}

// inform tells a client that has its address by other means. The answer goes to that address only when it is
// one of the link's: anything else would let strangers be sent what they never asked for.
func (h *handler) inform(a *ask) answer {
	addr := a.ciaddr
	n := a.seg.containing(addr)
	if n == nil {
		addr = a.link.Peer.Addr()
		n = a.seg.containing(addr)
	}
	if n == nil {
		return answer{why: "nothing: the client names no address of its own"}
	}
	h.settle(a, n)
	if a.silent() {
		return answer{why: fmt.Sprintf("nothing: subnet %s serves only clients with a reservation", a.subnet.Name)}
	}
	out := h.grant(a, dhcpv4.MessageTypeAck, netip.Addr{})
	if !a.giaddr.IsValid() {
		out.to = netip.AddrPortFrom(addr, clientPort)
	}
	return out
}

func (a *ask) lease(addr netip.Addr, d time.Duration) inventory.Lease {
	return inventory.Lease{Addr: addr, MAC: a.mac, ClientID: a.clientID, Hostname: a.hostname, Subnet: a.subnet.Name,
		Machine: a.host.Machine, Starts: a.now, Expires: a.now.Add(d)}
}
