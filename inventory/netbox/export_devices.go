package netbox

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"socle/hardware"
	"socle/inventory"
	"socle/inventory/cabling"
)

// noMaker is the manufacturer of what nobody has looked at: NetBox wants one.
const noMaker = "Unknown"

// role adds a role of devices.
func (x *exporter) role(name string) string {
	x.roles.add(key(name), name, x.slug("role", key(name), name), "9e9e9e", "false")
	return name
}

// kind adds a device type and returns its model. Height and depth are of the type in NetBox, so that one model that is
// mounted in two ways makes two types, "r650" and "r650 (2U)".
func (x *exporter) kind(maker, model string, p inventory.Place) string {
	x.manufacturers.add(key(maker), maker, x.slug("maker", key(maker), maker))
	height := max(p.Height, 1)
	all := key(maker, model, strconv.Itoa(height), strconv.FormatBool(p.HalfDepth))
	if name, there := x.types[all]; there {
		return name
	}
	name := model
	for n := 0; x.kinds.seen[key(maker, name)]; n++ {
		name = typeSuffix(model, height, p.HalfDepth, n)
	}
	x.types[all] = name
	x.kinds.add(key(maker, name), maker, name, x.slug("type of "+key(maker), key(name), name), strconv.Itoa(height), strconv.FormatBool(!p.HalfDepth))
	return name
}

// typeSuffix tells device types of one model apart; bareModel takes it off again.
func typeSuffix(model string, height int, half bool, n int) string {
	s := fmt.Sprintf("%s (%dU", model, height)
	if half {
		s += " half"
	}
	if n > 0 {
		s += fmt.Sprintf(" %d", n+1)
	}
	return s + ")"
}

// bareModel is the model of a device type without what tells it from another one of the same model.
func bareModel(name string) string {
	model, rest, ok := strings.Cut(name, " (")
	if !ok {
		return name
	}
	n, tail, ok := strings.Cut(rest, "U")
	if _, err := strconv.Atoi(n); err != nil || !ok || !slices.Contains([]string{")", " half)"}, tail) {
		return name
	}
	return model
}

// standing are the columns of a device from its site on.
func (x *exporter) standing(p inventory.Place) []string {
	site, location := x.where(p)
	rack, position, face := p.Rack, "", ""
	if rack != "" {
		if r, known := inventory.RackOf(x.heights, p); known {
			rack = r.Name
		}
		x.rack.add(key(p.RackName()), site, location, rack, "active", "19", "60", "", "", rackOnly)
	}
	if p.Known() {
		position, face = strconv.Itoa(p.U), cmp.Or(p.Face, inventory.Front)
	}
	return []string{site, location, rack, position, face}
}

func (x *exporter) device(f inventory.Fixture) {
	x.sites[f.Name] = cmp.Or(f.Place.Site, noSite)
	model := x.kind(noMaker, cmp.Or(f.Model, noModel), f.Place)
	row := append([]string{f.Name, x.role(string(f.Kind)), noMaker, model, f.Serial, f.AssetTag, "active"}, x.standing(f.Place)...)
	x.devices.add(key(f.Name), append(row, "")...)
}

// switches adds those that only the cabling plan knows, at the site of a server that is cabled to them.
func (x *exporter) switches(all []cabling.Cable) {
	for _, c := range all {
		m, there := x.known[c.Server]
		if _, known := x.sites[c.Switch]; known || !there || m.State == inventory.Retired {
			continue
		}
		p := inventory.Place{Site: m.Place.Site}
		x.sites[c.Switch] = cmp.Or(p.Site, noSite)
		row := append([]string{c.Switch, x.role(string(inventory.SwitchAsset)), noMaker, x.kind(noMaker, noModel, p), "", "", "planned"}, x.standing(p)...)
		x.devices.add(key(c.Switch), append(row, planOnly)...)
	}
}

// statuses are NetBox's words for the states of a machine.
func status(m inventory.Machine) string {
	switch {
	case m.Fault != nil:
		return "failed"
	case m.State == inventory.Active:
		return "active"
	case m.State == inventory.Expected:
		return "planned"
	}
	return "staged"
}

