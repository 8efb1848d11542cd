package dhcp

import (
	"hash/maphash"
	"time"
)

// limiter is a table of token buckets by key. Its size is fixed: when a place is needed, the bucket that was
// used least lately goes, and whoever comes back to it begins with a full one. It has no lock.
type limiter struct {
	seed    maphash.Seed
	rate    float64 // tokens a second
	burst   float64
	buckets []bucket
}

type bucket struct {
	key    uint64
	at     int64 // nanoseconds; 0: never used
	tokens float64
}

// ways is how many places a key may stand in.
const ways = 4

// newLimiter makes a limiter with places for about size keys.
func newLimiter(rate, burst float64, size int) *limiter {
	return &limiter{seed: maphash.MakeSeed(), rate: rate, burst: burst, buckets: make([]bucket, max(size/ways, 1)*ways)}
}

// allow takes a token of the key made of the parts, and tells whether there was one.
func (l *limiter) allow(now time.Time, parts ...[]byte) bool {
	var h maphash.Hash
	h.SetSeed(l.seed)
	for _, p := range parts {
		_, _ = h.Write(p) // a hash's Write never fails
	}
	key, at := h.Sum64(), now.UnixNano()
	first := int(key%uint64(len(l.buckets)/ways)) * ways
	set := l.buckets[first : first+ways]
	b := &set[0]
	for i := range set {
		if set[i].key == key && set[i].at != 0 {
			b = &set[i]
			break
		}
		if set[i].at < b.at {
			b = &set[i]
		}
	}
	if b.key != key || b.at == 0 {
		*b = bucket{key: key, at: at, tokens: l.burst}
	}
	b.tokens = min(l.burst, b.tokens+float64(max(at-b.at, 0))/1e9*l.rate)
	b.at = at
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
