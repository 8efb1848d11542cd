package dhcp6

import (
	"hash/maphash"
	"time"
)

// buckets is the size of the table of a limiter: clients whose hashes meet share a bucket, and no flood of
// invented clients makes it grow.
const buckets = 4096

// limiter bounds the packets of each client by a token bucket.
type limiter struct {
	seed        maphash.Seed
	rate, burst float64
	table       [buckets]struct {
		tokens float64
		at     time.Time
	}
}

func newLimiter(rate, burst int) *limiter {
	return &limiter{seed: maphash.MakeSeed(), rate: float64(rate), burst: float64(burst)}
}

// allow takes a token of a client.
func (l *limiter) allow(client string, now time.Time) bool {
	b := &l.table[maphash.String(l.seed, client)%buckets]
	if b.at.IsZero() {
		b.tokens = l.burst
	} else {
		b.tokens = min(l.burst, b.tokens+l.rate*max(now.Sub(b.at), 0).Seconds())
	}
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
