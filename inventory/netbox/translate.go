package netbox

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"socle/inventory"
	"socle/inventory/cabling"
	"socle/inventory/floor"
	"socle/inventory/manifest"
	"socle/inventory/sheet"
)

// Options is what is known beside NetBox's own objects.
type Options struct {
	Meaning Meaning
	Roles   []string // of ours: a role of NetBox with such a name is one
	// Machines are known already. A device type that is what the machine says of itself tells nothing of what was ordered.
	Machines []inventory.Machine
	// Fixtures are known already: what NetBox does not know of a rack stays.
	Fixtures []inventory.Fixture
}

// Plan is what NetBox says, in our words: the line of each is its place in Where.
type Plan struct {
	Fixtures []inventory.PlannedFixture
	Machines []manifest.Row
	Cables   []cabling.Cable
	Notes    []string

	places, servers, cables rows
}

// FixtureAt says where something comes from, by its line; MachineAt and CableAt do of theirs.
func (p Plan) FixtureAt(line int) string { return p.places.at(line) }

// MachineAt says where a machine's line comes from.
func (p Plan) MachineAt(line int) string { return p.servers.at(line) }

// CableAt says where a cable's line comes from.
func (p Plan) CableAt(line int) string { return p.cables.at(line) }

// rows is a table of ours that is made of records; it is a sheet.Source.
type rows struct {
	header []string
	lines  [][]string
	from   []record
	next   int
}

func (t *rows) add(r record, fields map[string]string) {
	line := make([]string, len(t.header))
	for i, h := range t.header {
		line[i] = fields[h]
	}
	t.lines, t.from = append(t.lines, line), append(t.from, r)
}

// at says where line n comes from; the header is line 1.
func (t rows) at(n int) string {
	if n < 2 || n-2 >= len(t.from) {
		return ""
	}
	return t.from[n-2].where
}

// Sheets implements sheet.Source.
func (t *rows) Sheets() []string { return []string{""} }

// Open implements sheet.Source.
func (t *rows) Open(string) (sheet.Records, error) { t.next = 0; return t, nil }

// Next implements sheet.Records.
func (t *rows) Next() ([]string, int, error) {
	t.next++
	switch {
	case t.next == 1:
		return t.header, 1, nil
	case t.next-2 < len(t.lines):
		return t.lines[t.next-2], t.next, nil
	}
	return nil, t.next, io.EOF
}

// Translate makes our plans of the data. The error is of type Problems and has everything that is wrong.
func Translate(d Data, o Options) (Plan, error) {
	t := newTranslator(&d, o)
	t.rackRows()
	t.deviceRows()
	t.cableRows()
	t.complain(&t.bad)
	t.check()
	if len(t.bad) > 0 {
		return Plan{}, t.bad
	}
	t.keep(o.Fixtures)
	t.plan.Notes = d.Notes
	return t.plan, nil
}

// translator is in the middle of it.
type translator struct {
	*reader
	d     *Data
	bad   Problems
	plan  Plan
	atlas *atlas

	types   map[string]record   // device types by manufacturer and model
	ports   map[string][]record // interfaces by device
	macs    map[string][]string // by device and interface
	kinds   map[string]string   // what each device is, by its name
	product map[string]string   // what servers say that they are, by serial or name
}

func newTranslator(d *Data, o Options) *translator {
	t := &translator{
		reader: &reader{meaning: o.Meaning, ours: o.Roles, unknown: map[string]int{}}, d: d,
		types: map[string]record{}, ports: map[string][]record{}, macs: map[string][]string{}, kinds: map[string]string{}, product: map[string]string{},
	}
	t.atlas = newAtlas(d, &t.bad)
	t.plan.places.header = append(floor.Layout().Required, floor.Layout().Optional...)
	// The first column can hold no "#", with which remarks begin.
	t.plan.servers.header = []string{"bmc_mac", "name", "serial", "asset_tag", "model", "role", "site", "room", "row", "rack", "u", "height", "face", "depth", "nic_macs"}
	t.plan.cables.header = []string{"server", "port", "switch", "switch_port", "group", "label", "colour", "length"}
	for _, r := range d.records[DeviceTypes] {
		t.types[key(r.get("manufacturer"), r.get("model"))] = r
	}
	for _, r := range d.records[Interfaces] {
		t.ports[r.get("device")] = append(t.ports[r.get("device")], r)
	}
	for _, r := range d.records[MACAddresses] {
		k := key(r.get("device"), r.get("interface"))
		t.macs[k] = append(t.macs[k], r.get("mac_address"))
	}
	for _, m := range o.Machines {
		t.kinds[m.Name] = server
		if m.Facts != nil && m.Facts.System.Product != "" {
			t.product[key("serial", m.Serial())], t.product[key("name", m.Name)] = m.Facts.System.Product, m.Facts.System.Product
		}
	}
	return t
}

// check reads the rows as if they were files of ours, and says what is wrong in NetBox's words.
func (t *translator) check() {
	t.plan.Fixtures = readAs(t, &t.plan.places, func(s sheet.Source) ([]inventory.PlannedFixture, error) { return floor.Read(s) })
	t.plan.Machines = readAs(t, &t.plan.servers, func(s sheet.Source) ([]manifest.Row, error) { return manifest.Read(s, nil) })
	t.plan.Cables = readAs(t, &t.plan.cables, func(s sheet.Source) ([]cabling.Cable, error) { return cabling.Read(s) })
}

