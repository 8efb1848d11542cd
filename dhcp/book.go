package dhcp

import (
	"hash/fnv"
	"net/netip"
	"time"

	"socle/inventory"
)

// entry is what the book knows of one address.
type entry struct {
	lease   inventory.Lease
	offered bool // only promised, not acknowledged, and not stored
}

// book is every address that was given out or promised, by address and by owner. It has no lock: the
// server has one around it.
type book struct {
	byAddr map[netip.Addr]*entry
	// byMAC remembers the address that a MAC had last in each subnet, also after the lease ended, so that a
	// machine keeps its address as long as nobody else needs it.
	byMAC map[owner]netip.Addr
}

type owner struct {
	mac    string
	subnet netip.Prefix
}

func newBook() *book {
	return &book{byAddr: map[netip.Addr]*entry{}, byMAC: map[owner]netip.Addr{}}
}

// load takes the leases of the store; those of no configured subnet are left alone.
func (b *book) load(leases []inventory.Lease, subnets []inventory.Subnet) (n int) {
	for _, l := range leases {
		for i := range subnets {
			if !subnets[i].Prefix.Contains(l.Addr) {
				continue
			}
			if old := b.of(l.MAC, &subnets[i]); old != nil && old.lease.Expires.After(l.Expires) {
				b.byAddr[l.Addr] = &entry{lease: l}
				continue
			}
			b.put(l, &subnets[i], false)
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
				delete(b.byAddr, had)
			}
		}
		b.byMAC[k] = l.Addr
	}
	b.byAddr[l.Addr] = &entry{lease: l, offered: offered}
}

// drop forgets an entry that was only promised.
func (b *book) drop(addr netip.Addr, s *inventory.Subnet) {
	if e := b.byAddr[addr]; e != nil && e.offered {
		delete(b.byAddr, addr)
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

// pick finds an address of a pool for a MAC: always the same one while it is free, else the next that was
// never used, else the one whose lease ended longest ago.
func (b *book) pick(lo, hi netip.Addr, mac string, now time.Time, barred func(netip.Addr) bool) (netip.Addr, bool) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(mac)) // a hash's Write never fails
	first, size := number(lo), number(hi)-number(lo)+1
	at := h.Sum32() % size
	var oldest netip.Addr
	var ended time.Time
	for range size {
		addr := address(first + at)
		at = (at + 1) % size
		e := b.byAddr[addr]
		switch {
		case e != nil && e.lease.Expires.After(now):
			continue
		case barred(addr):
			continue
		case e == nil:
			return addr, true
		case !oldest.IsValid() || e.lease.Expires.Before(ended):
			oldest, ended = addr, e.lease.Expires
		}
	}
	return oldest, oldest.IsValid()
}

func number(a netip.Addr) uint32 {
	b := a.As4()
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

func address(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}
