package dhcp

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"socle/dhcp/replica"
	"socle/inventory"
)

// Addresses of a pool may be in use by somebody who never asked: a server with a fixed address, a forgotten
// printer. Before one enters use it is asked for, by ARP on a link of ours, by ICMP echo behind a relay
// (RFC 2131 section 3.1). That takes time, so it is done ahead: each pool keeps a few free addresses that
// nobody answered for. When many clients come at once they are not kept waiting for more; what they are
// offered is asked for at once, and taken back if somebody answers before the client has bound it.
const (
	fewestSpares = 16
	mostSpares   = 256
)

// answered is who answered for an address: its MAC, or "" when only its existence is known.
type answered map[netip.Addr]string

// probe keeps the pools supplied with probed addresses.
func (s *Server) probe(ctx context.Context) {
	troubled := false
	for replica.Sleep(ctx, s.opt.ProbeEvery) {
		for net, targets := range s.targets() {
			found, err := s.askFor(ctx, net, targets)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				if !troubled {
					s.opt.Log.Warn("free addresses cannot be probed before they are offered", "subnet", net.Name, "err", err)
				}
				troubled = true
				continue
			}
			s.stats.probed.Add(int64(len(targets)))
			s.judge(ctx, net, targets, found)
		}
	}
}

// askFor asks for addresses of a subnet on the way that leads there.
func (s *Server) askFor(ctx context.Context, n *network, targets []netip.Addr) (answered, error) {
	s.mu.Lock()
	p := s.ports[n.Interface]
	s.mu.Unlock()
	if p != nil {
		for _, a := range p.link.Addrs {
			if n.Prefix.Contains(a) {
				return askARP(p.link.Interface, p.index, targets, s.opt.ProbeWait)
			}
		}
	}
	return askICMP(ctx, targets, s.opt.ProbeWait)
}

// targets are the addresses that are to be asked for now: those that were offered without, and as many free
// ones as a pool lacks.
func (s *Server) targets() map[*network][]netip.Addr {
	out := map[*network][]netip.Addr{}
	now := s.opt.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.h.rules.byPrefix {
		nobody := s.h.nobody(n, s.ports[n.Interface])
		for i := range n.pools {
			p := &n.pools[i]
			list := s.h.book.lacking(s.h.book.index(span{p.first, p.last}), now, func(a netip.Addr) bool { return s.h.barred(nobody, a) != "" })
			if len(list) > 0 {
				out[n] = append(out[n], list...)
			}
		}
	}
	return out
}

// nobody is a client that nothing is reserved for.
func (h *handler) nobody(n *network, p *port) *ask {
	a := &ask{request: &request{packet: &dhcpv4.DHCPv4{}}}
	if p != nil {
		a.link = p.link
	}
	h.settle(a, n)
	return a
}

// lacking takes the addresses that were offered unprobed, and finds free ones until there are enough spares.
func (b *book) lacking(x *index, now time.Time, barred func(netip.Addr) bool) (out []netip.Addr) {
	for _, n := range x.unprobed {
		out = append(out, address(x.first+n))
	}
	want := min(max(2*x.picked, fewestSpares), mostSpares)
	x.unprobed, x.picked = x.unprobed[:0], 0
	spare := map[uint32]bool{}
	for len(x.spares) > 0 && now.Sub(x.spares[0].at) >= spareLife {
		x.spares = x.spares[1:]
	}
	for _, s := range x.spares {
		spare[s.n] = true
	}
	take := func(n uint32) {
		if addr := address(x.first + n); !spare[n] && !barred(addr) {
			spare[n] = true
			out = append(out, addr)
		}
	}
	start := x.start("", b.salt)
	tries := 4 * mostSpares // of which most may be barred
	for _, part := range [][2]uint32{{start, x.size}, {0, start}} {
		for n := part[0]; len(spare) < want && tries > 0; tries-- {
			found, ok := x.fresh.from(n)
			if !ok || found >= part[1] {
				break
			}
			take(found)
			n = found + 1
		}
	}
	for i := 0; i < len(x.ends) && i < 4*mostSpares && len(spare) < want; i++ { // the first of a heap are early ones
		end := x.ends[i]
		if e := b.byAddr[address(x.first+end.n)]; e != nil && !end.at.After(now) && !e.lease.Expires.After(now) {
			take(end.n)
		}
	}
	return out
}

// judge makes spares of the addresses that nobody answered for, and puts the others into quarantine.
func (s *Server) judge(ctx context.Context, n *network, targets []netip.Addr, found answered) {
	var bad []inventory.Lease
	now := s.opt.Now()
	s.mu.Lock()
	for _, addr := range targets {
		e := s.h.book.byAddr[addr]
		held := e != nil && e.lease.Expires.After(now)
		mac, inUse := found[addr]
		switch {
		case held && !e.offered, held && e.lease.MAC == mac && mac != "":
			// Its client has it by now, and answers for itself.
		case inUse:
			l := inventory.Lease{Addr: addr, Subnet: n.Name, Starts: now, Expires: now.Add(s.opt.DeclineTime)}
			s.h.book.put(l, n.Subnet, false)
			bad = append(bad, l)
		case !held:
			for i := range n.pools {
				if x := s.h.book.index(span{n.pools[i].first, n.pools[i].last}); x.contains(number(addr)) {
					x.spares = append(x.spares, spare{number(addr) - x.first, now})
				}
			}
		}
	}
	s.mu.Unlock()
	if len(bad) == 0 {
		return
	}
	s.stats.squatters.Add(int64(len(bad)))
	if _, err := s.save(ctx, bad); err != nil && ctx.Err() == nil {
		s.opt.Log.Warn("a quarantine cannot be stored; it holds until a restart", "subnet", n.Name, "err", err)
	}
	for _, l := range bad {
		s.tellSquatter(n, l.Addr, found[l.Addr])
	}
}

// tellSquatter makes evidence of an address that is in use without a lease, and tells an operator.
func (s *Server) tellSquatter(n *network, addr netip.Addr, mac string) {
	who := mac
	if who == "" {
		who = "somebody"
	}
	host, _ := s.opt.View.Host(mac)
	why := fmt.Sprintf("%s of subnet %s is in use by %s without a lease, avoided for %s; give it another address, or take this one out of the pool",
		addr, n.Name, who, s.opt.DeclineTime)
	s.opt.Recorder.Record(inventory.Evidence{Time: s.opt.Now(), MAC: mac, Machine: host.Machine, Source: "dhcp", Kind: inventory.SawSquatter, Addr: addr, PeerMAC: mac,
		Iface: n.Interface, Asked: "who has " + addr.String() + ", before it is offered", Reply: why})
	s.alarm(why, host)
}
