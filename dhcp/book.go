package dhcp

import (
	"net/netip"
	"time"

	"socle/inventory"
)

// entry is what the book knows of one address.
type entry struct {
	lease   inventory.Lease
	offered bool // only promised, not acknowledged, and not stored
	stored  bool // by this server, just as it stands here
	foreign bool // learned from the store: another server may have given it to somebody else since
}

// book is every address that was given out or promised, by address and by owner. Its size is bounded by the
// addresses of the subnets. It has no lock: the server has one around it.
type book struct {
	byAddr map[netip.Addr]*entry
	// byMAC remembers the address that a MAC had last in each subnet, also after the lease ended, so that a
	// machine keeps its address as long as nobody else needs it.
	byMAC   map[owner]netip.Addr
	indexes map[span]*index
	salt    uint32 // of this server, for the order of large pools
	probing bool   // somebody probes what the pools list as unprobed
	// synced is when the store last told what other servers wrote.
	synced time.Time
}

type owner struct {
	mac    string
	subnet netip.Prefix
}

func newBook() *book {
	return &book{byAddr: map[netip.Addr]*entry{}, byMAC: map[owner]netip.Addr{}, indexes: map[span]*index{}}
}

// foreignGrace is how much longer than its own server a lease of another one is respected: the clocks of two
// servers differ, and the other one may just have said so much to its client that was not read here yet.
const foreignGrace = 10 * time.Second

// syncTrust is how old the news of other servers may be for an ACK to be given without asking the store. It
// must be less than foreignGrace: what another server took away within this time, nobody else has yet.
const syncTrust = 5 * time.Second

// learn takes leases from the store, that other servers or an earlier run wrote; those of no configured
// subnet are left alone.
func (b *book) learn(leases []inventory.Lease, subnets []inventory.Subnet) (n int) {
	for _, l := range leases {
		for i := range subnets {
			if !subnets[i].Prefix.Contains(l.Addr) {
				continue
			}
			l.Expires = l.Expires.Add(foreignGrace)
			if old := b.of(l.MAC, &subnets[i]); old != nil && old.lease.Addr != l.Addr && old.lease.Expires.After(l.Expires) {
				b.write(l, false)
				continue
			}
			b.put(l, &subnets[i], false)
			b.byAddr[l.Addr].foreign = true
			n++
		}
	}
	return n
}

// put writes an entry, and takes the address away from whom it belonged to.
func (b *book) put(l inventory.Lease, s *inventory.Subnet, offered bool) {
	if old := b.byAddr[l.Addr]; old != nil && old.lease.MAC != l.MAC {
		k := owner{old.lease.MAC, s.Prefix}
		if b.byMAC[k] == l.Addr {
			delete(b.byMAC, k)
		}
	}
	if l.MAC != "" {
		k := owner{l.MAC, s.Prefix}
		if had, ok := b.byMAC[k]; ok && had != l.Addr {
			if e := b.byAddr[had]; e != nil && e.offered && e.lease.MAC == l.MAC {
				b.forget(had)
			}
		}
		b.byMAC[k] = l.Addr
	}
	b.write(l, offered)
}

func (b *book) write(l inventory.Lease, offered bool) {
	e := &entry{lease: l, offered: offered}
	b.byAddr[l.Addr] = e
	b.note(l.Addr, e)
}

// doubtful tells whether a client that says it has an address may be right although the book gives it to
// another: that one was only offered it, or its lease is another server's, which may have given it on.
func (b *book) doubtful(addr netip.Addr, mac string) bool {
	e := b.byAddr[addr]
	return e != nil && e.lease.MAC != mac && e.lease.MAC != "" && (e.offered || e.foreign)
}

// confirm notes that a lease is stored, if it still stands.
func (b *book) confirm(l inventory.Lease) {
	if e := b.byAddr[l.Addr]; e != nil && !e.offered && e.lease == l {
		e.stored = true
	}
}

// valid finds the running lease of an address when an ACK that repeats it needs no new write: the store has
// it just so, it is in its first quarter, and no other server can have taken it away unnoticed.
func (b *book) valid(l inventory.Lease, term time.Duration) (inventory.Lease, bool) {
	e := b.byAddr[l.Addr]
	if e == nil || !e.stored || l.Starts.Sub(b.synced) >= syncTrust {
		return l, false
	}
	had := e.lease
	if age := l.Starts.Sub(had.Starts); age < 0 || age >= term/4 || had.Expires.Sub(had.Starts) != term {
		return l, false
	}
	had.Starts, had.Expires = l.Starts, l.Expires
	return e.lease, had == l
}

// drop forgets an entry that was only promised.
func (b *book) drop(addr netip.Addr, s *inventory.Subnet) {
	if e := b.byAddr[addr]; e != nil && e.offered {
		b.remove(addr, s)
	}
}

// remove forgets an entry.
func (b *book) remove(addr netip.Addr, s *inventory.Subnet) {
	if e := b.byAddr[addr]; e != nil {
		b.forget(addr)
		if k := (owner{e.lease.MAC, s.Prefix}); b.byMAC[k] == addr {
			delete(b.byMAC, k)
		}
	}
}

// of finds what a MAC has or last had in a subnet; nil when nothing.
func (b *book) of(mac string, s *inventory.Subnet) *entry {
	addr, ok := b.byMAC[owner{mac, s.Prefix}]
	if !ok || mac == "" {
		return nil
	}
	return b.byAddr[addr]
}

// taken tells whether somebody other than the MAC holds the address now. Abandoned addresses belong to the
// MAC "", which is nobody's.
func (b *book) taken(addr netip.Addr, mac string, now time.Time) bool {
	e := b.byAddr[addr]
	return e != nil && e.lease.Expires.After(now) && (e.lease.MAC != mac || mac == "")
}

func number(a netip.Addr) uint32 {
	b := a.As4()
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

func address(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}
