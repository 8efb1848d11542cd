package netbox

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"socle/inventory"
	"socle/inventory/cabling"
)

// What marks things that Socle wrote and does not take back for more than they are.
const (
	planOnly = "named in Socle's cabling plan" // description of a switch that is no device of ours
	feedNote = "Socle: "                       // description of a power feed, with its current and power
	noModel  = "unknown"                       // model of a device of which none is known
	noSite   = "unknown"                       // site of what stands nobody knows where
	rackOnly = "known to Socle only by what stands in it"
)

// machineName is the name of a machine: a host name without its domain, in lower case.
func machineName(device string) string {
	host, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(device)), ".")
	return host
}

func (t *translator) deviceRows() {
	adrift, ending := 0, 0
	for _, r := range t.d.records[Devices] {
		what, role := t.what(r)
		name := r.get("name")
		if what != "" {
			t.kinds[name], t.kinds[machineName(name)] = what, what
		}
		switch {
		case what == "" || what == skipped || r.get("description") == planOnly:
			continue
		case strings.EqualFold(r.get("status"), "decommissioning"):
			ending++
			continue
		}
		fields, placed := t.placed(r)
		fields["serial"], fields["asset_tag"] = r.get("serial"), r.get("asset_tag")
		if model := r.get("device_type"); model != noModel {
			fields["model"] = t.model(r.get("manufacturer"), model)
		}
		if what == server {
			if !placed && r.get("rack") != "" {
				adrift++
			}
			t.serverRow(r, fields, role, placed)
			continue
		}
		fields["kind"], fields["name"], fields["rack"] = what, cmp.Or(name, r.get("serial")), r.get("rack")
		t.plan.places.add(r, fields)
	}
	if adrift > 0 {
		t.d.note("%s with a rack and no position in it: imported without a place", inventory.Plural(adrift, "server"))
	}
	if ending > 0 {
		t.d.note("left out: %s being decommissioned", inventory.Plural(ending, "device"))
	}
}

// model is the model of a device type: of several that Socle made of one, the name of the first.
func (t *translator) model(maker, name string) string {
	bare := bareModel(name)
	if _, there := t.types[key(maker, bare)]; there {
		return bare
	}
	return name
}

// placed are the columns of where a device stands, and whether that is a unit of a rack.
func (t *translator) placed(r record) (map[string]string, bool) {
	k := t.atlas.rackOf(r, &t.bad)
	fields := put(map[string]string{}, k.spot.place())
	kind, known := t.types[key(r.get("manufacturer"), r.get("device_type"))]
	height, sized := 1, r.get("u_height") != ""
	if said := cmp.Or(r.get("u_height"), kind.get("u_height")); said != "" {
		n, ok := whole(strings.TrimSuffix(strings.ToUpper(said), "U"))
		if !ok {
			t.bad.add(r.where+", device_type", "its height of %s U is not a whole number", said)
		}
		height, sized = n, true
	}
	if height > 0 && sized {
		fields["height"] = strconv.Itoa(height)
	}
	if known && kind.get("is_full_depth") != "" && !truth(kind.get("is_full_depth")) {
		fields["depth"] = "half"
	}
	position := r.get("position")
	if position == "" || r.get("rack") == "" {
		return fields, false
	}
	n, ok := whole(strings.TrimPrefix(strings.ToUpper(position), "U"))
	if !ok {
		t.bad.add(r.where+", position", "%s is not a whole unit: half units are not known here", position)
		return fields, false
	}
	fields["u"] = strconv.Itoa(k.unit(n, max(height, 1)))
	fields["face"] = strings.ToLower(r.get("face"))
	return fields, true
}

func (t *translator) serverRow(r record, fields map[string]string, role string, placed bool) {
	name := machineName(r.get("name"))
	fields["name"], fields["role"] = name, role
	if placed {
		fields["rack"] = r.get("rack")
	}
	if p := cmp.Or(t.product[key("serial", fields["serial"])], t.product[key("name", name)]); p != "" && strings.EqualFold(p, fields["model"]) {
		fields["model"] = ""
	}
	var nics []string
	for _, i := range t.ports[r.get("name")] {
		macs := t.macsOf(i)
		switch {
		case r.get("name") == "":
		case truth(i.get("mgmt_only")) && len(macs) > 0 && fields["bmc_mac"] == "":
			fields["bmc_mac"] = macs[0]
		case !truth(i.get("mgmt_only")) && physical(i.get("type")):
			nics = append(nics, macs...)
		}
	}
	fields["nic_macs"] = strings.Join(nics, ";")
	t.plan.servers.add(r, fields)
}

