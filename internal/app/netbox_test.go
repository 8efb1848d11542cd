package app

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/api"
	"socle/hardware"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/cabling"
	"socle/inventory/netbox"
	"socle/inventory/store"
)

// furnished is a store with racks, devices, servers of all sorts and cables.
func furnished(t *testing.T) *store.Store {
	t.Helper()
	s := openStore(t)
	place := func(room, row, rack string, u int) inventory.Place {
		return inventory.Place{Site: "ams1", Room: room, Row: row, Rack: rack, U: u}
	}
	rack := func(room, row, name string, feeds ...inventory.Feed) inventory.PlannedFixture {
		p := place(room, row, name, 0)
		p.Height = 42
		return inventory.PlannedFixture{Fixture: inventory.Fixture{Kind: inventory.RackFixture, Name: name, Model: "AR3100", AssetTag: "A-" + room + row + name, Place: p, Feeds: feeds}}
	}
	device := func(kind inventory.FixtureKind, name string, p inventory.Place) inventory.PlannedFixture {
		return inventory.PlannedFixture{Fixture: inventory.Fixture{Kind: kind, Name: name, Model: "SN2010", Serial: "S-" + name, Place: p}}
	}
	rear := place("hall 2", "a", "r1", 42)
	rear.Face, rear.HalfDepth = inventory.Rear, true
	_, err := s.ImportFixtures(t.Context(), []inventory.PlannedFixture{
		rack("hall 2", "a", "r1", inventory.Feed{Name: "A", Amperes: 32, Watts: 7000}, inventory.Feed{Name: "B"}), rack("hall 2", "b", "r1"), rack("", "a", "r2", inventory.Feed{Name: "A", Watts: 3000}), rack("row-7", "", "r3"), rack("", "", "r4"),
		device(inventory.SwitchAsset, "leaf-a", rear), device(inventory.PDUAsset, "pdu-a", place("hall 2", "a", "r1", 0)), device(inventory.SpareAsset, "box", inventory.Place{}),
	}, "test", false)
	must(t, err)
	server := func(i int, p inventory.Place, id inventory.Identity) store.Planned {
		id.Serial = fmt.Sprintf("SN-%d", i)
		return store.Planned{Planned: inventory.Planned{Line: i, Name: fmt.Sprintf("hv%02d", i), Identity: id, Place: p, Model: "r650", Delivery: "PO-1"}}
	}
	rows := []store.Planned{
		server(1, place("hall 2", "a", "r1", 1), inventory.Identity{BMCMAC: "d0:94:66:00:00:01", NICMACs: []string{"d0:94:66:00:01:01", "d0:94:66:00:01:02"}, AssetTag: "T-1"}),
		server(2, place("hall 2", "b", "r1", 1), inventory.Identity{}), server(3, place("", "a", "r2", 3), inventory.Identity{NICMACs: []string{"d0:94:66:00:03:01"}}),
		server(4, place("row-7", "", "r3", 3), inventory.Identity{}), server(5, inventory.Place{}, inventory.Identity{}), server(6, place("", "", "r9", 50), inventory.Identity{}),
	}
	rows[1].Place.Height, rows[2].Place.HalfDepth, rows[0].Role, rows[4].Model = 2, true, "hypervisor", ""
	rows[0].BMC.MAC = rows[0].Identity.BMCMAC
	rows[3].BMC, rows[3].Password = inventory.BMC{Protocol: inventory.Redfish, Address: "198.18.1.4", User: "root"}, secret.New("hunter2-bmc")
	_, err = s.Import(t.Context(), rows, "test", false)
	must(t, err)
	seen(t, s, "hv01", []string{"d0:94:66:00:01:01", "d0:94:66:00:01:02"})
	seen(t, s, "hv05", []string{"d0:94:66:00:05:01"})
	_, _, err = s.ImportCables(t.Context(), []cabling.Cable{
		{Line: 1, Server: "hv01", Port: "1", Switch: "leaf-a", SwitchPort: "Ethernet1/1", Group: "bond0", Label: "C-1", Colour: "blue", Length: "2.5 m"},
		{Line: 2, Server: "hv01", Port: "2", Switch: "leaf-b", SwitchPort: "Ethernet1/1", Group: "bond0", Colour: "turquoise", Length: "two metres"},
		{Line: 3, Server: "hv01", Port: "iDRAC", Switch: "mgmt-1", SwitchPort: "12", Colour: "#00ff00"}, {Line: 4, Server: "hv02", Port: "eth0", Switch: "leaf-a", SwitchPort: "Ethernet1/2"},
	}, true, false, "test")
	must(t, err)
	return s
}

