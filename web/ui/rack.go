package ui

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"socle/inventory"
)

// Measures of a rack's drawing, in its own units.
const (
	unitHeight = 20
	rackWidth  = 250
	slotX      = 30
	slotWidth  = rackWidth - slotX - 12
	rackTop    = 8
)

// Rack is the front of one rack.
type Rack struct {
	Name   string
	Page   string // link to it
	Where  string
	Width  int
	Height int
	Units  []Unit
	More   int   // machines that Loose leaves out
	Loose  []Row // machines of the rack without a unit, and those of no rack
}

// Unit is one height unit, from the top.
type Unit struct {
	U     int
	Y     int
	Label bool // the number is shown
	Slots []Slot
}

// Slot is a machine in a unit. Two that claim the same unit stand side by side, so that the clash is seen.
type Slot struct {
	Row
	X, Width int
	Bar      int // width of the progress bar
	Short    string
}

// located is a machine and where it stands. Its row is made only if it is drawn.
type located struct {
	place inventory.Place
	row   func() Row
}

// maxRacks bounds how many racks a page draws, and maxLoose how many machines without a unit it lists.
const (
	maxRacks = 40
	maxLoose = 60
)

// racks draws the racks that have machines, by name; machines of no rack come last.
func racks(machines []located) (list []Rack, more int) {
	byKey := map[inventory.Place][]located{}
	for _, m := range machines {
		key := m.place
		key.U = 0
		if key.Rack == "" {
			key = inventory.Place{}
		}
		byKey[key] = append(byKey[key], m)
	}
	keys := slices.SortedFunc(maps.Keys(byKey), func(a, b inventory.Place) int {
		if (a.Rack == "") != (b.Rack == "") {
			return strings.Compare(b.Rack, a.Rack) // no rack last
		}
		return cmp.Or(strings.Compare(a.Site, b.Site), strings.Compare(a.Room, b.Room), strings.Compare(a.Row, b.Row), strings.Compare(a.Rack, b.Rack))
	})
	more = max(0, len(keys)-maxRacks)
	for _, key := range keys[:len(keys)-more] {
		list = append(list, newRack(key, byKey[key]))
	}
	return list, more
}

func newRack(key inventory.Place, machines []located) Rack {
	page := rackLink(key.RackName())
	key = scrub(key)
	r := Rack{Name: key.Rack, Page: page, Width: rackWidth, Where: place(inventory.Place{Site: key.Site, Room: key.Room, Row: key.Row})}
	at := map[int][]Row{}
	top := 0
	for _, m := range machines {
		if key.Rack == "" || m.place.U < 1 || m.place.U > 60 {
			if len(r.Loose) < maxLoose {
				r.Loose = append(r.Loose, m.row())
			} else {
				r.More++
			}
			continue
		}
		at[m.place.U] = append(at[m.place.U], m.row())
		top = max(top, m.place.U)
	}
	if top == 0 {
		return r
	}
	height := rackHeight(top)
	r.Height = height*unitHeight + 2*rackTop
	for u := height; u >= 1; u-- {
		unit := Unit{U: u, Y: rackTop + (height-u)*unitHeight, Label: height <= 12 || u%2 == 1}
		for i, row := range at[u] {
			unit.Slots = append(unit.Slots, newSlot(row, i, len(at[u])))
		}
		r.Units = append(r.Units, unit)
	}
	return r
}

func newSlot(row Row, i, n int) Slot {
	width := slotWidth / n
	s := Slot{Row: row, X: slotX + i*width, Width: width - 2, Short: row.Name}
	if most := width / 14; len(s.Short) > most {
		s.Short = strings.ToValidUTF8(s.Short[:most], "") + "…"
	}
	if row.Progress != nil {
		s.Bar = s.Width * row.Progress.Percent / 100
	}
	return s
}

// rackHeight is the usual height of a rack in which the highest machine fits.
func rackHeight(top int) int {
	for _, h := range []int{12, 24, 42, 48, 52} {
		if top <= h {
			return h
		}
	}
	return 60
}
