package dhcp

import (
	"sync"
	"time"
)

// Evidence is for people, who look at one machine: a machine that boots makes a dozen lines. Whoever sends
// more, for a while, or from ever new MACs, gets answers all the same, but no line for each.
const (
	evidenceRate  = 0.5 // lines a second of one MAC, after
	evidenceBurst = 60
	// evidenceRateAll bounds what all MACs together cost the database; a room that powers on at once stays
	// below its burst.
	evidenceRateAll  = 1000
	evidenceBurstAll = 20_000
)

// witness decides which exchanges are recorded.
type witness struct {
	mu    sync.Mutex
	now   func() time.Time
	byMAC *limiter
	all   *limiter
}

func (w *witness) init(opt Options) {
	w.now = opt.Now
	w.byMAC = newLimiter(evidenceRate, evidenceBurst, 1<<14)
	w.all = newLimiter(evidenceRateAll, evidenceBurstAll, 1)
}

func (w *witness) wants(req *request) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	return w.byMAC.allow(now, []byte(req.mac)) && w.all.allow(now)
}

// room tells whether all MACs together left room for a line.
func (w *witness) room() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all.allow(w.now())
}