// seen gives a machine facts, as its inspection would.
func seen(t *testing.T, s *store.Store, name string, macs []string) {
	t.Helper()
	m, err := s.Machine(t.Context(), name)
	must(t, err)
	alter(t, s, m.ID, func(m *inventory.Machine) {
		f := hardware.Facts{System: hardware.System{Manufacturer: "Dell Inc.", Product: "PowerEdge R650", Serial: m.Serial()}}
		for i, mac := range macs {
			f.NICs = append(f.NICs, hardware.NIC{Name: fmt.Sprintf("eth%d", i), MAC: mac, PCI: fmt.Sprintf("0000:3b:00.%d", i), SpeedMbps: 25000})
		}
		m.Facts, m.Identity = &f, m.Identity.Merge(inventory.Identity{NICMACs: macs})
	})
}

// TestNetBoxRoundTrip: what was exported, imported again, changes nothing; imported into an empty store it makes the same
// room, whose export is the same.
func TestNetBoxRoundTrip(t *testing.T) {
	for _, before42 := range []bool{false, true} {
		x := &exchange{furnished(t), []inventory.Role{{Name: "hypervisor"}}}
		archive, err := x.ExportNetBox(t.Context(), before42)
		must(t, err)
		files, err := netbox.Unpack(archive)
		must(t, err)
		for _, f := range files {
			if strings.Contains(string(f.Body), "hunter2") {
				t.Errorf("%s shows a password", f.Name)
			}
		}
		r, err := x.ImportNetBox(t.Context(), "test", archive, api.NetBoxOptions{})
		must(t, err)
		if len(r.Places.Changes)+len(r.Machines.Changes)+len(r.Cables.Changes)+len(r.Notes) > 0 || r.Places.Same != 8 || r.Machines.Same != 6 || r.Cables.Same != 4 {
			t.Errorf("imported again: %+v", r)
		}
		empty := &exchange{openStore(t), x.roles}
		dry, err := empty.ImportNetBox(t.Context(), "test", archive, api.NetBoxOptions{DryRun: true})
		must(t, err)
		if all, err := empty.store.Machines(t.Context()); err != nil || len(all) > 0 || dry.Machines.Added != 6 || dry.Places.Added != 8 || len(dry.Cables.Changes) != 4 {
			t.Fatalf("a dry run stored %d machines, %v, and told %+v", len(all), err, dry)
		}
		_, err = empty.ImportNetBox(t.Context(), "test", archive, api.NetBoxOptions{})
		must(t, err)
		before, after := stand(t, x.store), stand(t, empty.store)
		for i := range before {
			before[i].Model = "" // NetBox keeps no model of a rack without its maker; Socle's export leaves it out
			if before[i].Kind != inventory.RackFixture {
				before[i].Model = after[i].Model
			}
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("racks and devices (-before +after):\n%s", diff)
		}
		a, err := x.store.Cables(t.Context())
		must(t, err)
		b, err := empty.store.Cables(t.Context())
		must(t, err)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("cables (-before +after):\n%s", diff)
		}
		for _, m := range roster(t, x.store) {
			got, err := empty.store.Machine(t.Context(), m.Name)
			must(t, err)
			want := []any{m.Serial(), m.Identity.AssetTag, m.Identity.NICMACs, m.Identity.BMCMAC, m.Place.As(got.Place), m.Role}
			if diff := cmp.Diff(want, []any{got.Serial(), got.Identity.AssetTag, got.Identity.NICMACs, got.Identity.BMCMAC, got.Place, got.Role}); diff != "" {
				t.Errorf("%s (-before +after):\n%s", m.Name, diff)
			}
		}
	}
}

