package dhcp6

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"socle/inventory"
	"socle/pxe"
)

// answer is everything that follows from a packet: what to send, what to store before, and why.
type answer struct {
	reply []byte            // nil: say nothing
	save  []inventory.Lease // to be stored before the reply leaves
	host  Host
	why   string // for the evidence
	saw   saw
}

// saw is what verdicts are drawn from.
type saw struct {
	outcome inventory.Outcome
	addr    netip.Addr         // the first of those that were given, offered or refused
	file    string             // that is named to the client
	path    inventory.BootPath // that this answer makes room for
}

// handler decides. It does no input or output; the books are its state, and its caller keeps a lock.
type handler struct {
	opt    Options
	books  []*book // one a subnet
	decide func(c pxe.Client, w pxe.Wanted) pxe.Decision
}

// ask is a request in its surroundings.
type ask struct {
	*request
	book  *book
	host  Host
	known bool
	now   time.Time
	used  []netip.Addr // by the associations of this message that were answered already
	save  []inventory.Lease
	told  []string // what the associations were told, for the evidence
}

// handle answers one request.
func (h *handler) handle(r *request, link Link, now time.Time) answer {
	a := &ask{request: r, now: now}
	a.host, a.known = h.host(r)
	if r.server != nil && !bytes.Equal(r.server, h.opt.ServerID) {
		return answer{host: a.host, why: "nothing: the client talks to another server", saw: saw{outcome: inventory.OutElsewhere}}
	}
	if a.book = h.subnet(a, link); a.book == nil {
		at := "interface " + link.Interface
		if r.at.IsValid() {
			at = "relay " + r.at.String()
		}
		return answer{host: a.host, why: "nothing: no IPv6 subnet is configured for " + at, saw: saw{outcome: inventory.OutNoSubnet}}
	}
	var out answer
	switch {
	case link.Unicast && len(r.hops) == 0:
		// Nobody was told that it may (RFC 8415 section 18.4).
		out = answer{reply: appendStatus(h.head(a, kindReply), statusUseMulticast, "use multicast"), why: "REPLY: use multicast"}
	default:
		out = h.answer(a, link)
	}
	out.host = a.host
	if out.reply != nil {
		out.reply = wrap(out.reply, r.hops)
	}
	return out
}

func (h *handler) answer(a *ask, link Link) answer {
	switch a.kind {
	case kindSolicit:
		if a.rapid {
			return h.bind(a, kindReply)
		}
		return h.bind(a, kindAdvertise)
	case kindRequest, kindRenew, kindRebind:
		return h.bind(a, kindReply)
	case kindConfirm:
		return h.confirm(a, link)
	case kindRelease:
		return h.giveBack(a, "released", func(e *entry, o owner) []inventory.Lease { return []inventory.Lease{a.book.release(e, o, a.now)} })
	case kindDecline:
		return h.giveBack(a, "in use by somebody else, avoided for "+h.opt.DeclineTime.String(), func(e *entry, _ owner) []inventory.Lease {
			back := e.lease // given back first: only who has an address may have it put into quarantine
			back.Starts, back.Expires = a.now, a.now
			l := inventory.Lease{Addr: e.lease.Addr, Subnet: a.book.subnet.Name, Starts: a.now, Expires: a.now.Add(h.opt.DeclineTime)}
			a.book.avoid(l)
			return []inventory.Lease{back, l}
		})
	default: // an information-request: parse lets nothing else through
		return h.finish(a, kindReply, h.head(a, kindReply))
	}
}

// host finds the machine by the MACs that may be the client's, then by its UUID.
func (h *handler) host(r *request) (Host, bool) {
	for _, mac := range r.macs {
		if v, ok := h.opt.View.Host(mac); ok {
			return v, true
		}
	}
	for _, uuid := range r.duid.UUIDs() {
		if v, ok := h.opt.View.HostByUUID(uuid); ok {
			return v, true
		}
	}
	return Host{}, false
}

// wanted is what the inventory knows of the client's boots. A View may also have a method
// NetBoot(mac string) inventory.NetBoot, which tells what was tried to boot the machine.
func (h *handler) wanted(a *ask) pxe.Wanted {
	w := pxe.Wanted{Known: a.known, Target: a.host.Boot, Tries: h.opt.BootTries}
	if v, ok := h.opt.View.(interface {
		NetBoot(mac string) inventory.NetBoot
	}); ok {
		for _, mac := range a.macs {
			if n := v.NetBoot(mac); len(n.Tries) > 0 || n.Came != "" {
				w.Net = n
				break
			}
		}
	}
	return w
}

