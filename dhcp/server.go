package dhcp

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

	"socle/inventory"
	"socle/pxe"
)

// Server answers DHCP on the interfaces of its subnets.
type Server struct {
	opt   Options
	mu    sync.Mutex // of handler and its book
	h     handler
	jobs  chan job
	acks  chan ack
	stats counters
}

// job is a datagram that waits for a worker.
type job struct {
	data []byte
	port *port
	link Link
}

// ack is an answer that waits for its lease to be stored.
type ack struct {
	answer
	port *port
	req  *request
}

type counters struct{ received, dropped, malformed, answered, withheld atomic.Int64 }

// Stats counts since the start.
type Stats struct {
	Received  int64 // datagrams
	Dropped   int64 // of them, because the queue was full
	Malformed int64 // of them, that were no requests
	Answered  int64 // replies sent
	Withheld  int64 // replies not sent because their lease could not be stored
	Leases    int   // addresses that are held now
}

// New checks the options and makes a server.
func New(opt Options) (*Server, error) {
	opt.Subnets = slices.Clone(opt.Subnets)
	if err := opt.check(); err != nil {
		return nil, fmt.Errorf("making DHCP server: %w", err)
	}
	opt.defaults()
	return &Server{opt: opt, h: handler{opt: opt, rules: newRules(opt.Subnets), book: newBook(), decide: pxe.Decide},
		jobs: make(chan job, opt.Queue), acks: make(chan ack, opt.Queue)}, nil
}

// Serve loads the leases and answers until ctx ends. It returns at once with an error that says what to do
// when another server has the port, or when it may not open sockets; a missing interface and an unreachable
// lease store are waited for.
func (s *Server) Serve(ctx context.Context) error {
	if err := s.load(ctx); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, at := range s.listens() {
		g.Go(func() error { return s.attend(ctx, at) })
	}
	for range s.opt.Workers {
		g.Go(func() error { s.work(ctx); return nil })
	}
	g.Go(func() error { s.commit(ctx); return nil })
	return g.Wait()
}

// load reads the leases; no packet is answered before.
func (s *Server) load(ctx context.Context) error {
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		leases, err := s.opt.Leases.Leases(ctx)
		if err == nil {
			s.mu.Lock()
			n := s.h.book.load(leases, s.opt.Subnets)
			s.mu.Unlock()
			s.opt.Log.Info("leases loaded", "leases", n)
			return nil
		}
		if ctx.Err() != nil {
			return nil
		}
		s.opt.Log.Error("leases cannot be loaded, DHCP does not answer until they are", "err", err, "retry", wait)
		if !sleep(ctx, wait) {
			return nil
		}
	}
}

// sleep waits, and tells whether it did so to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
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
			s.opt.Log.Error("answering a DHCP packet panicked", "interface", j.link.Interface, "panic", fmt.Sprint(r))
		}
	}()
	req, err := parse(j.data)
	if err != nil {
		s.stats.malformed.Add(1)
		s.opt.Log.Debug("not a DHCP request", "interface", j.link.Interface, "err", err)
		return
	}
	out := s.decide(req, j.link)
	if out.alarm != "" {
		s.alarm(out)
	}
	if len(out.save) == 0 {
		s.send(ack{out, j.port, req})
		return
	}
	select {
	case s.acks <- ack{out, j.port, req}:
	default:
		s.stats.withheld.Add(1)
		out.saw.outcome = inventory.OutUnstored
		s.record(j.link.Interface, req, out, "no answer: the lease store is too slow; the client asks again")
	}
}

func (s *Server) decide(req *request, link Link) answer {
	now := s.opt.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.h.handle(req, link, now)
}

// send sends a reply whose lease, if it has one, is stored.
func (s *Server) send(a ack) {
	if a.reply == nil {
		s.record(a.port.link.Interface, a.req, a.answer, a.why)
		return
	}
	if err := a.port.send(a.reply.ToBytes(), a.to, a.from); err != nil {
		if !errors.Is(err, errClosed) {
			s.opt.Log.Warn("sending DHCP reply failed", "mac", a.req.mac, "to", a.to, "err", err)
		}
		a.saw.outcome = inventory.OutNotSent
		s.record(a.port.link.Interface, a.req, a.answer, a.why+", not sent: "+err.Error())
		return
	}
	s.stats.answered.Add(1)
	s.record(a.port.link.Interface, a.req, a.answer, a.why)
}

// alarm tells an operator.
func (s *Server) alarm(a answer) {
	s.opt.Log.Warn("DHCP: " + a.alarm)
	if s.opt.Alarm != nil {
		s.opt.Alarm(inventory.Event{Time: s.opt.Now(), Machine: a.host.Machine, Name: a.host.Name, Actor: inventory.ActorDHCP,
			Kind: "address", Reason: a.alarm})
	}
}

// Holder names the MAC that holds an address now: by a lease of ours, or where we are the proxy because it
// was seen to take the address from the other server.
func (s *Server) Holder(addr netip.Addr) (mac string, ok bool) {
	now := s.opt.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.h.book.byAddr[addr]
	if e == nil || e.lease.MAC == "" || !e.lease.Expires.After(now) {
		mac, ok = s.h.seen[addr]
		return mac, ok
	}
	return e.lease.MAC, true
}

// Stats tells what the server did.
func (s *Server) Stats() Stats {
	st := Stats{Received: s.stats.received.Load(), Dropped: s.stats.dropped.Load(), Malformed: s.stats.malformed.Load(),
		Answered: s.stats.answered.Load(), Withheld: s.stats.withheld.Load()}
	now := s.opt.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.h.book.byAddr {
		if !e.offered && e.lease.MAC != "" && e.lease.Expires.After(now) {
			st.Leases++
		}
	}
	return st
}
