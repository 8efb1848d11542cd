package inventory

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// The faces of a rack at which something can be mounted.
const (
	Front = "front"
	Rear  = "rear"
)

// MaxU is the highest unit that a rack can have.
const MaxU = 60

// Place is where a machine or another device stands (TIA-942 words); U counts from the bottom, 0 when unknown.
type Place struct {
	Site string `json:"site,omitempty"`
	Room string `json:"room,omitempty"`
	Row  string `json:"row,omitempty"`
	Rack string `json:"rack,omitempty"`
	U    int    `json:"u,omitempty"`
	// Height is in U, 0 counts as 1; Face is that of the rack at which it is mounted, empty for the front; a device of half
	// the depth leaves the other face free.
	Height    int    `json:"height,omitempty"`
	Face      string `json:"face,omitempty"`
	HalfDepth bool   `json:"half_depth,omitempty"`
}

// Known tells whether the place is one in a rack.
func (p Place) Known() bool { return p.Rack != "" && p.U > 0 }

// Top is the highest unit that is filled.
func (p Place) Top() int { return p.U + max(p.Height, 1) - 1 }

// As is the place in the words of another one where both mean the same: nothing said of the height is one unit, nothing said
// of the face is the front.
func (p Place) As(known Place) Place {
	if max(p.Height, 1) == max(known.Height, 1) {
		p.Height = known.Height
	}
	if cmp.Or(p.Face, Front) == cmp.Or(known.Face, Front) {
		p.Face = known.Face
	}
	return p
}

// Units says which units are filled, in words: "U 4", "U 4 to 5".
func (p Place) Units() string {
	if p.Top() > p.U {
		return fmt.Sprintf("U %d to %d", p.U, p.Top())
	}
	return fmt.Sprintf("U %d", p.U)
}

// RackName names the rack with what it stands in, parts separated by slashes: "ams1/hall 2/r1".
func (p Place) RackName() string {
	var parts []string
	for _, part := range []string{p.Site, p.Room, p.Row, p.Rack} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/")
}

// Spot is the place for people, "ams1/hall 2/r1, U 4 to 5"; empty where none is known.
func (p Place) Spot() string {
	if !p.Known() {
		return ""
	}
	return p.RackName() + ", " + p.Units()
}

// InRack tells whether this is a place of a rack, named alone or with what it stands in, in any case.
func (p Place) InRack(name string) bool {
	return strings.EqualFold(p.Rack, name) || strings.EqualFold(p.RackName(), name)
}

// Fills tells whether something at this place is in the way of something at a face and unit of the same rack.
func (p Place) Fills(face string, u int) bool {
	at := p.Face
	if at == "" {
		at = Front
	}
	return u >= p.U && u <= p.Top() && (!p.HalfDepth || at == face)
}

// Claims are the units that only one device can have, in words, at the front before those at the rear.
func (p Place) Claims() (all []string) {
	if !p.Known() {
		return nil
	}
	for _, face := range []string{Front, Rear} {
		for u := p.U; u <= p.Top(); u++ {
			switch {
			case !p.Fills(face, u):
			case face == Front:
				all = append(all, fmt.Sprintf("U %d of rack %s", u, p.RackName()))
			default:
				all = append(all, fmt.Sprintf("U %d of rack %s at the rear", u, p.RackName()))
			}
		}
	}
	return all
}

// fields are the columns of a table with what is known of the place.
func (p Place) fields() [][2]string {
	number := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	depth := ""
	if p.HalfDepth {
		depth = "half"
	}
	return [][2]string{{"site", p.Site}, {"room", p.Room}, {"row", p.Row}, {"rack", p.Rack}, {"u", number(p.U)}, {"height", number(p.Height)}, {"face", p.Face}, {"depth", depth}}
}
