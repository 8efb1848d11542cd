package dhcp6

import (
	"encoding/binary"
	"hash/fnv"
	"net/netip"
	"slices"
	"time"

	"socle/inventory"
)

// owner is whom an address is bound to: one identity association of a client.
type owner struct {
	duid string
	iaid uint32
}

// entry is a binding, also one that has ended: its owner gets the address again as long as nobody else needs it.
type entry struct {
	lease inventory.Lease
	// owners share the address, the newest first; none: it is nobody's, and avoided. Firmware asks for one address as
	// often as it has programs that want one, under one DUID on one interface, and gives each back by itself.
	owners []owner
	stage  string // MAC under which other DUIDs of the same machine are recognised; empty: under none
}

// maxOwners is how many associations share an address; the oldest is forgotten.
const maxOwners = 8

// stage is the MAC by which the stages of one boot are held together. A client whose DUID names another MAC
// than it sends from is left to itself: many clients may be behind one address.
func stage(mac, duidMAC string) string {
	if duidMAC != "" && duidMAC != mac {
		return ""
	}
	return mac
}

// book is every address that was given out in one subnet. It has no lock: the server has one around it.
type book struct {
	subnet  *inventory.Subnet6
	max     int
	byAddr  map[netip.Addr]*entry
	byOwner map[owner]*entry
	byMAC   map[string]*entry // the newest of each MAC
}

func newBook(s *inventory.Subnet6, limit int) *book {
	return &book{subnet: s, max: limit, byAddr: map[netip.Addr]*entry{}, byOwner: map[owner]*entry{}, byMAC: map[string]*entry{}}
}

// put writes a binding in the place of what was known of the address. Other associations of the same DUID keep it
// as well; another DUID of the same machine is another program, and the ones before it no longer run.
func (b *book) put(l inventory.Lease, o owner, stage string) {
	e := &entry{lease: l, owners: []owner{o}, stage: stage}
	if old := b.byAddr[l.Addr]; old != nil {
		for _, other := range old.owners {
			if other != o && other.duid == o.duid && stage != "" && old.stage == stage && len(e.owners) < maxOwners {
				e.owners = append(e.owners, other)
			}
		}
	}
	b.set(e)
}

// avoid writes down that an address is nobody's for the time of a lease.
func (b *book) avoid(l inventory.Lease) { b.set(&entry{lease: l}) }

func (b *book) set(e *entry) {
	if old := b.byAddr[e.lease.Addr]; old != nil {
		b.forget(old)
	}
	b.byAddr[e.lease.Addr] = e
	for _, o := range e.owners {
		b.byOwner[o] = e
	}
	if e.stage != "" {
		b.byMAC[e.stage] = e
	}
}

// releaseGrace is how long an address is kept for a machine that gave it back. Firmware gives its address back the
// moment a loader takes the network card, and GRUB goes on with that address without asking anybody.
const releaseGrace = 5 * time.Minute

// release takes an owner off a binding, which ends with the last of them: at once, or after releaseGrace when it is
// known whose machine it is. It returns what is to be stored.
func (b *book) release(e *entry, o owner, now time.Time) inventory.Lease {
	rest := slices.DeleteFunc(slices.Clone(e.owners), func(other owner) bool { return other == o })
	l := e.lease
	if len(rest) == 0 {
		if end := now.Add(releaseGrace); e.stage == "" {
			l.Expires = now
		} else if l.Expires.After(end) {
			l.Expires = end
		}
		b.set(&entry{lease: l, owners: e.owners, stage: e.stage})
		return l
	}
	l.ClientID = leaseID(rest[0].duid, rest[0].iaid)
	b.set(&entry{lease: l, owners: rest, stage: e.stage})
	return l
}

