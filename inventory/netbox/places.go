package netbox

import (
	"slices"
	"strconv"
	"strings"

	"socle/inventory"
)

// rowSlug begins the slug of a location that is a row though nothing is around it, which no name says.
const rowSlug = "row-"

// spot is where something stands in NetBox: a site, and the locations in it from the outermost.
type spot struct {
	site  string
	names []string
	slug  string // of the innermost
}

// place makes room and row of the locations: one is the room; of several the last is the row, and the others the room.
func (s spot) place() inventory.Place {
	p := inventory.Place{Site: s.site}
	if p.Site == noSite {
		p.Site = ""
	}
	switch n := len(s.names); {
	case n == 1 && strings.HasPrefix(s.slug, rowSlug):
		p.Row = s.names[0]
	case n == 1:
		p.Room = s.names[0]
	case n > 1:
		p.Room, p.Row = strings.Join(s.names[:n-1], " / "), s.names[n-1]
	}
	return p
}

// rack is what is known of one in NetBox.
type rack struct {
	rec     record
	spot    spot
	height  int
	lowest  int  // its first unit's number, usually 1
	topDown bool // units are counted from the top
}

// unit is the lowest unit, counted from 1 at the bottom, of something of this height at a position.
func (r rack) unit(position, height int) int {
	n := position - r.lowest + 1
	if r.topDown && r.height > 0 {
		return r.height - n - height + 2
	}
	return n
}

// atlas finds locations and racks.
type atlas struct {
	locations map[string][]record // by site and name, slug or id
	racks     map[string][]rack   // by site and name
}

func key(parts ...string) string { return strings.ToLower(strings.Join(parts, "\x00")) }

func newAtlas(d *Data, bad *Problems) *atlas {
	a := &atlas{locations: map[string][]record{}, racks: map[string][]rack{}}
	for _, r := range d.records[Locations] {
		for _, ref := range []string{"name", "slug", "id"} {
			if v := r.get(ref); v != "" {
				k := key(r.get("site"), ref, v)
				a.locations[k] = append(a.locations[k], r)
			}
		}
	}
	for _, r := range d.records[Racks] {
		known := rack{rec: r, spot: a.spot(r, "location", bad), lowest: 1, topDown: truth(r.get("desc_units"))}
		known.height, _ = whole(strings.TrimSuffix(strings.ToUpper(r.get("u_height")), "U"))
		if n, ok := whole(r.get("starting_unit")); ok {
			known.lowest = n
		}
		k := key(r.get("site"), r.get("name"))
		a.racks[k] = append(a.racks[k], known)
	}
	return a
}

// find is the location that a column means: by its number, its slug or its name.
func (a *atlas) find(r record, column string, bad *Problems) (record, bool) {
	for _, ref := range []string{"id", "slug", "name"} {
		v := r.get(column + "." + ref)
		if ref == "name" && v == "" {
			v = r.get(column)
		}
		if v == "" {
			continue
		}
		switch all := a.locations[key(r.get("site"), ref, v)]; {
		case len(all) == 1:
			return all[0], true
		case len(all) > 1 && ref == "name":
			bad.add(r.where, "location %q is there %d times at site %s: name it by its slug, in a column %s.slug", v, len(all), r.get("site"), column)
			return record{}, false
		}
	}
	return record{}, false
}

// maxDepth is how many locations can be in each other; more are a circle.
const maxDepth = 20

// spot is where the location of a column is.
func (a *atlas) spot(r record, column string, bad *Problems) spot {
	s := spot{site: r.get("site"), slug: r.get(column + ".slug")}
	if said := r.get(column); said == "" && s.slug == "" {
		return s
	}
	at, there := a.find(r, column, bad)
	if !there {
		if name := r.get(column); name != "" {
			s.names = []string{name}
		}
		return s
	}
	s.slug = at.get("slug")
	for ; there; at, there = a.find(at, "parent", bad) {
		if s.names = append(s.names, at.get("name")); len(s.names) > maxDepth {
			bad.add(at.where, "location %s is within itself", at.get("name"))
			break
		}
	}
	slices.Reverse(s.names)
	return s
}

// rackOf is the rack of a device; one that is not among the racks has units counted from the bottom.
func (a *atlas) rackOf(r record, bad *Problems) rack {
	own := a.spot(r, "location", bad)
	all := a.racks[key(r.get("site"), r.get("rack"))]
	for _, k := range all {
		if len(all) == 1 || slices.Equal(k.spot.names, own.names) {
			return k
		}
	}
	if len(all) > 1 {
		bad.add(r.where, "rack %s is there %d times at site %s: name the device's location too", r.get("rack"), len(all), r.get("site"))
	}
	return rack{spot: own, lowest: 1}
}

// truth is a yes or no as NetBox writes it.
func truth(v string) bool {
	switch strings.ToLower(v) {
	case "true", "yes", "1", "✔":
		return true
	}
	return false
}

// whole is a whole number, also one that is written with decimals: "10.0".
func whole(v string) (int, bool) {
	if strings.Contains(v, ".") {
		v = strings.TrimSuffix(strings.TrimRight(v, "0"), ".")
	}
	n, err := strconv.Atoi(v)
	return n, err == nil
}
