package dhcp6

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"socle/dhcp/replica"
	"socle/inventory"
	"socle/pxe"
)

// Server answers DHCPv6 on the interfaces of its subnets.
type Server struct {
	opt     Options
	mu      sync.Mutex // of handler, its books and the limiter
	h       handler
	limit   *limiter
	jobs    chan job
	acks    chan ack
	stats   counters
	replica replica.Follower // of the store
}

// job is a datagram that waits for a worker.
type job struct {
	data []byte
	port *port
	from netip.AddrPort
	to   netip.Addr // zero: a group
}

// ack is an answer that waits for its leases to be stored.
type ack struct {
	answer
	job
	req *request
}

type counters struct{ received, dropped, malformed, limited, answered, withheld atomic.Int64 }

// Stats counts since the start.
type Stats struct {
	Received  int64 // datagrams
	Dropped   int64 // of them, because the queue was full
	Malformed int64 // of them, that were no valid requests
	Limited   int64 // of them, because their client sends too many
	Answered  int64 // replies sent
	Withheld  int64 // replies not sent because their leases could not be stored
	Leases    int   // addresses that are held now
}

// New checks the options and makes a server.
func New(opt Options) (*Server, error) {
	opt.Subnets = slices.Clone(opt.Subnets)
	if err := opt.check(); err != nil {
		return nil, fmt.Errorf("making DHCPv6 server: %w", err)
	}
	opt.defaults()
	s := &Server{opt: opt, h: handler{opt: opt, decide: pxe.Decide}, limit: newLimiter(opt.Rate, opt.Burst),
		jobs: make(chan job, opt.Queue), acks: make(chan ack, opt.Queue)}
	for i := range opt.Subnets {
		s.h.books = append(s.h.books, newBook(&opt.Subnets[i], opt.MaxLeases))
	}
	s.replica = replica.Follower{Store: opt.Leases, Learn: s.learn, Service: "DHCPv6", Timeout: opt.SaveTimeout, Every: opt.SyncEvery, Now: opt.Now, Log: opt.Log}
	return s, nil
}

// learn takes in leases of the store.
func (s *Server) learn(leases []inventory.Lease, _ time.Time) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.h.books {
		n += b.learn(leases)
	}
	return n
}

// Serve loads the leases and answers until ctx ends. It returns at once with an error that says what to do
// when another server has the port, or when it may not open sockets; a missing interface and an unreachable
// lease store are waited for.
func (s *Server) Serve(ctx context.Context) error {
	if s.replica.Load(ctx); ctx.Err() != nil {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, name := range s.interfaces() {
		g.Go(func() error { return s.attend(ctx, name) })
	}
	for range s.opt.Workers {
		g.Go(func() error { s.work(ctx); return nil })
	}
	g.Go(func() error { s.commit(ctx); return nil })
	g.Go(func() error { s.replica.Follow(ctx); return nil })
	return g.Wait()
}

func (s *Server) interfaces() (names []string) {
	for _, n := range s.opt.Subnets {
		if !slices.Contains(names, n.Interface) {
			names = append(names, n.Interface)
		}
	}
	return names
}

// work decides; several workers do.
func (s *Server) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-s.jobs:
			s.answer(j)
		}
	}
}

func (s *Server) answer(j job) {
	defer func() {
		if r := recover(); r != nil {
			s.stats.malformed.Add(1)
			s.opt.Log.Error("answering a DHCPv6 packet panicked", "interface", j.port.name, "panic", fmt.Sprint(r))
		}
	}()
	link := Link{Interface: j.port.name, Source: j.from, Unicast: j.to.IsValid()}
	req, err := parse(j.data, link)
	if err != nil {
		s.stats.malformed.Add(1)
		s.opt.Log.Debug("not a DHCPv6 request", "interface", j.port.name, "from", j.from, "err", err)
		return
	}
	out, ok := s.decide(req, link)
	if !ok {
		s.stats.limited.Add(1)
		return
	}
	if len(out.save) == 0 {
		s.send(ack{out, j, req})
		return
	}
	select {
	case s.acks <- ack{out, j, req}:
	default:
		s.stats.withheld.Add(1)
		out.saw.outcome = inventory.OutUnstored
		s.record(ack{out, j, req}, "no answer: the lease store is too slow; the client asks again")
	}
}

func (s *Server) decide(req *request, link Link) (answer, bool) {
	now := s.opt.Now()
	client := req.duid.raw
	if client == "" {
		client = link.Source.Addr().String()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.limit.allow(client, now) {
		return answer{}, false
	}
	return s.h.handle(req, link, now), true
}

// send sends a reply whose leases, if it has some, are stored.
func (s *Server) send(a ack) {
	if a.reply == nil {
		s.record(a, a.why)
		return
	}
	if err := a.port.send(a.reply, destination(a), a.to); err != nil {
		if !errors.Is(err, errClosed) {
			s.opt.Log.Warn("sending DHCPv6 reply failed", "to", a.from, "err", err)
		}
		a.saw.outcome = inventory.OutNotSent
		s.record(a, a.why+", not sent: "+err.Error())
		return
	}
	s.stats.answered.Add(1)
	s.record(a, a.why)
}

// destination is the client's port of where the request came from, or the relay's: the port that it sent
// from when it says so (RFC 8357 section 5.2).
func destination(a ack) netip.AddrPort {
	switch hops := a.req.hops; {
	case len(hops) == 0:
		return netip.AddrPortFrom(a.from.Addr(), clientPort)
	case hops[0].opts.has(optRelayPort):
		return a.from
	default:
		return netip.AddrPortFrom(a.from.Addr(), serverPort)
	}
}

// Holder names the MAC that holds an address now; it is empty for a client that never told one.
func (s *Server) Holder(addr netip.Addr) (mac string, ok bool) {
	now := s.opt.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.h.books {
		if e := b.byAddr[addr]; e != nil && len(e.owners) > 0 && e.lease.Expires.After(now) {
			return e.lease.MAC, true
		}
	}
	return "", false
}

// Stats tells what the server did.
func (s *Server) Stats() Stats {
	st := Stats{Received: s.stats.received.Load(), Dropped: s.stats.dropped.Load(), Malformed: s.stats.malformed.Load(),
		Limited: s.stats.limited.Load(), Answered: s.stats.answered.Load(), Withheld: s.stats.withheld.Load()}
	now := s.opt.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.h.books {
		for _, e := range b.byAddr {
			if len(e.owners) > 0 && e.lease.Expires.After(now) {
				st.Leases++
			}
		}
	}
	return st
}
