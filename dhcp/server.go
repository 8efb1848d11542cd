package dhcp

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"socle/inventory"
	"socle/pxe"
)

// Server answers DHCP on the interfaces of its subnets.
type Server struct {
	opt     Options
	mu      sync.Mutex // of handler and its book
	h       handler
	queue   *queue
	storing chan *exchange   // answers that wait for their leases to be stored
	mark    int64            // up to where the store's leases were read
	ports   map[string]*port // those of port 67 that are open, by interface; under mu
	witness witness
	stats   counters
}

// New checks the options and makes a server.
func New(opt Options) (*Server, error) {
	opt.Subnets = slices.Clone(opt.Subnets)
	if err := opt.check(); err != nil {
		return nil, fmt.Errorf("making DHCP server: %w", err)
	}
	opt.defaults()
	s := &Server{opt: opt, ports: map[string]*port{}, h: handler{opt: opt, rules: newRules(opt.Subnets), book: newBook(), decide: pxe.Decide},
		queue: newQueue(opt.Queue), storing: make(chan *exchange, max(opt.Queue/2, 1))}
	s.h.book.salt, s.h.book.probing = randomSalt(), true
	s.witness.init(opt)
	return s, nil
}

// Serve loads the leases and answers until ctx ends. It returns at once with an error that says what to do
// when another server has the port, or when it may not open sockets; a missing interface and an unreachable
// lease store are waited for.
func (s *Server) Serve(ctx context.Context) error {
	if err := s.load(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, at := range s.listens() {
		g.Go(func() error { return s.attend(ctx, at) })
	}
	for range s.opt.Workers {
		g.Go(func() error { s.work(); return nil })
	}
	g.Go(func() error { s.store(ctx); return nil })
	g.Go(func() error { s.follow(ctx); return nil })
	g.Go(func() error { s.probe(ctx); return nil })
	g.Go(func() error { <-ctx.Done(); s.queue.close(); return nil })
	return g.Wait()
}

// load reads the leases; no packet is answered before.
func (s *Server) load(ctx context.Context) error {
	s.mark = -1
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		n, err := s.sync(ctx)
		if err == nil {
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

// sync reads from the store what other servers wrote since the last time.
func (s *Server) sync(ctx context.Context) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.opt.SaveTimeout)
	defer cancel()
	asked := s.opt.Now()
	leases, mark, err := s.opt.Leases.LeaseChanges(ctx, s.mark)
	if err != nil {
		return 0, err
	}
	s.mark = mark
	s.mu.Lock()
	defer s.mu.Unlock()
	n = s.h.book.learn(leases, s.opt.Subnets)
	s.h.book.synced = asked
	return n, nil
}

// follow keeps the book in step with the other servers of the same database.
func (s *Server) follow(ctx context.Context) {
	for away := false; sleep(ctx, s.opt.SyncEvery); {
		_, err := s.sync(ctx)
		if err != nil && !away && ctx.Err() == nil {
			s.opt.Log.Warn("leases of other servers cannot be read; the database still decides who gets an address", "err", err)
		}
		away = err != nil
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

// decide asks the handler, under the book's lock.
func (s *Server) decide(req *request, link Link) answer {
	now := s.opt.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.h.handle(req, link, now)
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

// leases counts the addresses that are held now.
func (b *book) leases(now time.Time) (n int) {
	for _, e := range b.byAddr {
		if !e.offered && e.lease.MAC != "" && e.lease.Expires.After(now) {
			n++
		}
	}
	return n
}

// leasesOf gathers the leases that a batch of answers depends on, in their order.
func leasesOf(batch []*exchange) []inventory.Lease {
	out := make([]inventory.Lease, 0, len(batch))
	for _, x := range batch {
		out = append(out, x.out.save...)
	}
	return out
}