// subnet finds the subnet that a client is on: by the address of its relay, else by the interface, where of
// several the one with its reservation or binding comes first.
func (h *handler) subnet(a *ask, link Link) *book {
	var first *book
	for _, b := range h.books {
		if !b.on(a.at, link) {
			continue
		}
		if a.reserved(b.subnet).IsValid() || slices.ContainsFunc(a.ias, func(i ia) bool { return b.of(a.owner(i), a.stage()) != nil }) {
			return b
		}
		if first == nil {
			first = b
		}
	}
	return first
}

// on tells whether a subnet lies on the link of a client.
func (b *book) on(relay netip.Addr, link Link) bool {
	if relay.IsValid() {
		return b.subnet.Prefix.Contains(relay)
	}
	return b.subnet.Interface == link.Interface
}

func (r *request) owner(i ia) owner { return owner{r.duid.raw, i.id} }
func (r *request) stage() string    { return stage(r.mac(), r.duid.mac) }

// bind answers the messages that want addresses: what a SOLICIT is promised, and what a REQUEST, a RENEW or a
// REBIND gets or keeps.
func (h *handler) bind(a *ask, k kind) answer {
	b := h.head(a, k)
	for _, i := range a.ias {
		b = h.associate(a, b, i, k)
	}
	out := h.finish(a, k, b)
	switch {
	case len(a.used) == 0 && len(a.ias) > 0:
		out.saw.outcome = inventory.OutNoAddress
	case k == kindAdvertise:
		out.saw.outcome = inventory.OutOffered
	default:
		out.saw.outcome = inventory.OutAcked
	}
	if len(a.used) > 0 {
		out.saw.addr = a.used[0]
	}
	return out
}

// associate appends the answer to one identity association (RFC 8415 sections 18.3.2, 18.3.4, 18.3.5, 18.3.9).
func (h *handler) associate(a *ask, b []byte, i ia, k kind) []byte {
	switch i.code {
	case optIAPD:
		return appendIA(b, i, 0, appendStatus(nil, statusNoPrefixAvail, "no prefixes are delegated here"))
	case optIATA:
		return appendIA(b, i, 0, appendStatus(nil, statusNoAddrsAvail, "no temporary addresses are given here"))
	}
	s := a.book.subnet
	renews := a.kind == kindRenew || a.kind == kindRebind
	for _, addr := range i.addrs {
		if a.kind == kindRequest && !s.Prefix.Contains(addr) {
			a.told = append(a.told, addr.String()+" is not on this link")
			return appendIA(b, i, 0, appendStatus(nil, statusNotOnLink, addr.String()+" is not on this link"))
		}
	}
	addr, ok := h.choose(a, i, renews)
	var sub []byte
	for _, old := range i.addrs {
		if renews && old != addr { // the client must give it up
			sub = appendAddr(sub, old, 0, 0)
		}
	}
	switch {
	case ok:
		a.used = append(a.used, addr)
		if k == kindReply {
			l := a.lease(addr, i)
			a.book.put(l, a.owner(i), a.stage())
			a.save = append(a.save, l)
		}
		a.told = append(a.told, addr.String())
		return appendIA(b, i, s.LeaseTime, append(appendAddr(nil, addr, preferred(s.LeaseTime), s.LeaseTime), sub...))
	case renews && sub == nil:
		a.told = append(a.told, "no binding")
		return appendIA(b, i, 0, appendStatus(nil, statusNoBinding, "nothing is bound and nothing is free"))
	case renews:
		a.told = append(a.told, "its address is no longer its own")
		return appendIA(b, i, 0, sub)
	default:
		a.told = append(a.told, fmt.Sprintf("subnet %s has no free address; enlarge its pool or shorten its lease time", s.Name))
		return appendIA(b, i, 0, appendStatus(nil, statusNoAddrsAvail, "no address is free"))
	}
}

