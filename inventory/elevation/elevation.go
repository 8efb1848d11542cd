// Package elevation computes what fills which unit of a rack at which face, what is free and what is in the way of what,
// and draws it: as text for terminals and as SVG. It knows nothing of where racks are kept and who looks at them.
package elevation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"socle/inventory"
)

// ServerKind is the kind of items that are servers.
const ServerKind = "server"

// Item is something in a rack.
type Item struct {
	Name  string
	Kind  string // "server", or what kind of device
	Place inventory.Place
	// State is a server's, and stands for its colour; Note is shown beside the name, else the state is.
	State, Note string
	Fault, Held bool
	Power       string // "on", "off", "unknown"; empty of what has none
	Link        string // of its page; empty for none
	Percent     int    // how far it is with what it does; 0 for none
	Text        string // more, for who points at it
	Serial      string
}

// Server makes an item of a machine.
func Server(m inventory.Machine) Item {
	i := Item{Name: m.Name, Kind: ServerKind, Place: m.Place, State: string(m.State), Fault: m.Fault != nil, Held: m.Hold != nil, Power: string(m.Power), Serial: m.Serial()}
	if i.Power == "" {
		i.Power = "unknown"
	}
	switch {
	case m.Fault != nil:
		i.Text = "fault: " + m.Fault.Reason
	case m.Hold != nil:
		i.Text = "held: " + m.Hold.Reason
	}
	return i
}

// Device makes an item of a fixture that is no rack.
func Device(f inventory.Fixture) Item {
	return Item{Name: f.Name, Kind: string(f.Kind), Place: f.Place, Text: f.Model, Serial: f.Serial}
}

// note is what stands beside the name.
func (i Item) note() string {
	switch {
	case i.Fault:
		return "fault"
	case i.Held:
		return "held"
	case i.Note != "":
		return i.Note
	case i.State != "":
		return i.State
	}
	return i.Kind
}

// Rack is a rack with what stands in it.
type Rack struct {
	Place  inventory.Place // without units
	Height int             // in U
	Known  bool            // the height is told by a floor plan, not guessed from what stands in it
	Feeds  []inventory.Feed
	Items  []Item // with a unit, the lowest first
	Loose  []Item // without one
}

// New puts items into a rack. Without a fixture the rack gets the usual height in which all of them fit.
func New(place inventory.Place, rack *inventory.Fixture, items []Item) Rack {
	r := Rack{Place: inventory.Place{Site: place.Site, Room: place.Room, Row: place.Row, Rack: place.Rack}}
	top := 0
	for _, i := range items {
		if i.Place.U < 1 || i.Place.U > inventory.MaxU || r.Place.Rack == "" {
			r.Loose = append(r.Loose, i)
			continue
		}
		r.Items = append(r.Items, i)
		top = max(top, i.Place.Top())
	}
	slices.SortStableFunc(r.Items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(a.Place.U, b.Place.U), strings.Compare(a.Place.Face, b.Place.Face), strings.Compare(a.Name, b.Name))
	})
	switch {
	case rack != nil:
		r.Height, r.Known, r.Feeds = rack.Place.Height, true, rack.Feeds
	case top > 0:
		r.Height = usual(top)
	}
	return r
}

// usual is the usual height of a rack that has this unit.
func usual(top int) int {
	for _, h := range []int{12, 24, 42, 48, 52} {
		if top <= h {
			return h
		}
	}
	return max(top, inventory.MaxU)
}

// Name is the rack with what it stands in: "ams1/hall 2/r1".
func (r Rack) Name() string { return r.Place.RackName() }

// At are the items that fill a unit at a face.
func (r Rack) At(face string, u int) (all []Item) {
	for _, i := range r.Items {
		if i.Place.Fills(face, u) {
			all = append(all, i)
		}
	}
	return all
}

// Span is a run of units.
type Span struct{ From, To int }

// Units is how many they are.
func (s Span) Units() int { return s.To - s.From + 1 }

// String is "U 7" or "U 7-12".
func (s Span) String() string {
	if s.From == s.To {
		return fmt.Sprintf("U %d", s.From)
	}
	return fmt.Sprintf("U %d-%d", s.From, s.To)
}

