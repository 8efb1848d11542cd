package dhcp

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"socle/inventory"
	"socle/pxe"
)

// Link is where a packet came in.
type Link struct {
	Interface string
	Addrs     []netip.Addr   // IPv4 addresses of the interface
	Port      uint16         // that it was sent to: 67, or 4011 of PXE (PXE 2.1 section 2.2.3); 0 stands for 67
	Peer      netip.AddrPort // who sent it, which on port 4011 is whom to answer
}

// answer is everything that follows from a packet: what to send where, what to store before, and why.
type answer struct {
	reply *dhcpv4.DHCPv4 // nil: say nothing
	to    netip.AddrPort
	from  netip.Addr
	save  []inventory.Lease // to be stored before the reply leaves
	host  Host
	why   string // for the evidence, as what follows
	saw   saw
}

// saw is the typed part of the evidence that only the decision knows.
type saw struct {
	outcome inventory.Outcome
	addr    netip.Addr         // offered or leased
	file    string             // named to the client
	peer    netip.Addr         // the other server that it took
	path    inventory.BootPath // that this answer makes room for
}

// handler decides. It does no input or output; the book is its state, and its caller keeps a lock.
type handler struct {
	opt    Options
	book   *book
	decide func(c pxe.Client, w pxe.Wanted) pxe.Decision
}

// ask is a request in its surroundings.
type ask struct {
	*request
	subnet *inventory.Subnet
	server netip.Addr // what this server calls itself towards the client
	host   Host
	known  bool
	now    time.Time
}

// handle answers one request.
func (h *handler) handle(r *request, link Link, now time.Time) answer {
	a := ask{request: r, now: now}
	a.host, a.known = h.opt.View.Host(r.mac)
	if a.subnet = h.subnet(r, link, a.host); a.subnet == nil {
		return answer{host: a.host, saw: saw{outcome: inventory.OutNoSubnet}, why: "nothing: no subnet is configured for " + where(r, link)}
	}
	if a.server = h.server(a.subnet, link); !a.server.IsValid() {
		return answer{host: a.host, why: "nothing: interface " + link.Interface + " has no IPv4 address"}
	}
	var out answer
	switch r.kind {
	case dhcpv4.MessageTypeDiscover:
		out = h.discover(a)
	case dhcpv4.MessageTypeRequest:
		out = h.request(a)
	case dhcpv4.MessageTypeDecline:
		out = h.decline(a)
	case dhcpv4.MessageTypeRelease:
		out = h.release(a)
	case dhcpv4.MessageTypeInform:
		out = h.inform(a)
	default:
		out.why = "nothing: not a client's message"
	}
	out.host, out.from = a.host, a.server
	return out
}

func where(r *request, link Link) string {
	if r.link.IsValid() {
		return "relay " + r.link.String()
	}
	return "interface " + link.Interface
}

// subnet finds the subnet that a client is on: by its relay; by the address that it uses, which a renewal
// from behind a router brings without a relay; else by the interface, where of several subnets the one with
// the machine's reservation or lease comes first.
func (h *handler) subnet(r *request, link Link, host Host) *inventory.Subnet {
	at := r.link
	if !at.IsValid() {
		at = r.ciaddr
	}
	var onLink *inventory.Subnet
	for i := range h.opt.Subnets {
		s := &h.opt.Subnets[i]
		if at.IsValid() {
			if s.Prefix.Contains(at) {
				return s
			}
		}
		if r.link.IsValid() || s.Interface != link.Interface {
			continue
		}
		if !at.IsValid() && (host.Addr.IsValid() && s.Prefix.Contains(host.Addr) || h.book.of(r.mac, s) != nil && !host.Addr.IsValid()) {
			return s
		}
		if onLink == nil {
			onLink = s
		}
	}
	return onLink
}

// server is the address that clients of a subnet know this server by.
func (h *handler) server(s *inventory.Subnet, link Link) netip.Addr {
	if h.opt.ServerAddr.IsValid() {
		return h.opt.ServerAddr
	}
	for _, a := range link.Addrs {
		if s.Prefix.Contains(a) {
			return a
		}
	}
	if len(link.Addrs) > 0 {
		return link.Addrs[0] // the subnet is behind a relay
	}
	return netip.Addr{}
}

func (h *handler) discover(a ask) answer {
	addr, ok := h.assign(a)
	if !ok {
		return answer{saw: saw{outcome: inventory.OutNoAddress}, why: fmt.Sprintf("nothing: subnet %s has no free address; enlarge its pool or shorten its lease time", a.subnet.Name)}
	}
	// A client that asks again while its lease runs keeps the lease: an offer must not shorten it.
	if e := h.book.byAddr[addr]; e == nil || e.offered || e.lease.MAC != a.mac || !e.lease.Expires.After(a.now) {
		h.book.put(a.lease(addr, h.opt.OfferTime), a.subnet, true)
	}
	return h.grant(a, dhcpv4.MessageTypeOffer, addr)
}

// request handles the four meanings of DHCPREQUEST (RFC 2131 section 4.3.2).
func (h *handler) request(a ask) answer {
	had := h.book.of(a.mac, a.subnet)
	switch {
	case a.request.server.IsValid(): // selecting
		if a.request.server != a.server {
			if had != nil {
				h.book.drop(had.lease.Addr, a.subnet)
			}
			return answer{saw: saw{outcome: inventory.OutElsewhere, peer: a.request.server}, why: "nothing: the client took the offer of another server, " + a.request.server.String()}
		}
		return h.bind(a, a.requested)
	case a.ciaddr.IsValid(): // renewing or rebinding
		if why := h.unusable(a, a.ciaddr); why != "" {
			return h.refuse(a, why)
		}
		return h.commit(a, a.ciaddr)
	case a.requested.IsValid(): // init-reboot
		if !a.subnet.Prefix.Contains(a.requested) {
			return h.refuse(a, fmt.Sprintf("%s is not in %s", a.requested, a.subnet.Prefix))
		}
		if had == nil && h.reserved(a) != a.requested {
			return answer{why: "nothing: no lease of this client is known"}
		}
		if had != nil && had.lease.Addr != a.requested && h.reserved(a) != a.requested {
			return h.refuse(a, "its address is "+had.lease.Addr.String())
		}
		return h.bind(a, a.requested)
	default:
		return answer{why: "nothing: the request names no address"}
	}
}

