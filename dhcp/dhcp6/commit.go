package dhcp6

import (
	"context"
	"net/netip"

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
		err := s.save(ctx, leasesOf(batch))
		switch {
		case err != nil && !away:
			s.opt.Log.Error("IPv6 leases cannot be stored, clients get no REPLY until they can; check the database", "err", err)
		case err == nil && away:
			s.opt.Log.Info("IPv6 leases are stored again")
		}
		away = err != nil
		for _, a := range batch {
			if err == nil {
				s.send(a)
				continue
			}
			s.stats.withheld.Add(1)
			s.record(a.req, a.answer, "no answer: the lease cannot be stored (the database is away); the client asks again")
		}
	}
}

func (s *Server) save(ctx context.Context, leases []inventory.Lease) error {
	ctx, cancel := context.WithTimeout(ctx, s.opt.SaveTimeout)
	defer cancel()
	return s.opt.Leases.SaveLeases(ctx, leases)
}

// leasesOf gathers the leases of a batch, the last of each address: one statement must not write a row twice.
func leasesOf(batch []ack) []inventory.Lease {
	at := make(map[netip.Addr]int, len(batch))
	out := make([]inventory.Lease, 0, len(batch))
	for _, a := range batch {
		for _, l := range a.answer.save {
			if i, ok := at[l.Addr]; ok {
				out[i] = l
				continue
			}
			at[l.Addr] = len(out)
			out = append(out, l)
		}
	}
	return out
}