// Free are the runs of units that are free at a face; without a face, at both, as a server of full depth needs it.
func (r Rack) Free(face string) (all []Span) {
	faces := []string{face}
	if face == "" {
		faces = []string{inventory.Front, inventory.Rear}
	}
	for u := 1; u <= r.Height; u++ {
		if slices.ContainsFunc(faces, func(f string) bool { return len(r.At(f, u)) > 0 }) {
			continue
		}
		if n := len(all); n > 0 && all[n-1].To == u-1 {
			all[n-1].To = u
		} else {
			all = append(all, Span{u, u})
		}
	}
	return all
}

// FreeUnits counts the units that are free at both faces.
func (r Rack) FreeUnits() (n int) {
	for _, s := range r.Free("") {
		n += s.Units()
	}
	return n
}

// Problems says in words what stands where it cannot.
func (r Rack) Problems() (all []string) {
	for n, i := range r.Items {
		if i.Place.Top() > r.Height {
			all = append(all, fmt.Sprintf("%s ends at U %d, and the rack has %d units", i.Name, i.Place.Top(), r.Height))
		}
		claims := i.Place.Claims()
		for _, other := range r.Items[n+1:] {
			for _, unit := range other.Place.Claims() {
				if slices.Contains(claims, unit) {
					all = append(all, fmt.Sprintf("%s and %s are both in %s", i.Name, other.Name, unit))
					break
				}
			}
		}
	}
	return all
}

// Racks makes all racks of what there is: those of the floor plans, and those in which a machine or device is said to
// stand, by their names. Those that stand in no rack come together in one without a name, last.
func Racks(fixtures []inventory.Fixture, items []Item) (all []Rack) {
	known := inventory.RacksByKey(fixtures)
	places, in := map[string]inventory.Place{}, map[string][]Item{}
	for key, f := range known {
		places[key] = f.Place
	}
	for _, i := range items {
		p := i.Place
		if p.Rack == "" {
			p = inventory.Place{}
		}
		key := strings.ToLower(p.RackName())
		if _, there := places[key]; !there {
			places[key] = p
		}
		in[key] = append(in[key], i)
	}
	for key, p := range places {
		var rack *inventory.Fixture
		if f, there := known[key]; there {
			rack = &f
		}
		all = append(all, New(p, rack, in[key]))
	}
	slices.SortFunc(all, func(a, b Rack) int {
		if (a.Place.Rack == "") != (b.Place.Rack == "") {
			return strings.Compare(b.Place.Rack, a.Place.Rack)
		}
		return cmp.Or(strings.Compare(a.Place.Site, b.Place.Site), strings.Compare(a.Place.Room, b.Place.Room), strings.Compare(a.Place.Row, b.Place.Row), strings.Compare(a.Place.Rack, b.Place.Rack))
	})
	return all
}

// Find is the rack with a full name, "ams1/hall 2/r1", or with a name that only one has.
func Find(all []Rack, ref string) (Rack, error) {
	var fits []Rack
	for _, r := range all {
		if r.Place.Rack != "" && strings.EqualFold(r.Name(), ref) {
			return r, nil
		}
		if r.Place.Rack != "" && strings.EqualFold(r.Place.Rack, ref) {
			fits = append(fits, r)
		}
	}
	switch len(fits) {
	case 0:
		return Rack{}, fmt.Errorf("rack %q: %w", ref, inventory.ErrNotFound)
	case 1:
		return fits[0], nil
	}
	return Rack{}, fmt.Errorf("rack %q: %w: say which, such as %s or %s", ref, inventory.ErrWhichRack, fits[0].Name(), fits[1].Name())
}

// Count counts the servers, those of them that have a fault, and the devices.
func (r Rack) Count() (servers, faults, devices int) {
	for _, i := range slices.Concat(r.Items, r.Loose) {
		switch {
		case i.Kind != ServerKind:
			devices++
		case i.Fault:
			faults++
			servers++
		default:
			servers++
		}
	}
	return servers, faults, devices
}