func (x *exporter) machine(m inventory.Machine) {
	if m.State == inventory.Retired {
		return
	}
	maker, product := noMaker, ""
	if m.Facts != nil {
		maker, product = cmp.Or(m.Facts.System.Manufacturer, noMaker), m.Facts.System.Product
	}
	model := x.kind(maker, cmp.Or(m.Model, product, noModel), m.Place)
	row := append([]string{m.Name, x.role(cmp.Or(m.Role, server)), maker, model, m.Serial(), m.Identity.AssetTag, status(m)}, x.standing(m.Place)...)
	x.devices.add(key(m.Name), append(row, "")...)
	x.ports(m)
}

// port is an interface of a machine.
type port struct{ name, mac, kind, lag string }

// ports writes the interfaces of a machine. One that the cabling plan names is called as it is there, the others as the
// kernel calls them; of a machine that nobody has looked at, there are those of the plan, and one for each address.
func (x *exporter) ports(m inventory.Machine) {
	var nics []hardware.NIC
	if m.Facts != nil {
		nics = m.Facts.NICs
	}
	all := make([]port, len(nics), len(nics)+len(m.Identity.NICMACs))
	for i, n := range nics {
		all[i] = port{name: n.Name, mac: inventory.NormalizeMAC(n.MAC), kind: interfaceType(n.SpeedMbps)}
	}
	bmc := port{name: "bmc", mac: cmp.Or(m.Identity.BMCMAC, m.BMC.MAC), kind: "1000base-t"}
	hasBMC := bmc.mac != "" || m.BMC.Address != "" && !m.BMC.Protocol.PowerOnly()
	for _, c := range x.plan[m.Name] {
		switch i := cabling.Resolve(c.Port, nics); {
		case cabling.IsController(c.Port):
			bmc.name, hasBMC = c.Port, true
			x.speeds[c.FarKey()] = bmc.kind
		case i >= 0:
			all[i].name, all[i].lag = c.Port, c.Group
			x.speeds[c.FarKey()] = all[i].kind
		default:
			all = append(all, port{name: c.Port, mac: "", kind: "other", lag: c.Group})
		}
	}
	for _, mac := range m.Identity.NICMACs {
		if !slices.ContainsFunc(all, func(p port) bool { return p.mac == mac }) {
			all = append(all, port{name: "mac " + mac, mac: mac, kind: "other"})
		}
	}
	for _, p := range all { // a bond stands before its members
		if p.lag != "" {
			x.port(m.Name, port{name: p.lag, kind: "lag"}, false)
		}
	}
	for _, p := range all {
		if m.Facts != nil && !slices.Contains(m.Identity.NICMACs, p.mac) {
			p.mac = "" // an address that is not the machine's own, and would become it on the way back
		}
		x.port(m.Name, p, false)
	}
	if hasBMC {
		x.port(m.Name, bmc, true)
	}
}

func (x *exporter) port(device string, p port, management bool) {
	row := []string{device, p.name, p.kind, p.lag, "true", strconv.FormatBool(management)}
	if x.before42 {
		row = append(row, p.mac)
	} else if p.mac != "" {
		x.macs.add(key(p.mac, device, p.name), p.mac, device, p.name, "true")
	}
	x.interfaces.add(key(device, p.name), row...)
}

func (x *exporter) cables(all []cabling.Cable) {
	for _, c := range all {
		m, there := x.known[c.Server]
		if !there || m.State == inventory.Retired {
			continue
		}
		x.port(c.Switch, port{name: c.SwitchPort, kind: cmp.Or(x.speeds[c.FarKey()], "other")}, false)
		var said []string
		code, ok := colourCode(c.Colour)
		if !ok && c.Colour != "" {
			code, said = "", append(said, "colour "+c.Colour)
		}
		number, unit, ok := lengthParts(c.Length)
		if !ok && c.Length != "" {
			said = append(said, "length "+c.Length)
		}
		description := ""
		if len(said) > 0 {
			description = feedNote + strings.Join(said, "; ")
		}
		const kind = "dcim.interface"
		x.cable.add(c.Key(), c.Server, kind, c.Port, c.Switch, kind, c.SwitchPort, "planned", c.Label, code, number, unit, description)
	}
}
