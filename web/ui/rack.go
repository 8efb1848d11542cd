package ui

import (
	"html/template"
	"strings"

	"socle/inventory"
	"socle/inventory/elevation"
)

// Rack is the front of one rack.
type Rack struct {
	Name    string
	Page    string // link to it
	Where   string
	Drawing template.HTML // empty when nothing stands in a unit
	More    int           // machines that Loose leaves out
	Loose   []Row         // machines of the rack without a unit, and those of no rack
}

// maxRacks bounds how many racks a page draws, and maxLoose how many machines without a unit it lists.
const (
	maxRacks = 40
	maxLoose = 60
)

// racks draws the racks in which the machines stand that are asked for, by name, with what else is known to stand there; machines of no
// rack come last. A machine's row is made only when it is drawn.
func racks(fixtures []inventory.Fixture, machines map[string]func() Row, items []elevation.Item) (list []Rack, more int) {
	for _, r := range elevation.Racks(fixtures, items) {
		switch servers, _, _ := r.Count(); {
		case servers == 0:
		case len(list) < maxRacks:
			list = append(list, newRack(r, machines))
		default:
			more++
		}
	}
	return list, more
}

func newRack(r elevation.Rack, machines map[string]func() Row) Rack {
	out := Rack{Page: rackLink(r.Name())}
	r.Place = scrub(r.Place)
	out.Name, out.Where = r.Place.Rack, place(inventory.Place{Site: r.Place.Site, Room: r.Place.Room, Row: r.Place.Row})
	for n, i := range r.Items {
		r.Items[n] = scrub(i)
		if row, server := machines[i.Name]; server && i.Kind == elevation.ServerKind {
			r.Items[n] = drawn(r.Items[n], row())
		}
	}
	for _, i := range r.Loose {
		row, server := machines[i.Name]
		switch {
		case !server || i.Kind != elevation.ServerKind:
		case len(out.Loose) < maxLoose:
			out.Loose = append(out.Loose, row())
		default:
			out.More++
		}
	}
	if len(r.Items) > 0 {
		out.Drawing = template.HTML(r.SVG(elevation.Drawing{Faces: []string{inventory.Front}})) //nolint:gosec // elevation escapes what it draws, see its tests
	}
	return out
}

// drawn is a machine in its rack: its page, how far it is, and more for who points at it.
func drawn(i elevation.Item, row Row) elevation.Item {
	i.Link, i.State, i.Power = row.Link, row.State, row.Power
	if row.Progress != nil {
		i.Percent = row.Progress.Percent
	}
	for _, more := range []string{row.Role, row.Step} { // what is wrong stays last
		if more != "" {
			i.Text = strings.TrimSuffix(more+" · "+i.Text, " · ")
		}
	}
	return i
}