// theirs are NetBox's names of our columns.
var theirs = map[string]string{
	"u": "position", "model": "device_type", "depth": "is_full_depth", "height": "u_height", "nic_macs": "mac_address", "bmc_mac": "mac_address", "room": "location", "row": "location",
	"feed_a": "power feed", "feed_b": "power feed", "port": "interface", "switch_port": "interface", "switch": "device", "server": "device", "colour": "color", "group": "lag",
}

func readAs[T any](t *translator, rows *rows, read func(sheet.Source) ([]T, error)) []T {
	if len(rows.lines) == 0 {
		return nil
	}
	all, err := read(rows)
	var bad sheet.Errors
	switch {
	case errors.As(err, &bad):
		for _, e := range bad.List {
			where := cmp.Or(rows.at(e.Line), "the files")
			if e.Column != "" {
				where += ", " + cmp.Or(theirs[e.Column], e.Column)
			}
			message := e.Message
			if i := strings.LastIndex(message, " is that of line "); i >= 0 { // lines of a table that nobody sees
				if n, err := strconv.Atoi(strings.TrimSuffix(message[i+len(" is that of line "):], " too")); err == nil {
					message = message[:i] + " is that of " + rows.at(n) + " too"
				}
			}
			t.bad.add(where, "%s", message)
		}
	case err != nil:
		t.bad.add("the files", "%v", err)
	}
	return all
}

// keep gives racks what NetBox does not know or was not read of them.
func (t *translator) keep(known []inventory.Fixture) {
	had := map[string]inventory.Fixture{}
	for _, f := range known {
		had[f.Key()] = f
	}
	for i := range t.plan.Fixtures {
		f := &t.plan.Fixtures[i]
		old, there := had[f.Key()]
		if !there {
			continue
		}
		if f.IsRack() {
			f.Model = old.Model
			if t.d.Count(PowerFeeds) == 0 {
				f.Feeds = old.Feeds
			}
		}
		f.Place = f.Place.As(old.Place)
	}
}

// put adds the columns of a place.
func put(fields map[string]string, p inventory.Place) map[string]string {
	for _, c := range [][2]string{{"site", p.Site}, {"room", p.Room}, {"row", p.Row}} {
		fields[c[0]] = c[1]
	}
	return fields
}

// feed is what a power feed of a rack gives.
type feed struct {
	name, amperes, watts string
	redundant            bool
}

func (t *translator) rackRows() {
	feeds := map[string][]feed{}
	for _, r := range t.d.records[PowerFeeds] {
		if r.get("rack") == "" {
			continue
		}
		k := t.atlas.rackOf(r, &t.bad)
		at := key(r.get("site"), strings.Join(k.spot.names, "\x00"), r.get("rack"))
		feeds[at] = append(feeds[at], feedOf(r))
	}
	for _, r := range t.d.records[Racks] {
		if r.get("description") == rackOnly {
			continue
		}
		s := t.atlas.spot(r, "location", &Problems{}) // said already
		fields := put(map[string]string{"kind": string(inventory.RackFixture), "name": r.get("name"), "serial": r.get("serial"), "asset_tag": r.get("asset_tag")}, s.place())
		if n, ok := whole(strings.TrimSuffix(strings.ToUpper(r.get("u_height")), "U")); ok {
			fields["height"] = strconv.Itoa(n)
		}
		mine := feeds[key(r.get("site"), strings.Join(s.names, "\x00"), r.get("name"))]
		slices.SortStableFunc(mine, func(a, b feed) int {
			if a.redundant != b.redundant {
				return map[bool]int{true: 1, false: -1}[a.redundant]
			}
			return cmp.Compare(a.name, b.name)
		})
		for i, f := range mine {
			if i == 2 {
				t.d.note("%s: rack %s has %d power feeds, of which the first two were used", r.where, r.get("name"), len(mine))
				break
			}
			name := []string{"feed_a", "feed_b"}[i]
			fields[name], fields[name+"_amperes"], fields[name+"_watts"] = f.name, f.amperes, f.watts
		}
		t.plan.places.add(r, fields)
	}
}

// feedOf takes the power from the description that Socle wrote, else what NetBox computes of voltage and current.
func feedOf(r record) feed {
	f := feed{name: r.get("name"), redundant: r.get("type") == "redundant"}
	if said, ok := strings.CutPrefix(r.get("description"), feedNote); ok {
		for _, part := range strings.Split(said, ", ") {
			n, unit, _ := strings.Cut(part, " ")
			switch unit {
			case "A":
				f.amperes = n
			case "W":
				f.watts = n
			}
		}
		return f
	}
	a, okA := whole(r.get("amperage"))
	v, okV := whole(r.get("voltage"))
	if !okA {
		return f
	}
	f.amperes = strconv.Itoa(a)
	if okV {
		w := float64(a * max(v, -v))
		if r.get("phase") == "three-phase" {
			w *= 1.732
		}
		f.watts = fmt.Sprintf("%.0f", w)
	}
	return f
}