func roster(t *testing.T, s *store.Store) []inventory.Machine {
	t.Helper()
	all, err := s.Machines(t.Context())
	must(t, err)
	return all
}

// stand is what stands in the room, every place in the same words.
func stand(t *testing.T, s *store.Store) []inventory.Fixture {
	t.Helper()
	all, err := s.Fixtures(t.Context())
	must(t, err)
	for i := range all {
		all[i].Place = all[i].Place.As(inventory.Place{})
	}
	return all
}

// TestNetBoxContradicts: all that is wrong is told at once, in NetBox's words, and nothing is stored.
func TestNetBoxContradicts(t *testing.T) {
	x := &exchange{furnished(t), nil}
	archive, err := netbox.Pack([]netbox.File{
		{Name: "devices.csv", Body: []byte("name,role,manufacturer,device_type,serial,site,location,rack,position,face,status\n" +
			"hv07,Server,Dell,r650,SN-7,ams1,,r9,50,front,active\nhv08,Server,Dell,r650,SN-8,ams1,,r9,51,front,active\nhv09,Server,Dell,r650,SN-9,ams1,,r9,51,front,active\n" +
			"leaf-c,Leaf,NVIDIA,SN2010,,ams1,,r9,50,rear,active\n")},
		{Name: "cables.csv", Body: []byte("side_a_device,side_a_type,side_a_name,side_b_device,side_b_type,side_b_name\nhv08,dcim.interface,eth0,leaf-a,dcim.interface,Ethernet1/1\n")},
	})
	must(t, err)
	for _, c := range []struct {
		roles []string
		want  []string
	}{
		{nil, []string{"devices.csv, line 4, position: U 51 of rack ams1/r9 is that of devices.csv, line 3 too"}},
		{[]string{"Server=pdu"}, []string{"devices.csv, line 4, position"}},
		{[]string{"Server=wrong"}, []string{"role: "}},
		{[]string{"server=server:hypervisor", "leaf=skip"}, []string{"devices.csv, line 4, position"}},
	} {
		_, err = x.ImportNetBox(t.Context(), "test", archive, api.NetBoxOptions{Roles: c.roles})
		said := spelt(t, err)
		for _, w := range c.want {
			if !strings.Contains(said, w) {
				t.Errorf("%v: no %q in\n%s", c.roles, w, said)
			}
		}
	}
	files, err := netbox.Unpack(archive)
	must(t, err)
	for i, f := range files {
		files[i].Body = []byte(strings.Replace(string(f.Body), "SN-9,ams1,,r9,51", "SN-9,ams1,,r9,52", 1))
	}
	archive, err = netbox.Pack(files)
	must(t, err)
	_, err = x.ImportNetBox(t.Context(), "test", archive, api.NetBoxOptions{})
	said := spelt(t, err)
	for _, w := range []string{
		"3 places", "devices.csv, line 2, hv07: U 50 of rack ams1/r9 is that of machine hv06 too", "devices.csv, line 5, switch leaf-c: U 50 of rack ams1/r9 is that of machine hv06 too",
		"cables.csv, line 2: leaf-a Ethernet1/1 is planned for hv01 port 1 already",
	} {
		if !strings.Contains(said, w) {
			t.Errorf("no %q in\n%s", w, said)
		}
	}
	if all := roster(t, x.store); len(all) != 6 {
		t.Errorf("%d machines", len(all))
	}
}

// spelt is a problem with all its errors.
func spelt(t *testing.T, err error) string {
	t.Helper()
	var p *api.Problem
	if !errors.As(err, &p) {
		t.Fatalf("%v is no problem", err)
	}
	text := p.Detail
	for _, e := range p.Errors {
		text += "\n" + e.Location + ": " + e.Message
	}
	return text
}
