package dhcp

import (
	"context"
	"net/netip"

	"socle/inventory"
)

// maxBatch is how many answers wait for one transaction.
const maxBatch = 512

// store stores the leases of all answers that wait, in one transaction, then sends the answers: while one
// batch is written the next one gathers, so that durability costs one write for many clients.
func (s *Server) store(ctx context.Context) {
	away := false // whether the store failed at the last batch
	batch := make([]*exchange, 0, maxBatch)
	var out sender
	for {
		batch = batch[:0]
		select {
		case <-ctx.Done():
			return
		case x := <-s.storing:
			batch = s.gather(append(batch, x))
		}
		leases := leasesOf(batch)
		lost, err := s.save(ctx, leases)
		switch {
		case err != nil && !away:
			s.opt.Log.Error("leases cannot be stored, clients get no ACK until they can; check the database", "err", err)
		case err == nil && away:
			s.opt.Log.Info("leases are stored again")
		}
		away = err != nil
		if err != nil {
			for _, x := range batch {
				s.withhold(x, "no answer: the lease cannot be stored (the database is away); the client asks again")
			}
			continue
		}
		s.settle(batch, leases, lost)
		for _, x := range batch {
			if len(x.out.save) > 0 && x.out.reply == nil && x.out.why == whyLost {
				s.withhold(x, whyLost)
				continue
			}
			out.add(x)
		}
		s.flush(&out)
	}
}

// gather adds to a batch what waits too.
func (s *Server) gather(batch []*exchange) []*exchange {
	for len(batch) < maxBatch {
		select {
		case x := <-s.storing:
			batch = append(batch, x)
		default:
			return batch
		}
	}
	return batch
}

func (s *Server) save(ctx context.Context, leases []inventory.Lease) (lost []inventory.Lease, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.opt.SaveTimeout)
	defer cancel()
	if lost, err = s.opt.Leases.SaveLeases(ctx, leases); err == nil {
		s.stats.transactions.Add(1)
		s.stats.stored.Add(int64(len(leases) - len(lost)))
	}
	return lost, err
}

const whyLost = "no answer: another server has just given the address to somebody else; the client asks again"

// settle writes the store's verdict into the book, and decides those answers anew whose address another
// server has given out: with the truth in the book, the handler says so to the client.
func (s *Server) settle(batch []*exchange, leases, lost []inventory.Lease) {
	holder := make(map[netip.Addr]string, len(lost))
	for _, l := range lost {
		holder[l.Addr] = l.MAC
	}
	isLost := func(l inventory.Lease) bool {
		mac, ok := holder[l.Addr]
		return ok && mac != l.MAC
	}
	now := s.opt.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.h.book.learn(lost, s.opt.Subnets)
	for _, l := range lost {
		if e := s.h.book.byAddr[l.Addr]; e != nil {
			e.foreign = false // it was just read: beyond doubt, for as long as the lock is held
			defer func() { e.foreign = true }()
		}
	}
	for _, l := range leases {
		if !isLost(l) {
			s.h.book.confirm(l)
		}
	}
	for _, x := range batch {
		for _, l := range x.out.save {
			if !isLost(l) {
				continue
			}
			s.stats.lost.Add(1)
			x.out = s.h.handle(x.req, x.link(), now)
			if len(x.out.save) > 0 { // a second claim could be lost as well: the client asks again anyway
				x.out.reply, x.out.why = nil, whyLost
			}
			break
		}
	}
}
