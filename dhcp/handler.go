package dhcp

import (
	"net/netip"
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
	To        netip.Addr     // whom it was sent to, an address of ours or broadcast; zero: not known
}

// answer is everything that follows from a packet: what to send where, what to store before, and why.
type answer struct {
	reply *dhcpv4.DHCPv4 // nil: say nothing
	to    netip.AddrPort
	from  netip.Addr
	save  []inventory.Lease // to be stored before the reply leaves
	host  Host
	why   string // for the evidence, as what saw tells
	saw   saw
	alarm string // what an operator must see; empty: nothing
}

// saw is the typed part of the evidence that only the decision knows.
type saw struct {
	kind    inventory.EvidenceKind // empty: by the message
	outcome inventory.Outcome
	addr    netip.Addr         // offered or leased
	file    string             // named to the client
	peer    netip.Addr         // the other server that it took
	path    inventory.BootPath // that this answer makes room for
}

// handler decides. It does no input or output; the book is its state, and its caller keeps a lock.
type handler struct {
	opt    Options
	rules  *rules
	book   *book
	seen   sightings
	ask    ask
	decide func(c pxe.Client, w pxe.Wanted) pxe.Decision
}

// ask is a request in its surroundings.
type ask struct {
	*request
	seg    *segment
	subnet *network   // of seg; the one that the client is, or will be, in
	server netip.Addr // what this server calls itself towards the client
	self   netip.Addr // what it is reached at
	link   Link
	host   Host
	known  bool
	now    time.Time
	term   time.Duration // how long a lease is to last from now on
}

// handle answers one request.
func (h *handler) handle(r *request, link Link, now time.Time) answer {
	a := &h.ask // one at a time: handling a packet makes none
	*a = ask{request: r, link: link, now: now}
	a.host, a.known = h.host(r)
	var out answer
	if outcome, why := h.locate(a); why != "" {
		out.why, out.saw.outcome = "nothing: "+why, outcome
	} else {
		out = h.speak(a)
	}
	out.host, out.from = a.host, a.self
	return out
}

func (h *handler) speak(a *ask) answer {
	switch {
	case a.seg.proxy():
		return h.proxy(a)
	case a.link.Port == pxePort:
		return answer{why: "nothing: port 4011 serves only subnets of mode proxy"}
	}
	switch a.kind {
	case dhcpv4.MessageTypeDiscover:
		return h.discover(a)
	case dhcpv4.MessageTypeRequest:
		return h.request(a)
	case dhcpv4.MessageTypeDecline:
		return h.decline(a)
	case dhcpv4.MessageTypeRelease:
		return h.release(a)
	case dhcpv4.MessageTypeInform:
		return h.inform(a)
	default:
		return answer{why: "nothing: not a client's message"}
	}
}

// host asks the view who the client is: by its MAC, else by its system UUID.
func (h *handler) host(r *request) (Host, bool) {
	v, known := h.opt.View.Host(r.mac)
	if known || r.client.UUID == "" {
		return v, known
	}
	if u, ok := h.opt.View.(uuidView); ok {
		return u.HostByUUID(r.client.UUID)
	}
	return v, false
}

// locate finds the link that a client is on, and a first guess at its subnet: by its relay; by the address
// that it uses, which a renewal from behind a router brings without a relay; else by the interface. It says
// why there is none.
func (h *handler) locate(a *ask) (o inventory.Outcome, why string) {
	at := a.request.link
	if !at.IsValid() && a.link.To != allOnes {
		at = a.ciaddr
	}
	n := h.rules.containing(at)
	switch {
	case n != nil:
		a.seg = n.seg
	case a.request.link.IsValid():
		return inventory.OutNoSubnet, "no subnet is configured for relay " + at.String()
	default:
		if a.seg = h.rules.byInterface[a.link.Interface]; a.seg == nil {
			return inventory.OutNoSubnet, "no subnet is configured for interface " + a.link.Interface
		}
	}
	if len(a.seg.nets) == 0 {
		return inventory.OutNotServed, "DHCP is off for this subnet"
	}
	if n == nil || n.Mode == inventory.SubnetOff {
		n = a.seg.nets[0]
	}
	h.settle(a, n)
	if !a.self.IsValid() {
		return "", "interface " + a.link.Interface + " has no IPv4 address"
	}
	return "", ""
}

// settle makes a subnet of the link the client's.
func (h *handler) settle(a *ask, n *network) {
	a.subnet, a.self, a.term = n, h.address(n, a.link), n.LeaseTime
	if a.server = a.self; a.relay.server.IsValid() {
		a.server = a.relay.server // RFC 5107: renewals then take the way through the relay
	}
}

// address is where clients of a subnet reach this server.
func (h *handler) address(n *network, link Link) netip.Addr {
	switch {
	case h.opt.ServerAddr.IsValid():
		return h.opt.ServerAddr
	case n.Server.IsValid():
		return n.Server
	}
	for _, a := range link.Addrs {
		if n.Prefix.Contains(a) {
			return a
		}
	}
	if len(link.Addrs) > 0 {
		return link.Addrs[0] // the subnet is behind a relay
	}
	return netip.Addr{}
}
