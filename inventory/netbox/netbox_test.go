package netbox

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/hardware"
	"socle/inventory"
	"socle/inventory/cabling"
)

func snapshot() Snapshot {
	rack := inventory.Place{Site: "ams1", Room: "hall 2", Row: "a", Rack: "r1", Height: 42}
	at := rack
	at.U, at.Height = 4, 2
	return Snapshot{
		Fixtures: []inventory.Fixture{{Kind: inventory.RackFixture, Name: "r1", Place: rack, Feeds: []inventory.Feed{{Name: "A", Amperes: 32, Watts: 7360}}},
			{Kind: inventory.RackFixture, Name: "r2", Place: inventory.Place{Rack: "r2", Height: 24}, Feeds: []inventory.Feed{{Name: "A"}}}},
		Machines: []inventory.Machine{{Name: "hv01", State: inventory.Active, Model: "r650", Role: "hypervisor", Place: at,
			Identity: inventory.Identity{Serial: "S1", BMCMAC: "d0:94:66:00:00:01", NICMACs: []string{"d0:94:66:00:01:01"}},
			Facts:    &hardware.Facts{System: hardware.System{Manufacturer: "Dell Inc."}, NICs: []hardware.NIC{{Name: "eth0", MAC: "d0:94:66:00:01:01", PCI: "0000:3b:00.0", SpeedMbps: 25000}}}},
			{Name: "gone", State: inventory.Retired, Place: at}},
		Cables: []cabling.Cable{{Server: "hv01", Port: "1", Switch: "leaf-a", SwitchPort: "Ethernet1/1", Group: "bond0", Colour: "blue", Length: "2 m"}, {Server: "gone", Port: "1", Switch: "leaf-a", SwitchPort: "Ethernet1/2"}},
	}
}

// forms are the columns that NetBox's import forms have, read from its source: see testdata/import-forms.txt.
func forms(t *testing.T) map[string]map[string][]string {
	t.Helper()
	text, err := os.ReadFile("testdata/import-forms.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string][]string{}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if all[f[0]] == nil {
			all[f[0]] = map[string][]string{}
		}
		all[f[0]][f[1]] = strings.Split(f[2], ",")
	}
	return all
}

// TestExportFitsTheForms: every column that is written is one that the import form of each version has.
func TestExportFitsTheForms(t *testing.T) {
	form := map[string]string{"01": "Manufacturer", "02": "Site", "03": "Location", "04": "Rack", "05": "PowerPanel", "06": "PowerFeed", "07": "PowerFeed", "08": "DeviceRole", "09": "DeviceType", "10": "Device", "11": "Interface", "12": "MACAddress", "13": "Cable"}
	all := forms(t)
	if len(all) != 4 {
		t.Fatalf("%d versions", len(all))
	}
	for version, columns := range all {
		files, err := Export(snapshot(), version < "4.2")
		if err != nil || len(files) < 12 {
			t.Fatalf("%d files, %v", len(files), err)
		}
		for _, f := range files {
			head, _, _ := strings.Cut(string(f.Body), "\n")
			for _, c := range strings.Split(head, ",") {
				if field, _, _ := strings.Cut(c, "."); !slices.Contains(columns[form[f.Name[:2]]], field) {
					t.Errorf("NetBox %s has no column %s in %s", version, c, f.Name)
				}
			}
		}
	}
}

func TestExport(t *testing.T) {
	files, err := Export(snapshot(), false)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, f := range files {
		text += f.Name + "\n" + string(f.Body)
	}
	for _, want := range []string{
		"03-locations.csv\nsite,parent.slug,name,slug,status\nams1,,hall 2,hall-2,active\nams1,hall-2,a,hall-2-a,active\n",
		"ams1,hall-2-a,r1,active,19,42,,,\n", "ams1,hall 2/a/r1,hall-2-a,r1,A,active,primary,ac,single-phase,230,32,80,\"Socle: 32 A, 7360 W\"\n",
		"unknown,r2,r2,A,active,primary,ac,single-phase,230,16,80,Socle: power not known\n",
		"hv01,hypervisor,Dell Inc.,r650,S1,,active,ams1,hall-2-a,r1,4,front,\n", "Dell Inc.,r650,r650,2,true\n", "leaf-a,switch,Unknown,unknown,,,planned,ams1,,,,,named in Socle's cabling plan\n",
		"hv01,bond0,lag,,true,false\nhv01,1,25gbase-x-sfp28,bond0,true,false\nhv01,bmc,1000base-t,,true,true\nleaf-a,Ethernet1/1,25gbase-x-sfp28,,true,false\n",
		"d0:94:66:00:01:01,hv01,1,true\nd0:94:66:00:00:01,hv01,bmc,true\n", "hv01,dcim.interface,1,leaf-a,dcim.interface,Ethernet1/1,planned,,2196f3,2,m,\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no\n%s", want)
		}
	}
	if strings.Contains(text, "gone") || t.Failed() {
		t.Errorf("in\n%s", text)
	}
}

