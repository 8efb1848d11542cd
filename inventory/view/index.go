package view

import (
	"hash/maphash"
	"net/netip"
	"strings"
	"unicode/utf8"
)

// index finds the numbers of machines by something that they share. Like the shelf it holds no pointers; what it is
// asked by are numbers of 64 bits, of a MAC the address itself, of a text its hash. Machines whose texts have one hash
// are found together, which nobody can bring about on purpose, and who asks compares what it found anyway.
type index struct {
	first   map[uint64]uint32 // of the chain of links, its number plus one
	links   []link
	removed uint32 // chain of links that are free, likewise
}

type link struct{ machine, next uint32 }

func newIndex() index { return index{first: map[uint64]uint32{}} }

func (x *index) put(key uint64, machine uint32) {
	l := link{machine, x.first[key]}
	n := x.removed
	if n != 0 {
		x.removed = x.links[n-1].next
		x.links[n-1] = l
	} else {
		x.links = append(x.links, l)
		n = uint32(len(x.links)) //nolint:gosec // a few for each machine
	}
	x.first[key] = n
}

func (x *index) remove(key uint64, machine uint32) {
	before := uint32(0)
	for n := x.first[key]; n != 0; before, n = n, x.links[n-1].next {
		l := x.links[n-1]
		if l.machine != machine {
			continue
		}
		switch {
		case before != 0:
			x.links[before-1].next = l.next
		case l.next != 0:
			x.first[key] = l.next
		default:
			delete(x.first, key)
		}
		x.links[n-1] = link{next: x.removed}
		x.removed = n
		return
	}
}

// set puts or removes.
func (x *index) set(key uint64, machine uint32, in bool) {
	if in {
		x.put(key, machine)
	} else {
		x.remove(key, machine)
	}
}

// all calls f with each machine under a key until f returns false.
func (x *index) all(key uint64, f func(machine uint32) bool) {
	for n := x.first[key]; n != 0; {
		l := x.links[n-1]
		if !f(l.machine) {
			return
		}
		n = l.next
	}
}

// keys make numbers of what machines share.
type keys struct{ seed maphash.Seed }

func newKeys() keys { return keys{maphash.MakeSeed()} }

func (k keys) text(s string) uint64 { return maphash.String(k.seed, s) }

// fold is text for what is compared without regard to case, as serial numbers are.
func (k keys) fold(s string) uint64 {
	var room [128]byte
	b := append(room[:0], s...)
	for i, c := range b {
		switch {
		case c >= utf8.RuneSelf:
			return k.text(strings.ToLower(s))
		case c >= 'A' && c <= 'Z':
			b[i] = c + 'a' - 'A'
		}
	}
	return maphash.Bytes(k.seed, b)
}

func (k keys) addr(a netip.Addr) uint64 {
	b := a.As16()
	return maphash.Bytes(k.seed, b[:])
}

// mac is the address itself, as a number; it is normal (inventory.NormalizeMAC).
func (keys) mac(s string) (n uint64) {
	for i := range len(s) {
		switch c := s[i]; {
		case c == ':':
		case c >= 'a':
			n = n<<4 | uint64(c-'a'+10)
		default:
			n = n<<4 | uint64(c-'0')
		}
	}
	return n
}