// physical tells whether an interface is one of a network card: bonds, bridges and VLANs repeat the address of one.
func physical(kind string) bool { return !slices.Contains([]string{"lag", "virtual", "bridge"}, kind) }

// macsOf are the addresses of an interface, in our way of writing as far as they are addresses, each once.
func (t *translator) macsOf(i record) (all []string) {
	for _, mac := range append([]string{i.get("mac_address")}, t.macs[key(i.get("device"), i.get("name"))]...) {
		if mac = cmp.Or(inventory.NormalizeMAC(mac), mac); mac != "" && !slices.Contains(all, mac) {
			all = append(all, mac)
		}
	}
	return all
}

// end is one end of a cable.
type end struct{ device, port, kind string }

func (e end) isInterface() bool { return e.kind == "" || strings.HasSuffix(e.kind, "interface") }

func (t *translator) cableRows() {
	power, beside := 0, 0
	done := map[string]bool{}
	byCable := map[string]record{}
	for _, r := range t.d.records[Cables] {
		byCable[r.get("id")] = r
		a, b := end{r.get("side_a_device"), r.get("side_a_name"), r.get("side_a_type")}, end{r.get("side_b_device"), r.get("side_b_name"), r.get("side_b_type")}
		near, far, ok := t.ends(a, b)
		switch {
		case strings.Contains(a.kind+b.kind, "power"):
			power++
		case ok && r.get("side_a_more")+r.get("side_b_more") != "":
			beside++
		case ok && !done[key(near.device, near.port)]:
			done[key(near.device, near.port)] = true
			t.cable(r, r, near, far)
		case !ok:
			beside++
		}
	}
	for _, i := range t.d.records[Interfaces] { // what goes through patch panels is known of the interface
		near, far := end{i.get("device"), i.get("name"), ""}, end{i.get("peer_device"), i.get("peer_name"), i.get("peer_type")}
		if n, f, ok := t.ends(near, far); ok && n.device == near.device && !done[key(n.device, n.port)] {
			done[key(n.device, n.port)] = true
			t.cable(i, byCable[i.get("cable.id")], n, f)
		}
	}
	if beside > 0 {
		t.d.note("not used: %s not straight from one interface of a server to one of a switch; of what goes through patch panels, what NetBox says of the ends was", inventory.Plural(beside, "cable"))
	}
	if power > 0 {
		t.d.note("left out: %s", inventory.Plural(power, "power cable"))
	}
}

// ends tells which end is the server's, of a cable from a server to a switch.
func (t *translator) ends(a, b end) (near, far end, ok bool) {
	if a.device == "" || b.device == "" || !a.isInterface() || !b.isInterface() {
		return a, b, false
	}
	is := func(e end) string { return cmp.Or(t.kinds[e.device], t.kinds[machineName(e.device)]) }
	other := func(kind string) bool { return kind == string(inventory.SwitchAsset) || kind == "" }
	switch x, y := is(a), is(b); {
	case x == server && other(y):
		return a, b, true
	case y == server && other(x):
		return b, a, true
	}
	return a, b, false
}

// cable adds one: from says where it was read, of what it looks like.
func (t *translator) cable(from, of record, near, far end) {
	fields := map[string]string{"server": machineName(near.device), "port": near.port, "switch": far.device, "switch_port": far.port,
		"label": of.get("label"), "colour": colourName(of.get("color")), "length": lengthOf(of)}
	said, _ := strings.CutPrefix(of.get("description"), feedNote)
	for _, part := range strings.Split(said, "; ") {
		if k, v, ok := strings.Cut(part, " "); ok && said != of.get("description") && (k == "colour" || k == "length") {
			fields[k] = v
		}
	}
	for _, i := range t.ports[near.device] {
		if i.get("name") != near.port {
			continue
		}
		fields["group"] = i.get("lag")
		if truth(i.get("mgmt_only")) && !cabling.IsController(near.port) {
			fields["port"] = "bmc"
		}
	}
	t.plan.cables.add(from, fields)
}

// lengthOf is a cable's length with its unit: "2 m".
func lengthOf(r record) string {
	l := r.get("length")
	if strings.Contains(l, ".") {
		l = strings.TrimSuffix(strings.TrimRight(l, "0"), ".")
	}
	return strings.TrimSpace(l + " " + r.get("length_unit"))
}
