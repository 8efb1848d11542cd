package netbox

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"socle/inventory"
	"socle/inventory/cabling"
)

// Snapshot is what Socle knows. Retired machines are left out.
type Snapshot struct {
	Machines []inventory.Machine
	Fixtures []inventory.Fixture
	Cables   []cabling.Cable
}

// Export writes it as the files that NetBox's bulk import takes one after the other, in the order of their names. Before
// NetBox 4.2 an interface has its MAC address itself.
func Export(s Snapshot, before42 bool) ([]File, error) {
	x := newExporter(s, before42)
	x.racks(s.Fixtures)
	for _, f := range s.Fixtures {
		if !f.IsRack() {
			x.device(f)
		}
	}
	x.switches(s.Cables)
	for _, m := range s.Machines {
		x.machine(m)
	}
	x.cables(s.Cables)
	return x.files()
}

// table is one file.
type table struct {
	name    string
	columns []string
	rows    [][]string
	seen    map[string]bool
}

func newTable(name string, columns ...string) *table {
	return &table{name: name, columns: columns, seen: map[string]bool{}}
}

// add adds a row, the first of each key only.
func (t *table) add(k string, fields ...string) {
	if !t.seen[k] {
		t.seen[k] = true
		t.rows = append(t.rows, fields)
	}
}

// exporter is in the middle of it.
type exporter struct {
	before42 bool
	plan     map[string][]cabling.Cable // by server
	slugs    map[string]string          // what has which, by where it is unique
	types    map[string]string          // models of device types, by all that they are
	known    map[string]inventory.Machine
	sites    map[string]string            // site of each device
	speeds   map[string]string            // type of interface of a switch's port, by what is at its other end
	heights  map[string]inventory.Fixture // racks

	manufacturers, site, locations, rack, panels, feeds, loose, kinds, roles, devices, interfaces, macs, cable *table
}

func newExporter(s Snapshot, before42 bool) *exporter {
	feed := []string{"site", "power_panel", "rack", "name", "status", "type", "supply", "phase", "voltage", "amperage", "max_utilization", "description"}
	ports := []string{"device", "name", "type", "lag", "enabled", "mgmt_only"}
	if before42 {
		ports = append(ports, "mac_address")
	}
	x := &exporter{
		before42: before42, plan: map[string][]cabling.Cable{}, slugs: map[string]string{}, types: map[string]string{}, sites: map[string]string{}, speeds: map[string]string{},
		known: map[string]inventory.Machine{}, heights: inventory.RacksByKey(s.Fixtures),

		manufacturers: newTable("01-manufacturers", "name", "slug"),
		site:          newTable("02-sites", "name", "slug", "status"),
		locations:     newTable("03-locations", "site", "parent.slug", "name", "slug", "status"),
		rack:          newTable("04-racks", "site", "location.slug", "name", "status", "width", "u_height", "serial", "asset_tag", "description"),
		panels:        newTable("05-power-panels", "site", "location.slug", "name"),
		feeds:         newTable("06-power-feeds", slices.Insert(slices.Clone(feed), 2, "location.slug")...),
		loose:         newTable("07-power-feeds-without-location", feed...),
		roles:         newTable("08-device-roles", "name", "slug", "color", "vm_role"),
		kinds:         newTable("09-device-types", "manufacturer", "model", "slug", "u_height", "is_full_depth"),
		devices:       newTable("10-devices", "name", "role", "manufacturer", "device_type", "serial", "asset_tag", "status", "site", "location.slug", "rack", "position", "face", "description"),
		interfaces:    newTable("11-interfaces", ports...),
		macs:          newTable("12-mac-addresses", "mac_address", "device", "interface", "is_primary"),
		cable:         newTable("13-cables", "side_a_device", "side_a_type", "side_a_name", "side_b_device", "side_b_type", "side_b_name", "status", "label", "color", "length", "length_unit", "description"),
	}
	for _, c := range s.Cables {
		x.plan[c.Server] = append(x.plan[c.Server], c)
	}
	for _, m := range s.Machines {
		x.known[m.Name] = m
	}
	return x
}

