package netbox

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
	"socle/inventory/cabling"
)

// Answers in the form of NetBox's serializers (dcim/api/serializers_ of 4.6), shortened to what says something.
const (
	devicesJSON = `{"count": 3, "next": null, "previous": null, "results": [
	{"id": 17, "url": "https://netbox.example/api/dcim/devices/17/", "display": "hv01", "name": "hv01",
	 "device_type": {"id": 3, "url": "https://netbox.example/api/dcim/device-types/3/", "manufacturer": {"id": 1, "name": "Dell", "slug": "dell"}, "model": "PowerEdge R650", "slug": "r650"},
	 "role": {"id": 2, "name": "Rechner", "slug": "hypervisor"}, "tenant": null, "serial": "7XK2B43", "asset_tag": "T1", "site": {"id": 1, "name": "AMS", "slug": "ams"},
	 "location": {"id": 9, "name": "A", "slug": "hall-2-a", "_depth": 1}, "rack": {"id": 5, "name": "R1"}, "position": 10.0, "face": {"value": "front", "label": "Front"},
	 "status": {"value": "active", "label": "Active"}, "description": "", "custom_fields": {"cost": 1}, "tags": []},
	{"id": 18, "url": "https://netbox.example/api/dcim/devices/18/", "name": "leaf-a", "device_type": {"manufacturer": {"name": "Arista"}, "model": "7050"}, "device_role": {"name": "Leaf", "slug": "leaf"},
	 "serial": "", "site": {"name": "AMS"}, "location": {"id": 9, "name": "A", "slug": "hall-2-a"}, "rack": {"id": 5, "name": "R1"}, "position": 42, "face": {"value": "rear"}, "status": {"value": "active"}},
	{"id": 19, "url": "https://netbox.example/api/dcim/devices/19/", "name": null, "device_type": {"manufacturer": {"name": "Dell"}, "model": "R740"}, "role": {"name": "Server", "slug": "server"},
	 "serial": "S9", "site": {"name": "AMS"}, "location": null, "rack": null, "position": null, "face": null, "status": {"value": "planned"}}]}`
	typesJSON  = `{"results": [{"id": 3, "url": "/api/dcim/device-types/3/", "manufacturer": {"name": "Dell"}, "model": "PowerEdge R650", "u_height": 2.0, "is_full_depth": false}]}`
	placesJSON = `[{"id": 8, "url": "/api/dcim/locations/8/", "name": "Hall 2", "slug": "hall-2", "site": {"name": "AMS"}, "parent": null},
	{"id": 9, "url": "/api/dcim/locations/9/", "name": "A", "slug": "hall-2-a", "site": {"name": "AMS"}, "parent": {"id": 8, "name": "Hall 2", "slug": "hall-2"}},
	{"id": 10, "url": "/api/dcim/locations/10/", "name": "A", "slug": "hall-3-a", "site": {"name": "AMS"}, "parent": null},
	{"id": 5, "url": "/api/dcim/racks/5/", "name": "R1", "site": {"name": "AMS"}, "location": {"id": 9, "name": "A", "slug": "hall-2-a"}, "u_height": 42, "desc_units": false, "starting_unit": 1, "serial": "", "asset_tag": null, "status": {"value": "active"}},
	{"id": 1, "url": "/api/dcim/power-feeds/1/", "name": "F2", "power_panel": {"name": "P"}, "rack": {"id": 5, "name": "R1"}, "site": {"name": "AMS"}, "type": {"value": "redundant"}, "phase": {"value": "three-phase"}, "voltage": 400, "amperage": 16},
	{"id": 2, "url": "/api/dcim/power-feeds/2/", "name": "F1", "power_panel": {"name": "P"}, "rack": {"id": 5, "name": "R1"}, "site": {"name": "AMS"}, "type": {"value": "primary"}, "phase": {"value": "single-phase"}, "voltage": 230, "amperage": 32},
	{"id": 1, "url": "/api/tenancy/tenants/1/", "name": "us"}]`
	portsJSON = `{"results": [
	{"id": 1, "url": "/api/dcim/interfaces/1/", "device": {"id": 17, "name": "hv01"}, "name": "eth0", "type": {"value": "25gbase-x-sfp28"}, "mgmt_only": false, "lag": {"id": 3, "name": "bond0"}, "mac_address": "D0:94:66:00:01:01", "cable": {"id": 71}},
	{"id": 2, "url": "/api/dcim/interfaces/2/", "device": {"id": 17, "name": "hv01"}, "name": "eth1", "type": {"value": "25gbase-x-sfp28"}, "mgmt_only": false, "lag": null, "mac_address": null, "cable": {"id": 72},
	 "connected_endpoints": [{"id": 9, "device": {"id": 18, "name": "leaf-a"}, "name": "Ethernet2"}], "connected_endpoints_type": "dcim.interface"},
	{"id": 3, "url": "/api/dcim/interfaces/3/", "device": {"id": 17, "name": "hv01"}, "name": "bond0", "type": {"value": "lag"}, "mgmt_only": false},
	{"id": 4, "url": "/api/dcim/mac-addresses/4/", "mac_address": "D0:94:66:00:01:02", "assigned_object": {"id": 2, "name": "eth1", "device": {"id": 17, "name": "hv01"}}},
	{"id": 71, "url": "/api/dcim/cables/71/", "label": "C71", "color": "f44336", "length": 2.0, "length_unit": {"value": "m"}, "status": {"value": "connected"},
	 "a_terminations": [{"object_type": "dcim.interface", "object_id": 8, "object": {"id": 8, "device": {"id": 18, "name": "leaf-a"}, "name": "Ethernet1"}}],
	 "b_terminations": [{"object_type": "dcim.interface", "object_id": 1, "object": {"id": 1, "device": {"id": 17, "name": "hv01"}, "name": "eth0"}}]},
	{"id": 72, "url": "/api/dcim/cables/72/", "label": "C72", "color": "", "length": null, "length_unit": null,
	 "a_terminations": [{"object_type": "dcim.interface", "object": {"device": {"name": "hv01"}, "name": "eth1"}}], "b_terminations": [{"object_type": "dcim.frontport", "object": {"device": {"name": "panel"}, "name": "1"}}]}]}`
)

