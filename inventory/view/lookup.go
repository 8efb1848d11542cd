package view

import (
	"net/netip"
	"slices"
	"sync/atomic"

	"socle/inventory"
)

// ByMAC finds the machine that has a network interface ("aa:bb:cc:dd:ee:ff"), however old the view is. Of several
// one whose identity is not in doubt wins. Retired machines are unknown.
func (v *View) ByMAC(mac string) (best inventory.Sketch, ok bool) {
	if inventory.NormalizeMAC(mac) != mac {
		return best, false
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	v.mac.all(v.keys.mac(mac), func(n uint32) bool {
		s := v.shelf.get(n)
		if s.State == inventory.Retired || s.Identity.BMCMAC == mac && !slices.Contains(s.Identity.NICMACs, mac) {
			return true
		}
		if !ok || best.Doubtful && !s.Doubtful || best.Doubtful == s.Doubtful && s.Name > best.Name {
			best, ok = s, true
		}
		return true
	})
	return best, ok
}

// ByUUID finds the machine that alone has a system UUID, however old the view is. Retired machines do not count.
func (v *View) ByUUID(uuid string) (inventory.Sketch, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.only(&v.uuid, v.keys.text(uuid), func(s *inventory.Sketch) bool { return s.Identity.UUID == uuid })
}

// ActiveAt finds the active machine that alone has an address, however old the view is.
func (v *View) ActiveAt(addr netip.Addr) (inventory.Sketch, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.only(&v.addr, v.keys.addr(addr), func(s *inventory.Sketch) bool { return s.Address == addr })
}

// only is the machine under a key that alone is meant.
func (v *View) only(x *index, key uint64, meant func(*inventory.Sketch) bool) (found inventory.Sketch, ok bool) {
	many := false
	x.all(key, func(n uint32) bool {
		s := v.shelf.get(n)
		if s.State == inventory.Retired || !meant(&s) {
			return true
		}
		many = ok
		found, ok = s, true
		return !many
	})
	if many {
		return inventory.Sketch{}, false
	}
	return found, ok
}

// Recognise finds the machine that an identity, normalized, belongs to when nobody needs to write anything down for
// it: it decides as the store does, and says no more than false when the store is to be asked, because the machine
// is not known, more of it was seen than is known, several machines fit, or the view is too old.
func (v *View) Recognise(seen inventory.Identity) (inventory.Sketch, bool) {
	if v.Age() > MaxAge {
		return inventory.Sketch{}, false
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	var room [maxAlike]uint32
	numbers, enough := v.alike(room[:0], seen)
	if !enough {
		return inventory.Sketch{}, false
	}
	var few [2]inventory.Sketch
	known := few[:0]
	for _, n := range numbers {
		known = append(known, v.shelf.get(n))
	}
	r, err := inventory.Recognise(known, seen)
	if err != nil || r.Best < 0 || r.News || len(r.Conflicts) > 0 {
		return inventory.Sketch{}, false
	}
	if n := numbers[r.Best]; atomic.LoadUint32(&v.sighted[n]) == 0 {
		atomic.StoreUint32(&v.sighted[n], 1)
	}
	return known[r.Best], true
}

// alike collects the machines that share anything with what was seen by which it could be them. A UUID alone says
// something only where the interfaces of one side are not known (see Identity.Compare); one who asks by network
// knows its own. When there are more than maxAlike of them, the store is to compare them.
func (v *View) alike(found []uint32, seen inventory.Identity) (_ []uint32, enough bool) {
	if len(seen.NICMACs) == 0 {
		return nil, false
	}
	enough = true
	add := func(n uint32) bool {
		switch {
		case slices.Contains(found, n):
		case len(found) == maxAlike:
			enough = false
		default:
			found = append(found, n)
		}
		return enough
	}
	if seen.Serial != "" {
		v.serial.all(v.keys.fold(seen.Serial), add)
	}
	if seen.UUID != "" {
		v.bare.all(v.keys.text(seen.UUID), add)
	}
	for _, mac := range seen.NICMACs {
		v.mac.all(v.keys.mac(mac), add)
	}
	if seen.BMCMAC != "" {
		v.mac.all(v.keys.mac(seen.BMCMAC), add)
	}
	return found, enough
}
