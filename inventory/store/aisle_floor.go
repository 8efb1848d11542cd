package store

import (
	"encoding/json"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"socle/inventory"
	"socle/inventory/offline"
)

// floor is who stands where, as acts of the aisle are judged by it.
type floor struct {
	machines map[string]machineRow // those that acts are about, by ID
	rackings map[string]rackingRow // of them
	holders  map[string][]string   // who fills a unit at a face, in words
	racks    map[string]inventory.Fixture
}

func readFloor(tx *gorm.DB, ids []string) (floor, error) {
	f := floor{machines: map[string]machineRow{}, rackings: map[string]rackingRow{}}
	for len(ids) > 0 {
		n := min(len(ids), idsAtOnce)
		var machines []machineRow
		if err := tx.Omit("facts").Where("id IN ?", ids[:n]).Find(&machines).Error; err != nil {
			return f, err
		}
		for _, m := range machines {
			f.machines[m.ID] = m
		}
		var rackings []rackingRow
		if err := tx.Where("machine IN ?", ids[:n]).Find(&rackings).Error; err != nil {
			return f, err
		}
		for _, r := range rackings {
			f.rackings[r.Machine] = r
		}
		ids = ids[n:]
	}
	fixtures, err := readFixtures(tx)
	if err != nil {
		return f, err
	}
	f.racks = inventory.RacksByKey(fixtures)
	claims, err := readPlaces(tx)
	if err != nil {
		return f, err
	}
	for _, x := range fixtures {
		if !x.IsRack() {
			claims = append(claims, inventory.PlaceClaim{Who: x.Title(), Place: x.Place})
		}
	}
	f.holders = map[string][]string{}
	for _, c := range claims {
		for _, unit := range c.Place.Claims() {
			unit = strings.ToLower(unit)
			f.holders[unit] = append(f.holders[unit], c.Who)
		}
	}
	return f, nil
}

// standing is what is known of the machine of an act.
func (f floor) standing(e offline.Entry) (now offline.Standing, err error) {
	row, known := f.machines[e.Machine]
	if !known {
		return now, nil
	}
	m, err := row.machine()
	if err != nil {
		return now, err
	}
	now = offline.Standing{Known: true, Name: m.Name, Serial: m.Serial(), Place: m.Place, Retired: m.State == inventory.Retired}
	if r, racked := f.rackings[e.Machine]; racked && r.Place == row.Place {
		one, err := r.racking()
		if err != nil {
			return now, err
		}
		now.Racked = &one
	}
	now.Taken = f.holder(m.Name, e.Place)
	return now, nil
}

// holder is who else fills a place, in words.
func (f floor) holder(name string, p inventory.Place) string {
	for _, unit := range p.Claims() {
		for _, who := range f.holders[strings.ToLower(unit)] {
			if who != "machine "+name {
				return who
			}
		}
	}
	return ""
}

// impossible is why a machine cannot stand where an act says; empty when it can.
func (f floor) impossible(a offline.Act, now offline.Standing) string {
	switch rack, known := inventory.RackOf(f.racks, a.Place); {
	case !now.Known || now.Retired:
		return now.Words()
	case now.Taken != "":
		return fmt.Sprintf("%s of rack %s is that of %s: give that another place first", a.Place.Units(), a.Place.RackName(), now.Taken)
	case known && a.Place.Top() > rack.Place.Height:
		return fmt.Sprintf("%s has %d units", rack.Title(), rack.Place.Height)
	}
	return ""
}

// racked is the racking that an act says; no one of the future is made, however wrong the laptop's clock was.
func (f floor) racked(a offline.Act) (rackingRow, error) {
	place, err := json.Marshal(a.Place)
	if err != nil {
		return rackingRow{}, err
	}
	at := a.Time
	if at.After(a.Synced) {
		at = a.Synced
	}
	r := rackingRow{Machine: a.Machine, Place: string(place), Actor: cut(a.Who(), 200), Time: micros(at)}
	f.rackings[a.Machine] = r
	return r, nil
}

func join(all []string) string { return strings.Join(all, "; ") }