// translated reads files and translates them.
func translated(o Options, files ...File) (Plan, error) {
	d, err := Read(files)
	if err != nil {
		return Plan{}, err
	}
	return Translate(d, o)
}

func csvFile(name, text string) File { return File{name + ".csv", []byte(text)} }

// room is what a NetBox has, as its own pages export it: semicolons, capitals, comments of several lines, units from the top.
var room = []File{
	csvFile("locations", "site;parent;name;slug;status\nAMS;;DC1;dc1;active\nAMS;DC1;Hall 2;hall-2;active\nAMS;Hall 2;A;a;active\n"),
	csvFile("racks", "site;location;name;status;width;u_height;desc_units;starting_unit\nAMS;A;R1;active;19;42;false;1\nAMS;A;R2;active;19;42;True;1\n"),
	csvFile("types", "manufacturer,model,slug,u_height,is_full_depth\nDell,PowerEdge R650,r650,1.0,true\nArista,7050,a7050,1,false\nDell,R740,r740,2,true\n"),
	csvFile("devices", "Name,Status,Site,Location,Rack,Position,Face,Role,Manufacturer,Type,Serial number,Asset tag,Comments,cf_cost\n"+
		"HV01.example.com,Active,AMS,A,R1,4.0,Front,Compute node,Dell,PowerEdge R650,S1,T1,\"two\nlines\",1\n"+
		"hv02,Active,AMS,A,R2,1,Rear,Compute node,Dell,R740,S2,—,,\nhv03,Decommissioning,AMS,A,R1,9,Front,Compute node,Dell,R740,S3,,,\n"+
		"leaf-a,Active,AMS,A,R1,42,Rear,Leaf switch,Arista,7050,L1,,,\nhv04,Planned,AMS,A,R1,,,Compute node,Dell,R740,S4,,,\n"+
		"con,Active,AMS,A,R1,20,Rear,Console Server,Opengear,OM,,,,\n"),
	csvFile("interfaces", "Device,Name,Type,MAC Address,LAG,Management only\nHV01.example.com,eno1,SFP28,D0-94-66-00-01-01,bond0,False\n"+
		"HV01.example.com,bond0,lag,D0:94:66:00:01:02,,False\nHV01.example.com,mgmt0,1000base-t,d094.6600.0001,,True\n"),
	csvFile("cables", "side_a_device|side_a_type|side_a_name|side_b_device|side_b_type|side_b_name|color|length|length_unit|label\n"+
		"leaf-a|dcim.interface|Ethernet1|HV01.example.com|dcim.interface|eno1|2196f3|2.00|m|C1\nHV01.example.com|dcim.powerport|PSU1|pdu-a|dcim.poweroutlet|1||||\n"+
		"HV01.example.com|dcim.interface|mgmt0|sw-oob|dcim.interface|12|123456|||\nhv02|dcim.interface|eno1|hv04|dcim.interface|eno1||||\n"),
}

