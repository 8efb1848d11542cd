package dhcp

import (
	"encoding/binary"
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	l := newLimiter(2, 5, 1000)
	one, two := []byte("one"), []byte("two")
	granted := func(now time.Time, n int, key ...[]byte) (ok int) {
		for range n {
			if l.allow(now, key...) {
				ok++
			}
		}
		return ok
	}
	if got := granted(t0, 10, one); got != 5 {
		t.Errorf("a burst of %d", got)
	}
	if got := granted(t0, 10, two); got != 5 {
		t.Errorf("another key had %d of its burst left", got)
	}
	if got := granted(t0.Add(time.Second), 10, one); got != 2 {
		t.Errorf("%d in the next second", got)
	}
	if got := granted(t0.Add(time.Hour), 10, one); got != 5 {
		t.Errorf("%d after an hour", got)
	}
	if got := granted(t0.Add(time.Minute), 1, one); got != 0 {
		t.Error("a clock that goes back makes tokens")
	}
}

// TestLimiterDoesNotGrow floods it with ever new keys; a key that comes all the time keeps its bucket.
func TestLimiterDoesNotGrow(t *testing.T) {
	l := newLimiter(1, 3, 64)
	steady, granted, places := []byte("steady"), 0, len(l.buckets)
	for i := range 100_000 {
		now := t0.Add(time.Duration(i) * time.Microsecond)
		if !l.allow(now, binary.BigEndian.AppendUint32(nil, uint32(i))) {
			t.Fatal("a new key has no burst")
		}
		if l.allow(now, steady) {
			granted++
		}
	}
	if granted > 4 {
		t.Errorf("the steady key got %d", granted)
	}
	if len(l.buckets) != places {
		t.Errorf("%d places became %d", places, len(l.buckets))
	}
}