// learn takes leases of the store that lie in the subnet, the newest of each owner last.
func (b *book) learn(leases []inventory.Lease) (n int) {
	for _, l := range leases {
		if !b.subnet.Prefix.Contains(l.Addr) {
			continue
		}
		duid, iaid, ok := parseLeaseID(l.ClientID)
		if !ok {
			b.avoid(l)
			continue
		}
		o := owner{duid, iaid}
		if had := b.byOwner[o]; had != nil && had.lease.Addr != l.Addr && had.lease.Expires.After(l.Expires) {
			b.set(&entry{lease: l}) // it has another one by now
			continue
		}
		id, _ := parseDUID([]byte(duid)) // one that says nothing is one without a MAC
		b.put(l, o, stage(l.MAC, id.mac))
		n++
	}
	return n
}

func (b *book) forget(e *entry) {
	delete(b.byAddr, e.lease.Addr)
	for _, o := range e.owners {
		if b.byOwner[o] == e {
			delete(b.byOwner, o)
		}
	}
	if b.byMAC[e.stage] == e {
		delete(b.byMAC, e.stage)
	}
}

// full makes room among the bindings that have ended, and tells when there is none for one more.
func (b *book) full(now time.Time) bool {
	if len(b.byAddr) < b.max {
		return false
	}
	for _, e := range b.byAddr {
		if !e.lease.Expires.After(now) {
			b.forget(e)
		}
	}
	return len(b.byAddr) >= b.max
}

// of finds the binding that a client's association has or had last. The stages of one boot (PXE and HTTP of the
// firmware, iPXE, the ramdisk) come with other DUIDs and associations and share a MAC: each takes the address of the one
// before over.
func (b *book) of(o owner, stage string) *entry {
	if e := b.byOwner[o]; e != nil {
		return e
	}
	if stage == "" {
		return nil
	}
	return b.byMAC[stage]
}

// taken tells whether another machine holds the address now.
func (b *book) taken(addr netip.Addr, o owner, stage string, now time.Time) bool {
	e := b.byAddr[addr]
	if e == nil || !e.lease.Expires.After(now) || slices.Contains(e.owners, o) {
		return false
	}
	return stage == "" || e.stage != stage
}

// maxProbes bounds the search for a free address in a pool that is crowded.
const maxProbes = 4096

// pick finds a pool address for an owner: always the same one while it is free, else the next that was never
// used or whose binding has ended. barred are addresses that are for nobody, or already meant for another
// association in the same message.
func (b *book) pick(o owner, stage string, now time.Time, barred func(netip.Addr) bool) (netip.Addr, bool) {
	s := b.subnet
	if !s.PoolFirst.IsValid() || b.full(now) {
		return netip.Addr{}, false
	}
	h := fnv.New64a()
	if stage != "" {
		_, _ = h.Write([]byte(stage)) // a hash's Write never fails
	} else {
		_, _ = h.Write([]byte(o.duid))
		_, _ = h.Write(binary.BigEndian.AppendUint32(nil, o.iaid))
	}
	first, last := low(s.PoolFirst), low(s.PoolLast)
	at := h.Sum64()
	if size := last - first + 1; size != 0 { // zero is a whole /64
		at = first + at%size
	}
	for range maxProbes {
		addr := address(high(s.PoolFirst), at)
		e := b.byAddr[addr]
		if (e == nil || !e.lease.Expires.After(now)) && !barred(addr) {
			return addr, true
		}
		if at == last {
			at = first
		} else {
			at++
		}
	}
	return netip.Addr{}, false
}

// inPool tells whether an address is one of the dynamic ones.
func (b *book) inPool(a netip.Addr) bool {
	s := b.subnet
	return s.PoolFirst.IsValid() && a.Compare(s.PoolFirst) >= 0 && a.Compare(s.PoolLast) <= 0
}

func high(a netip.Addr) uint64 { b := a.As16(); return binary.BigEndian.Uint64(b[:8]) }
func low(a netip.Addr) uint64  { b := a.As16(); return binary.BigEndian.Uint64(b[8:]) }

func address(high, low uint64) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], high)
	binary.BigEndian.PutUint64(b[8:], low)
	return netip.AddrFrom16(b)
}