// bind acknowledges an address that a client is about to begin with; unlike a renewal, it gives way to a
// reservation.
func (h *handler) bind(a ask, addr netip.Addr) answer {
	if !addr.IsValid() {
		return h.refuse(a, "the request names no address")
	}
	if want := h.reserved(a); want.IsValid() && want != addr && !h.book.taken(want, a.mac, a.now) {
		return h.refuse(a, "reserved for it is "+want.String())
	}
	if why := h.unusable(a, addr); why != "" {
		return h.refuse(a, why)
	}
	return h.commit(a, addr)
}

// commit acknowledges; the lease must be stored before the reply leaves.
func (h *handler) commit(a ask, addr netip.Addr) answer {
	l := a.lease(addr, a.subnet.LeaseTime)
	h.book.put(l, a.subnet, false)
	out := h.grant(a, dhcpv4.MessageTypeAck, addr)
	out.save = []inventory.Lease{l}
	return out
}

func (h *handler) decline(a ask) answer {
	e := h.book.byAddr[a.requested]
	if e == nil || e.lease.MAC != a.mac {
		return answer{why: "nothing: declined an address that it does not have"}
	}
	l := inventory.Lease{Addr: a.requested, Subnet: a.subnet.Name, Starts: a.now, Expires: a.now.Add(h.opt.DeclineTime)}
	h.book.put(l, a.subnet, false)
	return answer{save: []inventory.Lease{l},
		why: fmt.Sprintf("nothing: %s is in use by somebody else, avoided for %s; find who answers ARP for it", a.requested, h.opt.DeclineTime)}
}

func (h *handler) release(a ask) answer {
	e := h.book.byAddr[a.ciaddr]
	if e == nil || e.lease.MAC != a.mac || e.offered {
		return answer{why: "nothing: released an address that it does not have"}
	}
	e.lease.Expires = a.now
	return answer{save: []inventory.Lease{e.lease}, why: "nothing to say: " + a.ciaddr.String() + " is free again"}
}

func (h *handler) inform(a ask) answer {
	if !a.ciaddr.IsValid() {
		return answer{why: "nothing: the client names no address of its own"}
	}
	return h.grant(a, dhcpv4.MessageTypeAck, netip.Addr{})
}

// assign finds the address to offer.
func (h *handler) assign(a ask) (netip.Addr, bool) {
	if want := h.reserved(a); want.IsValid() && !h.book.taken(want, a.mac, a.now) {
		return want, true
	}
	if e := h.book.of(a.mac, a.subnet); e != nil && h.unusable(a, e.lease.Addr) == "" {
		return e.lease.Addr, true
	}
	if a.requested.IsValid() && h.book.byAddr[a.requested] == nil && h.unusable(a, a.requested) == "" {
		return a.requested, true
	}
	return h.book.pick(a.subnet, a.mac, a.now, func(addr netip.Addr) bool { return h.barred(a, addr) != "" })
}

// reserved is the address that the inventory keeps for the client in this subnet, or zero.
func (h *handler) reserved(a ask) netip.Addr {
	if a.known && a.host.Addr.IsValid() && a.subnet.Prefix.Contains(a.host.Addr) && a.host.Addr != a.server {
		return a.host.Addr
	}
	return netip.Addr{}
}

// unusable says why a client cannot have an address; empty when it can.
func (h *handler) unusable(a ask, addr netip.Addr) string {
	s := a.subnet
	switch {
	case h.reserved(a) == addr:
	case !s.Prefix.Contains(addr):
		return fmt.Sprintf("%s is not in %s", addr, s.Prefix)
	case !s.PoolFirst.IsValid() || addr.Less(s.PoolFirst) || s.PoolLast.Less(addr):
		return fmt.Sprintf("%s is not in the pool of %s", addr, s.Name)
	default:
		if why := h.barred(a, addr); why != "" {
			return why
		}
	}
	if h.book.taken(addr, a.mac, a.now) {
		return addr.String() + " belongs to somebody else"
	}
	return ""
}

// barred says why a pool address is for nobody, or not for this client.
func (h *handler) barred(a ask, addr netip.Addr) string {
	first := a.subnet.Prefix.Addr()
	last := address(number(first) | ^uint32(0)>>a.subnet.Prefix.Bits())
	if addr == a.server || addr == a.subnet.Gateway || addr == first || addr == last ||
		slices.Contains(a.subnet.DNS, addr) || slices.Contains(a.subnet.NTP, addr) {
		return addr.String() + " is not for clients"
	}
	if v, ok := h.opt.View.(reserver); ok {
		if mac, ok := v.Reserved(addr); ok && mac != a.mac {
			return addr.String() + " is reserved for " + mac
		}
	}
	return ""
}

func (a ask) lease(addr netip.Addr, d time.Duration) inventory.Lease {
	return inventory.Lease{Addr: addr, MAC: a.mac, ClientID: a.clientID, Hostname: a.hostname, Subnet: a.subnet.Name,
		Machine: a.host.Machine, Starts: a.now, Expires: a.now.Add(d)}
}
