package dhcp6

import (
	"context"
	"slices"

	"socle/inventory"
)

// maxBatch is how many leases are stored in one transaction.
const maxBatch = 256

// commit stores the leases of all answers that wait, in one transaction, then sends the answers: while one
// batch is written the next one gathers, so that durability costs one write for many clients.
func (s *Server) commit(ctx context.Context) {
	away := false // whether the store failed at the last batch
	for {
		var batch []ack
		select {
		case <-ctx.Done():
			return
		case a := <-s.acks:
			batch = append(batch, a)
		}
	gather:
		for len(batch) < maxBatch {
			select {
			case a := <-s.acks:
				batch = append(batch, a)
			default:
				break gather
			}
		}
		lost, err := s.save(ctx, leasesOf(batch))
		switch {
		case err != nil && !away:
			s.opt.Log.Error("IPv6 leases cannot be stored, clients get no REPLY until they can; check the database", "err", err)
		case err == nil && away:
			s.opt.Log.Info("IPv6 leases are stored again")
		}
		away = err != nil
		if err == nil {
			s.settle(batch, lost)
		}
		for _, a := range batch {
			if err == nil {
				s.send(a)
				continue
			}
			s.stats.withheld.Add(1)
			a.saw.outcome = inventory.OutUnstored
			s.record(a, "no answer: the lease cannot be stored (the database is away); the client asks again")
		}
	}
}

// settle writes into the books what another server has given out, and takes back the answers that promise it to
// somebody else: the client asks again, and is told the truth then.
func (s *Server) settle(batch []ack, lost []inventory.Lease) {
	if len(lost) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.h.books {
		b.learn(lost)
	}
	for i, a := range batch {
		if loses(a, lost) {
			s.stats.withheld.Add(1)
			batch[i].reply, batch[i].saw.outcome = nil, inventory.OutUnstored
			batch[i].why = "no answer: another server has just given the address to somebody else; the client asks again"
		}
	}
}

func (s *Server) save(ctx context.Context, leases []inventory.Lease) (lost []inventory.Lease, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.opt.SaveTimeout)
	defer cancel()
	return s.opt.Leases.SaveLeases(ctx, leases)
}

// leasesOf gathers the leases of a batch, in their order.
func leasesOf(batch []ack) []inventory.Lease {
	out := make([]inventory.Lease, 0, len(batch))
	for _, a := range batch {
		out = append(out, a.save...)
	}
	return out
}

// loses tells whether another client holds an address of an answer.
func loses(a ack, lost []inventory.Lease) bool {
	return slices.ContainsFunc(a.save, func(l inventory.Lease) bool {
		return slices.ContainsFunc(lost, func(held inventory.Lease) bool {
			return held.Addr == l.Addr && (held.MAC != l.MAC || held.ClientID != l.ClientID)
		})
	})
}