func (x *exporter) files() ([]File, error) {
	var all []File
	for _, t := range []*table{x.manufacturers, x.site, x.locations, x.rack, x.panels, x.feeds, x.loose, x.roles, x.kinds, x.devices, x.interfaces, x.macs, x.cable} {
		if len(t.rows) == 0 {
			continue
		}
		var out bytes.Buffer
		if err := csv.NewWriter(&out).WriteAll(append([][]string{t.columns}, t.rows...)); err != nil {
			return nil, fmt.Errorf("writing %s: %w", t.name, err)
		}
		all = append(all, File{t.name + ".csv", out.Bytes()})
	}
	return all, nil
}

// slug is that of a name, the only one of its kind in its realm.
func (x *exporter) slug(realm, id, from string) string {
	base := slug(from)
	for n := 1; ; n++ {
		s := base
		if n > 1 {
			s = fmt.Sprintf("%s-%d", base, n)
		}
		k := key(realm, s)
		if owner, taken := x.slugs[k]; !taken || owner == id {
			x.slugs[k] = id
			return s
		}
	}
}

// where adds the site and the locations of a place, and returns the site's name and the slug of the innermost location.
func (x *exporter) where(p inventory.Place) (site, location string) {
	site = cmp.Or(p.Site, noSite)
	x.site.add(key(site), site, x.slug("site", key(site), site), "active")
	if p.Room == "" && p.Row == "" {
		return site, ""
	}
	realm := "location of " + site
	if p.Room != "" {
		from := p.Room
		if strings.HasPrefix(slug(from), rowSlug) {
			from = "room " + from
		}
		location = x.slug(realm, key(p.Room), from)
		x.locations.add(key(site, location), site, "", p.Room, location, "active")
	}
	if p.Row != "" {
		parent := location
		from := rowSlug + p.Row
		if parent != "" {
			from = parent + "-" + p.Row
		}
		location = x.slug(realm, key(p.Room, p.Row), from)
		x.locations.add(key(site, location), site, parent, p.Row, location, "active")
	}
	return site, location
}

func (x *exporter) racks(all []inventory.Fixture) {
	for _, f := range all {
		if !f.IsRack() {
			continue
		}
		site, location := x.where(f.Place)
		x.rack.add(key(f.Place.RackName()), site, location, f.Name, "active", "19", strconv.Itoa(f.Place.Height), f.Serial, f.AssetTag, "")
		if len(f.Feeds) == 0 {
			continue
		}
		panel := strings.Join(slices.DeleteFunc([]string{f.Place.Room, f.Place.Row, f.Name}, func(s string) bool { return s == "" }), "/")
		x.panels.add(key(site, panel), site, location, panel)
		for i, feed := range f.Feeds {
			x.feed(feed, i, site, location, panel, f.Name)
		}
	}
}

// feed writes a power feed. What NetBox makes of voltage and current need not be what Socle knows: the description says it.
func (x *exporter) feed(f inventory.Feed, i int, site, location, panel, rack string) {
	var said []string
	volts := 230
	if f.Amperes > 0 {
		said = append(said, fmt.Sprintf("%d A", f.Amperes))
		if f.Watts > 0 {
			volts = min(max(f.Watts/f.Amperes, 1), 32767)
		}
	}
	if f.Watts > 0 {
		said = append(said, fmt.Sprintf("%d W", f.Watts))
	}
	if said == nil {
		said = []string{"power not known"}
	}
	kind := []string{"primary", "redundant"}[min(i, 1)]
	row := []string{site, panel, rack, f.Name, "active", kind, "ac", "single-phase", strconv.Itoa(volts), strconv.Itoa(cmp.Or(f.Amperes, 16)), "80", feedNote + strings.Join(said, ", ")}
	if location == "" {
		x.loose.add(key(site, panel, f.Name), row...)
		return
	}
	x.feeds.add(key(site, panel, f.Name), slices.Insert(row, 2, location)...)
}
