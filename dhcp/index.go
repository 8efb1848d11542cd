package dhcp

import (
	"container/heap"
	"hash/fnv"
	"math/bits"
	"net/netip"
	"time"
)

// span is a range of addresses that are given out in turn; both ends belong to it.
type span struct{ first, last netip.Addr }

// index is of a span: it finds a free address without looking at those that are not.
type index struct {
	first, size uint32
	fresh       bitmap               // addresses that nobody has or had
	ends        endings              // of the others, by when they end
	keys        map[uint32]time.Time // under which each of them stands in ends; what else is there does not count
	spares      []spare              // free addresses that nobody answered for when they were probed, the oldest first
	unprobed    []uint32
	picked      int // addresses since the prober looked
}

type spare struct {
	n  uint32
	at time.Time
}

const (
	// spareLife is how long the silence of an address is believed.
	spareLife = 10 * time.Minute
	// barTime is how long an address that is not for clients is not looked at again; reservations may change.
	barTime = 10 * time.Second
	// maxUnprobed bounds the list of addresses that were offered before they were probed.
	maxUnprobed = 512
)

func newIndex(s span) *index {
	x := &index{first: number(s.first), size: number(s.last) - number(s.first) + 1, keys: map[uint32]time.Time{}}
	x.fresh = newBitmap(x.size)
	return x
}

func (x *index) contains(n uint32) bool { return n-x.first < x.size }

// start is where the search for a MAC begins: always at the same place, so that a client likely gets its old
// address even when its lease is forgotten, and for each server in another part of a large pool, so that
// servers of one database rarely offer the same address to two clients.
func (x *index) start(mac string, salt uint32) uint32 {
	const parts = 16
	h := fnv.New32a()
	_, _ = h.Write([]byte(mac)) // a hash's Write never fails
	if x.size < 256 {
		return h.Sum32() % x.size
	}
	part := x.size / parts
	return salt%parts*part + h.Sum32()%part
}

// pick finds an address of the pool for a MAC: one that was probed, else the next that was never used, else
// the one whose lease ended longest ago.
func (b *book) pick(first, last netip.Addr, mac string, now time.Time, barred func(netip.Addr) bool) (netip.Addr, bool) {
	if !first.IsValid() {
		return netip.Addr{}, false
	}
	x := b.index(span{first, last})
	x.picked++
	for len(x.spares) > 0 {
		s := x.spares[0]
		x.spares = x.spares[1:]
		addr := address(x.first + s.n)
		if e := b.byAddr[addr]; (e == nil || !e.lease.Expires.After(now)) && now.Sub(s.at) < spareLife && !barred(addr) {
			return addr, true
		}
	}
	addr, ok := b.free(x, x.start(mac, b.salt), now, barred)
	if ok && b.probing && len(x.unprobed) < maxUnprobed {
		x.unprobed = append(x.unprobed, number(addr)-x.first)
	}
	return addr, ok
}

// free finds an address that nobody holds.
func (b *book) free(x *index, start uint32, now time.Time, barred func(netip.Addr) bool) (netip.Addr, bool) {
	for {
		n, ok := x.fresh.next(start)
		if !ok {
			break
		}
		addr := address(x.first + n)
		if !barred(addr) {
			return addr, true
		}
		x.fresh.set(n, false)
		x.look(n, now.Add(barTime))
	}
	for len(x.ends) > 0 && !x.ends[0].at.After(now) {
		end := x.ends[0]
		addr := address(x.first + end.n)
		e := b.byAddr[addr]
		switch {
		case !x.keys[end.n].Equal(end.at): // another ending of the same address counts
			heap.Pop(&x.ends)
		case e == nil && !barred(addr): // it was barred, or only promised and dropped
			heap.Pop(&x.ends)
			delete(x.keys, end.n)
			x.fresh.set(end.n, true)
			return addr, true
		case e != nil && !e.lease.Expires.After(now) && !barred(addr):
			return addr, true // it stays in the heap, and is put where it belongs when it comes up again
		default:
			again := now.Add(barTime)
			if e != nil && e.lease.Expires.After(now) {
				again = e.lease.Expires
			}
			x.keys[end.n], x.ends[0].at = again, again
			heap.Fix(&x.ends, 0)
		}
	}
	return netip.Addr{}, false
}

