package dhcp

import "sync/atomic"

type counters struct {
	received, malformed, answered, withheld, lost           atomic.Int64
	limitedMAC, limitedPort, shedDiscovers, shedOthers      atomic.Int64
	stored, transactions, probed, squatters, evidenceMissed atomic.Int64
}

// Stats counts since the start; only Leases and Waiting are of now.
type Stats struct {
	Received       int64 // datagrams
	Malformed      int64 // of them, that were no requests
	LimitedMAC     int64 // of them, dropped because their MAC sent too many
	LimitedPort    int64 // of them, dropped because their relay port sent too many
	ShedDiscovers  int64 // of them, DISCOVERs dropped from the full queue, the oldest first
	ShedOthers     int64 // of them, others dropped when no DISCOVER was left to drop
	Answered       int64 // replies sent
	Withheld       int64 // replies not sent because their lease could not be stored
	Lost           int64 // claims of addresses that another server had given out
	Stored         int64 // leases written
	Transactions   int64 // in which they were
	Probed         int64 // addresses asked for before their use
	Squatters      int64 // of them, that somebody answered for
	EvidenceMissed int64 // lines of evidence that were too many
	Leases         int   // addresses that are held
	Waiting        int   // datagrams in the queue
}

// Stats tells what the server did.
func (s *Server) Stats() Stats {
	c := &s.stats
	st := Stats{
		Received: c.received.Load(), Malformed: c.malformed.Load(), LimitedMAC: c.limitedMAC.Load(), LimitedPort: c.limitedPort.Load(),
		ShedDiscovers: c.shedDiscovers.Load(), ShedOthers: c.shedOthers.Load(), Answered: c.answered.Load(), Withheld: c.withheld.Load(),
		Lost: c.lost.Load(), Stored: c.stored.Load(), Transactions: c.transactions.Load(), Probed: c.probed.Load(),
		Squatters: c.squatters.Load(), EvidenceMissed: c.evidenceMissed.Load(), Waiting: s.queue.waiting(),
	}
	now := s.opt.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Leases = s.h.book.leases(now)
	return st
}