// TestJSON reads what the REST API answers: numbers of locations, traces through patch panels, roles by their slugs.
func TestJSON(t *testing.T) {
	p, err := translated(Options{Roles: []string{"hypervisor"}}, File{"devices.json", []byte(devicesJSON)}, File{"types.json", []byte(typesJSON)}, File{"places.json", []byte(placesJSON)}, File{"ports.json", []byte(portsJSON)})
	if err != nil {
		t.Fatal(err)
	}
	place := inventory.Place{Site: "AMS", Room: "Hall 2", Row: "A", Rack: "R1", U: 10, Height: 2, Face: "front", HalfDepth: true}
	id := inventory.Identity{Serial: "7XK2B43", AssetTag: "T1", NICMACs: []string{"d0:94:66:00:01:01", "d0:94:66:00:01:02"}}
	want := []inventory.Planned{
		{Line: 2, Name: "hv01", Identity: id, Place: place, Role: "hypervisor", Model: "PowerEdge R650"},
		{Line: 3, Identity: inventory.Identity{Serial: "S9", NICMACs: []string{}}, Place: inventory.Place{Site: "AMS"}, Model: "R740"},
	}
	var got []inventory.Planned
	for _, m := range p.Machines {
		got = append(got, m.Planned)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("machines (-want +got):\n%s", diff)
	}
	if at := p.MachineAt(3); at != "devices.json, number 19" || p.MachineAt(2) != "devices.json, number 17 (hv01)" || p.MachineAt(4) != "" {
		t.Error(at, p.MachineAt(2))
	}
	if len(p.Fixtures) != 2 || p.Fixtures[0].Feeds[0].String() != "F1 (32 A, 7360 W)" || p.Fixtures[0].Feeds[1].String() != "F2 (16 A, 11085 W)" || p.Fixtures[1].Title() != "switch leaf-a" {
		t.Errorf("%+v", p.Fixtures)
	}
	cables := []cabling.Cable{
		{Line: 2, Server: "hv01", Port: "eth0", Switch: "leaf-a", SwitchPort: "Ethernet1", Group: "bond0", Label: "C71", Colour: "red", Length: "2 m"},
		{Line: 3, Server: "hv01", Port: "eth1", Switch: "leaf-a", SwitchPort: "Ethernet2", Label: "C72"},
	}
	if diff := cmp.Diff(cables, p.Cables); diff != "" {
		t.Errorf("cables (-want +got):\n%s", diff)
	}
}