func TestTranslate(t *testing.T) {
	p, err := translated(Options{}, room...)
	if err != nil {
		t.Fatal(err)
	}
	place := func(rack string, u, height int, face string) inventory.Place {
		return inventory.Place{Site: "AMS", Room: "DC1 / Hall 2", Row: "A", Rack: rack, U: u, Height: height, Face: face}
	}
	got := map[string]inventory.Place{}
	for _, m := range p.Machines {
		got[m.Name] = m.Place
	}
	for _, f := range p.Fixtures {
		got[f.Title()] = f.Place
	}
	leaf := place("R1", 42, 1, "rear")
	leaf.HalfDepth = true
	want := map[string]inventory.Place{
		"hv01": place("R1", 4, 1, "front"), "hv02": place("R2", 41, 2, "rear"), "hv04": place("", 0, 2, ""), "switch leaf-a": leaf, "other con": place("R1", 20, 0, "rear"),
		"rack AMS/DC1 / Hall 2/A/R1": place("R1", 0, 42, ""), "rack AMS/DC1 / Hall 2/A/R2": place("R2", 0, 42, ""),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	m := p.Machines[0]
	id := inventory.Identity{Serial: "S1", AssetTag: "T1", BMCMAC: "d0:94:66:00:00:01", NICMACs: []string{"d0:94:66:00:01:01"}}
	if diff := cmp.Diff(id, m.Identity); diff != "" || m.Model != "PowerEdge R650" || p.MachineAt(m.Line) != "devices.csv, line 2" || p.MachineAt(p.Machines[1].Line) != "devices.csv, line 4" {
		t.Errorf("%s%+v of %s", diff, m, p.MachineAt(m.Line))
	}
	cables := []cabling.Cable{
		{Line: 2, Server: "hv01", Port: "eno1", Switch: "leaf-a", SwitchPort: "Ethernet1", Group: "bond0", Label: "C1", Colour: "blue", Length: "2 m"},
		{Line: 3, Server: "hv01", Port: "bmc", Switch: "sw-oob", SwitchPort: "12", Colour: "#123456"},
	}
	if diff := cmp.Diff(cables, p.Cables); diff != "" {
		t.Errorf("cables (-want +got):\n%s", diff)
	}
	notes := strings.Join(p.Notes, "\n")
	for _, w := range []string{"1 server with a rack and no position", "left out: 1 device being decommissioned", "left out: 1 power cable", "not used: 1 cable not straight"} {
		if !strings.Contains(notes, w) {
			t.Errorf("no %q in %s", w, notes)
		}
	}
}

// TestKept: what NetBox does not know stays, and a device type that a server reports itself says nothing of its order.
func TestKept(t *testing.T) {
	known := inventory.Fixture{Kind: inventory.RackFixture, Name: "R1", Model: "AR3100", Place: inventory.Place{Site: "AMS", Room: "DC1 / Hall 2", Row: "A", Rack: "R1", Height: 42}, Feeds: []inventory.Feed{{Name: "A"}}}
	hv := inventory.Machine{Name: "hv01", Identity: inventory.Identity{Serial: "s1"}, Facts: &hardware.Facts{System: hardware.System{Product: "PowerEdge R650"}}}
	p, err := translated(Options{Fixtures: []inventory.Fixture{known}, Machines: []inventory.Machine{hv}}, room...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(known, p.Fixtures[0].Fixture); diff != "" || p.Machines[0].Model != "" {
		t.Errorf("%s%+v", diff, p.Machines[0])
	}
}

func TestRefuses(t *testing.T) {
	const head = "name,role,manufacturer,device_type,serial,site,location,rack,position,face\n"
	for _, c := range []struct {
		files []File
		want  []string
	}{
		{nil, []string{"there is nothing in them that Socle knows"}},
		{[]File{csvFile("m", "name,slug\nDell,dell\n")}, []string{"there is nothing in them"}},
		{[]File{csvFile("x", "a,b\n1,2\n")}, []string{"there is nothing in them"}},
		{[]File{csvFile("devices", head+"a,server,D,R,S1,AMS,,R1\n\"b")}, []string{"devices.csv, line 2: it has 8 fields, the header has 10", "devices.csv: line 3, character 3"}},
		{[]File{csvFile("devices", head+"a,server,D,R,\xff,,,,,\n")}, []string{"devices.csv: it is not UTF-8"}},
		{[]File{{"d.json", []byte("{")}}, []string{"d.json: it is no answer of NetBox"}},
		{[]File{{"d.json", []byte("[1]")}}, []string{"d.json, object 1: it is no object"}},
		{[]File{csvFile("devices", head+"a,Thing,D,R,S1,AMS,,R1,1,front\nb,Thing,D,R,S2,AMS,,R1,2.5,front\nc d,server,D,R,S2,AMS,,R1,99,up\ne,server,D,R,s2,AMS,,R1,1,front\n")}, []string{
			`role "Thing": 2 devices have it`, `devices.csv, line 4, name: "c d" is not made of`, "devices.csv, line 4, position: \"99\" is no height unit", `devices.csv, line 4, face: "up" is no face`,
		}},
		{[]File{csvFile("devices", head+"a,server,D,R,S1,AMS,,R1,1.5,front\nb,server,D,R,s1,AMS,,R1,2,front\n")}, []string{"devices.csv, line 2, position: 1.5 is not a whole unit", "devices.csv, line 3, serial: serial s1 is that of devices.csv, line 2 too"}},
		{[]File{csvFile("locations", "site,parent,name,slug\nA,,x,x\nA,x,r,x-r\nA,,y,y\nA,y,r,y-r\n"), csvFile("racks", "site,location,name,u_height\nA,r,R1,42\nA,z,R1,\n")}, []string{
			`racks.csv, line 2: location "r" is there 2 times at site A: name it by its slug, in a column location.slug`, "racks.csv, line 3, u_height: it is empty"}},
		{[]File{csvFile("locations", "site,parent,name,slug\nA,x,y,y\nA,y,x,x\n"), csvFile("racks", "site,location,name,u_height\nA,x,R1,42\n")}, []string{"is within itself"}},
		{[]File{{"a.zip", []byte("PK\x03\x04garbage")}}, []string{"there is nothing in them"}},
	} {
		_, err := translated(Options{}, c.files...)
		var bad Problems
		if !errors.As(err, &bad) {
			t.Fatalf("%v: %v", c.files, err)
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("no %q in\n%v", w, err)
			}
		}
	}
	if _, err := Unpack([]byte("PK\x03\x04garbage")); err == nil {
		t.Error("garbage was unpacked")
	}
	if _, err := ParseMeaning([]string{"a=server:x", "b=switch", "c=skip"}); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"a", "=server", "a=thing", "a=switch:x", "a=server:"} {
		if _, err := ParseMeaning([]string{bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// FuzzRead: whatever is given, reading ends, and what it accepts is a plan that our own packages take.
func FuzzRead(f *testing.F) {
	for _, file := range room {
		f.Add(file.Name, string(file.Body))
	}
	f.Add("devices.json", devicesJSON)
	f.Add("x.json", `[{"url":"/api/dcim/interfaces/1/","connected_endpoints":[1]},{"url":"/api/dcim/cables/1/","a_terminations":[[]]}]`)
	f.Fuzz(func(t *testing.T, name, text string) {
		p, err := translated(Options{Meaning: Meaning{"thing": "server"}}, File{name, []byte(text)})
		if err != nil {
			return
		}
		for _, m := range p.Machines {
			if p.MachineAt(m.Line) == "" || m.Name+m.Identity.Serial == "" {
				t.Fatalf("%+v comes from nowhere", m)
			}
		}
		for _, x := range p.Fixtures {
			if p.FixtureAt(x.Line) == "" || x.Name == "" {
				t.Fatalf("%+v comes from nowhere", x)
			}
		}
	})
}

func TestWords(t *testing.T) {
	for _, c := range colours {
		if code, ok := colourCode(c[0]); !ok || code != c[1] || colourName(strings.ToUpper(code)) != c[0] {
			t.Errorf("%s is %s", c[0], code)
		}
	}
	for _, bad := range []string{"turquoise", "#f44336", "#ABCDEF", ""} {
		if code, ok := colourCode(bad); ok {
			t.Errorf("%q is %s", bad, code)
		}
	}
	for text, want := range map[string]string{"2 m": "2 m", "2.5 ft": "2.5 ft", "2.50 m": "", "2m": "", "": "", "1.0 m": ""} {
		n, unit, ok := lengthParts(text)
		if got := strings.TrimSpace(n + " " + unit); got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v", text, got, ok)
		}
	}
	for in, want := range map[string]string{"Hall 2": "hall-2", "  ": "x", "A--b/": "a-b", "Ärger": "rger"} {
		if got := slug(in); got != want {
			t.Errorf("%q is %q", in, got)
		}
	}
	for mbps, want := range map[int]string{1000: "1000base-t", 100000: "100gbase-x-qsfp28", 0: "other", 7: "other"} {
		if got := interfaceType(mbps); got != want {
			t.Errorf("%d Mbit/s is %s", mbps, got)
		}
	}
	for _, c := range []struct {
		text string
		n    int
		ok   bool
	}{{"10", 10, true}, {"10.0", 10, true}, {"100", 100, true}, {"1.5", 0, false}, {"", 0, false}} {
		if n, ok := whole(c.text); ok != c.ok || ok && n != c.n {
			t.Errorf("%q is %d, %v", c.text, n, ok)
		}
	}
	if bareModel("r650 (2U half)") != "r650" || bareModel("r650 (v2)") != "r650 (v2)" || bareModel("r650") != "r650" {
		t.Error(bareModel("r650 (2U half)"), bareModel("r650 (v2)"))
	}
	if text := fmt.Sprint(Problems{{"a", "b"}}); !strings.Contains(text, "1 error") {
		t.Error(text)
	}
}