// index returns the index of a span, made on first use.
func (b *book) index(s span) *index {
	if x := b.indexes[s]; x != nil {
		return x
	}
	x := newIndex(s)
	b.indexes[s] = x
	for addr, e := range b.byAddr {
		if n := number(addr); x.contains(n) {
			x.fresh.set(n-x.first, false)
			x.look(n-x.first, e.lease.Expires)
		}
	}
	return x
}

// note tells the pools of an address that its entry was made or changed.
func (b *book) note(addr netip.Addr, e *entry) {
	n := number(addr)
	for _, x := range b.indexes {
		if !x.contains(n) {
			continue
		}
		x.fresh.set(n-x.first, false)
		if key, ok := x.keys[n-x.first]; !ok || e.lease.Expires.Before(key) {
			x.look(n-x.first, e.lease.Expires)
		}
	}
}

// look has an address looked at again at a time.
func (x *index) look(n uint32, at time.Time) {
	x.keys[n] = at
	heap.Push(&x.ends, ending{at, n})
}

// forget tells the pools of an address that it has no entry any more.
func (b *book) forget(addr netip.Addr) {
	delete(b.byAddr, addr)
	n := number(addr)
	for _, x := range b.indexes {
		if x.contains(n) {
			x.fresh.set(n-x.first, true)
		}
	}
}

// ending says when an address is to be looked at: not before its lease ends.
type ending struct {
	at time.Time
	n  uint32
}

// endings is a heap, the earliest first.
type endings []ending

func (e endings) Len() int           { return len(e) }
func (e endings) Less(i, j int) bool { return e[i].at.Before(e[j].at) }
func (e endings) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }

// Push implements heap.Interface.
func (e *endings) Push(x any) { *e = append(*e, x.(ending)) }

// Pop implements heap.Interface.
func (e *endings) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// bitmap is a set of numbers with a summary: a bit for each word that is not zero.
type bitmap struct {
	words, summary []uint64
}

func newBitmap(size uint32) bitmap {
	m := bitmap{words: make([]uint64, (size+63)/64), summary: make([]uint64, (size+4095)/4096)}
	for n := range size {
		m.words[n/64] |= 1 << (n % 64)
	}
	for w := range m.words {
		m.summary[w/64] |= 1 << (w % 64)
	}
	return m
}

func (m bitmap) set(n uint32, in bool) {
	w := n / 64
	if in {
		m.words[w] |= 1 << (n % 64)
		m.summary[w/64] |= 1 << (w % 64)
		return
	}
	m.words[w] &^= 1 << (n % 64)
	if m.words[w] == 0 {
		m.summary[w/64] &^= 1 << (w % 64)
	}
}

// next finds the first number from start on, and from 0 on when there is none.
func (m bitmap) next(start uint32) (uint32, bool) {
	if n, ok := m.from(start); ok {
		return n, true
	}
	return m.from(0)
}

func (m bitmap) from(start uint32) (uint32, bool) {
	w := start / 64
	if int(w) >= len(m.words) {
		return 0, false
	}
	if rest := m.words[w] >> (start % 64) << (start % 64); rest != 0 {
		return w*64 + uint32(bits.TrailingZeros64(rest)), true
	}
	w++
	for s := w / 64; int(s) < len(m.summary); s++ {
		rest := m.summary[s]
		if s == w/64 {
			rest = rest >> (w % 64) << (w % 64)
		}
		if rest != 0 {
			w := s*64 + uint32(bits.TrailingZeros64(rest))
			return w*64 + uint32(bits.TrailingZeros64(m.words[w])), true
		}
	}
	return 0, false
}