// choose finds the address for an association: the reserved one, the one it has or had, the one it asks for, or
// a free one.
func (h *handler) choose(a *ask, i ia, renews bool) (netip.Addr, bool) {
	o, st := a.owner(i), a.stage()
	free := func(addr netip.Addr) bool {
		return !slices.Contains(a.used, addr) && !a.book.taken(addr, o, st, a.now)
	}
	if want := a.reserved(a.book.subnet); want.IsValid() && free(want) {
		return want, true
	}
	usable := func(addr netip.Addr) bool { return a.book.inPool(addr) && !h.barred(a, addr) && free(addr) }
	e := a.book.of(o, st)
	if e != nil && usable(e.lease.Addr) {
		return e.lease.Addr, true
	}
	if e == nil && a.book.full(a.now) {
		return netip.Addr{}, false
	}
	for _, addr := range i.addrs {
		if usable(addr) && (renews || a.book.byAddr[addr] == nil) {
			return addr, true
		}
	}
	return a.book.pick(o, st, a.now, func(addr netip.Addr) bool { return h.barred(a, addr) || slices.Contains(a.used, addr) })
}

// reserved is the address that is kept for the client in a subnet, or zero.
func (a *ask) reserved(s *inventory.Subnet6) netip.Addr {
	for _, v := range s.Reservations {
		if v.MAC != "" && slices.Contains(a.macs, v.MAC) || v.UUID != "" && slices.Contains(a.duid.UUIDs(), v.UUID) {
			return v.Addr
		}
	}
	if a.known && s.Prefix.Contains(a.host.Addr) && a.host.Addr != s.Server {
		return a.host.Addr
	}
	return netip.Addr{}
}

// barred tells whether a pool address is for nobody, or for somebody else.
func (h *handler) barred(a *ask, addr netip.Addr) bool {
	s := a.book.subnet
	if machine, ok := h.opt.View.Active(addr); ok && machine != a.host.Machine {
		return true
	}
	return addr == s.Server || addr == s.Prefix.Addr() || slices.Contains(s.DNS, addr) || slices.Contains(s.NTP, addr) ||
		slices.ContainsFunc(s.Reservations, func(v inventory.Reservation6) bool { return v.Addr == addr })
}

// confirm says whether the client's addresses fit to the link that it is on now (RFC 8415 section 18.3.3).
func (h *handler) confirm(a *ask, link Link) answer {
	n := 0
	for _, i := range a.ias {
		for _, addr := range i.addrs {
			n++
			if !slices.ContainsFunc(h.books, func(b *book) bool { return b.on(a.at, link) && b.subnet.Prefix.Contains(addr) }) {
				return h.status(a, statusNotOnLink, addr.String()+" is not on this link")
			}
		}
	}
	if n == 0 {
		return answer{why: "nothing: CONFIRM names no address"}
	}
	return h.status(a, statusSuccess, "all addresses are on this link")
}

// giveBack answers RELEASE and DECLINE (RFC 8415 sections 18.3.7 and 18.3.8).
func (h *handler) giveBack(a *ask, what string, do func(*entry, owner) []inventory.Lease) answer {
	b := appendStatus(h.head(a, kindReply), statusSuccess, "noted")
	for _, i := range a.ias {
		found := false
		for _, addr := range i.addrs {
			if e := a.book.byAddr[addr]; e != nil && slices.Contains(e.owners, a.owner(i)) {
				a.save = append(a.save, do(e, a.owner(i))...)
				a.told = append(a.told, addr.String()+" "+what)
				found = true
			}
		}
		if !found {
			a.told = append(a.told, "no binding")
			b = appendIA(b, i, 0, appendStatus(nil, statusNoBinding, "it is not bound to this client"))
		}
	}
	out := answer{reply: b, save: a.save, why: "REPLY " + strings.Join(a.told, ", "), saw: saw{outcome: inventory.OutAcked}}
	for _, i := range a.ias {
		if len(i.addrs) > 0 {
			out.saw.addr = i.addrs[0]
		}
	}
	return out
}

func (a *ask) lease(addr netip.Addr, i ia) inventory.Lease {
	return inventory.Lease{Addr: addr, MAC: a.mac(), ClientID: leaseID(a.duid.raw, i.id), Subnet: a.book.subnet.Name,
		Machine: a.host.Machine, Starts: a.now, Expires: a.now.Add(a.book.subnet.LeaseTime)}
}
