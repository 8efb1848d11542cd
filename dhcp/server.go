package dhcp

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"socle/dhcp/replica"
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
	replica replica.Follower // of the store
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
	s.replica = replica.Follower{Store: opt.Leases, Learn: s.learn, Service: "DHCP", Timeout: opt.SaveTimeout, Every: opt.SyncEvery, Now: opt.Now, Log: opt.Log}
	return s, nil
}

// learn takes in leases of the store.
func (s *Server) learn(leases []inventory.Lease, asked time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.h.book.synced = asked
	return s.h.book.learn(leases, s.opt.Subnets)
}

// Serve loads the leases and answers until ctx ends. It returns at once with an error that says what to do
// when another server has the port, or when it may not open sockets; a missing interface and an unreachable
// lease store are waited for.
func (s *Server) Serve(ctx context.Context) error {
	if s.replica.Load(ctx); ctx.Err() != nil {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, at := range s.listens() {
		g.Go(func() error { return s.attend(ctx, at) })
	}
	for range s.opt.Workers {
		g.Go(func() error { s.work(); return nil })
	}
	g.Go(func() error { s.store(ctx); return nil })
	g.Go(func() error { s.replica.Follow(ctx); return nil })
	g.Go(func() error { s.probe(ctx); return nil })
	g.Go(func() error { <-ctx.Done(); s.queue.close(); return nil })
	return g.Wait()
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
