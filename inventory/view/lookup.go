package view

import (
	"net/netip"
	"slices"
	"strings"

	"socle/inventory"
)

// ByMAC finds the machine that has a network interface ("aa:bb:cc:dd:ee:ff"), however old the view is. Of several
// one whose identity is not in doubt wins. Retired machines are unknown.
func (v *View) ByMAC(mac string) (inventory.Sketch, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	var best *inventory.Sketch
	for _, s := range v.mac[mac] {
		if s.State == inventory.Retired || s.Identity.BMCMAC == mac && !slices.Contains(s.Identity.NICMACs, mac) {
			continue
		}
		if best == nil || best.Doubtful && !s.Doubtful || best.Doubtful == s.Doubtful && s.Name > best.Name {
			best = s
		}
	}
	if best == nil {
		return inventory.Sketch{}, false
	}
	return *best, true
}

// ByUUID finds the machine that alone has a system UUID, however old the view is. Retired machines do not count.
func (v *View) ByUUID(uuid string) (inventory.Sketch, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return only(v.uuid[uuid])
}

// ActiveAt finds the active machine that alone has an address, however old the view is.
func (v *View) ActiveAt(addr netip.Addr) (inventory.Sketch, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return only(v.addr[addr])
}

func only(list []*inventory.Sketch) (inventory.Sketch, bool) {
	var found *inventory.Sketch
	for _, s := range list {
		if s.State == inventory.Retired {
			continue
		}
		if found != nil {
			return inventory.Sketch{}, false
		}
		found = s
	}
	if found == nil {
		return inventory.Sketch{}, false
	}
	return *found, true
}

// Recognise finds the machine that an identity, normalized, belongs to when nobody needs to write anything down for
// it: it decides as the store does, and says no more than false when the store is to be asked, because the machine
// is not known, more of it was seen than is known, several machines fit, or the view is too old.
func (v *View) Recognise(seen inventory.Identity) (inventory.Sketch, bool) {
	if v.Age() > MaxAge {
		return inventory.Sketch{}, false
	}
	var room [8]inventory.Sketch
	known := room[:0]
	v.mu.RLock()
	known, enough := v.alike(known, seen)
	v.mu.RUnlock()
	if !enough {
		return inventory.Sketch{}, false
	}
	r, err := inventory.Recognise(known, seen)
	if err != nil || r.Best < 0 || r.News || len(r.Conflicts) > 0 {
		return inventory.Sketch{}, false
	}
	v.sightMu.Lock()
	v.sighted[known[r.Best].ID] = struct{}{}
	v.sightMu.Unlock()
	return known[r.Best], true
}

// alike collects the machines that share anything with what was seen by which it could be them. A UUID alone says
// something only where the interfaces of one side are not known (see Identity.Compare); one who asks by network
// knows its own.
func (v *View) alike(known []inventory.Sketch, seen inventory.Identity) (_ []inventory.Sketch, enough bool) {
	if len(seen.NICMACs) == 0 {
		return nil, false
	}
	add := func(list []*inventory.Sketch) {
		for _, s := range list {
			if !slices.ContainsFunc(known, func(k inventory.Sketch) bool { return k.ID == s.ID }) {
				known = append(known, *s)
			}
		}
	}
	lists := make([][]*inventory.Sketch, 0, 8)
	if seen.Serial != "" {
		lists = append(lists, v.serial[strings.ToLower(seen.Serial)])
	}
	if seen.UUID != "" {
		lists = append(lists, v.bare[seen.UUID])
	}
	for _, mac := range seen.NICMACs {
		lists = append(lists, v.mac[mac])
	}
	if seen.BMCMAC != "" {
		lists = append(lists, v.mac[seen.BMCMAC])
	}
	for _, l := range lists {
		if len(l) > maxAlike || len(known) > maxAlike {
			return nil, false
		}
		add(l)
	}
	return known, true
}
