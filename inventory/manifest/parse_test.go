package manifest

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"socle/internal/secret"
	"socle/inventory"
)

const header = "name,serial,rack,u,bmc_protocol,bmc_address,bmc_user,bmc_password"

var secrets = cmp.Comparer(func(a, b secret.Secret) bool { return a.Reveal() == b.Reveal() })

func TestParse(t *testing.T) {
	const file = "\uFEFF# rack 1, delivered in May\r\n" +
		"Name,serial,UUID,rack,U,site,room,row,bmc_protocol,bmc_address,bmc_user,bmc_password,bmc_mac,nic_macs,role,asset_tag\r\n" +
		"\r\n" +
		"HV01, SN-1 ,4C4C4544-0000-1000-8000-000000000001,R1,10,lab,a,1,IPMI,198.18.1.11,admin,\" p,w\"\"1 \",52-54-00-00-01-01,5254.0000.0102; 525400000101;525400000103,hypervisor,T-1\r\n" +
		"st01,SN-2,,R1,11,lab,a,1,redfish,[FD00::1]:8443,admin,pw2,,,,\r\n"
	got, err := Parse(strings.NewReader(strings.Replace(file, "525400000101;", "", 1)))
	if err != nil {
		t.Fatal(err)
	}
	want := []Row{{
		Planned: inventory.Planned{
			Line: 4, Name: "hv01", Role: "hypervisor",
			Identity: inventory.Identity{
				Serial: "SN-1", UUID: "4c4c4544-0000-1000-8000-000000000001", AssetTag: "T-1",
				BMCMAC: "52:54:00:00:01:01", NICMACs: []string{"52:54:00:00:01:02", "52:54:00:00:01:03"},
			},
			Place: inventory.Place{Site: "lab", Room: "a", Row: "1", Rack: "R1", U: 10},
			BMC:   inventory.BMC{Protocol: inventory.IPMI, Address: "198.18.1.11", User: "admin", MAC: "52:54:00:00:01:01"},
		},
		Password: secret.New(` p,w"1 `),
	}, {
		Planned: inventory.Planned{
			Line: 5, Name: "st01", Identity: inventory.Identity{Serial: "SN-2"},
			Place: inventory.Place{Site: "lab", Room: "a", Row: "1", Rack: "R1", U: 11},
			BMC:   inventory.BMC{Protocol: inventory.Redfish, Address: "[fd00::1]:8443", User: "admin"},
		},
		Password: secret.New("pw2"),
	}}
	if diff := cmp.Diff(want, got, secrets, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// with is one server with some fields set differently.
func with(n int, set map[string]string) string {
	v := map[string]string{
		"name": fmt.Sprintf("s%d", n), "serial": fmt.Sprintf("SN-%d", n), "rack": "R1", "u": fmt.Sprint(n), "bmc_protocol": "ipmi",
		"bmc_address": fmt.Sprintf("198.18.1.%d", n), "bmc_user": "admin", "bmc_password": "hunter2",
	}
	for k, x := range set {
		v[k] = x
	}
	var fields []string
	for _, c := range Layout().All() {
		fields = append(fields, v[c])
	}
	return strings.Join(fields, ",")
}

func TestParseRefuses(t *testing.T) {
	all := strings.Join(Layout().All(), ",") + "\n"
	one := func(column, value string) string { return all + with(1, map[string]string{column: value}) }
	two := func(column, first, second string) string {
		return all + with(1, map[string]string{column: first}) + "\n" + with(2, map[string]string{column: second})
	}
	tests := []struct {
		name, file string
		want       []string // each the beginning of one error, in order, and no more
	}{
		{"empty file", "", []string{"the file is empty: its first line must name the columns serial,name"}},
		{"only comments", "# nothing\n\n", []string{"the file is empty"}},
		{"header only", header + "\n", []string{"the file has a header and no servers"}},
		{"missing columns", "rack,bmc_address,bmc_user\nR1,h,admin\n", []string{
			"line 1: one of the columns serial,name must be there",
			"line 2, column u: it is empty, though there is a rack",
		}},
		{"bad rows", "name,serial,rack,u,bmc_address,bmc_user,bmc_password,bmc_protocol\n,,R1,0,h,,,\n", []string{
			`line 2, column u: "0" is no height unit: write a number from 1`,
			"line 2, column bmc_protocol: it is empty, though there is a bmc_address",
			"line 2, column bmc_user: it is empty, though there is a bmc_address",
			"line 2, column bmc_password: it is empty, though there is a bmc_address",
		}},
		{"nothing says which server", "name,serial,model\n,,R650\n", []string{"line 2, column serial: it is empty, and so is the name"}},
		{"half a place", one("u", ""), []string{"line 2, column u: it is empty, though there is a rack"}},
		{"the other half", one("rack", ""), []string{"line 2, column rack: it is empty, though there is a u"}},
		{"webhook without an address", one("bmc_protocol", "webhook") + "\n" + with(2, map[string]string{"bmc_protocol": "webhook", "bmc_address": ""}), []string{
			`line 2, column bmc_address: "198.18.1.1" is no address of a webhook`, "line 3, column bmc_address: it is empty: a webhook has an address",
		}},
		{"unknown column", header + ",colour\n" + "s1,SN-1,R1,1,ipmi,h,a,p,red\n", []string{`line 1: column "colour" is not known: the columns are`}},
		{"column twice", header + ",u\n" + "s1,SN-1,R1,1,ipmi,h,a,p,2\n", []string{"line 1, column u: it is there twice"}},
		{"no header", "s1,SN-1,R1,1,ipmi,h,a,hunter2\n", []string{"line 1: it names none of the columns, which are serial,name"}},
		{"semicolons", strings.ReplaceAll(header, ",", ";") + "\n", []string{"line 1: the columns are not separated by commas"}},
		{"field missing", header + "\ns1,SN-1,R1,1,ipmi,h,a\n", []string{"line 2: it has 7 fields, the header has 8"}},
		{"field too many", header + "\ns1,SN-1,R1,1,ipmi,h,a,p,p\n", []string{"line 2: it has 9 fields, the header has 8"}},
		{"open quote", header + "\ns1,\"SN-1,R1,1,ipmi,h,a,p\ns2,SN-2,R1,99,ipmi,h2,a,p\n", []string{
			"line 2: a quoted field does not end properly near character", "line 3, column u: \"99\" is no height unit",
		}},
		{"bare quote", header + "\ns1,SN-1,R1,1,ipmi,h,a,hun\"ter2\n", []string{"line 2: a \" stands in the middle of a field, at character"}},
		{"duplicate name", two("name", "hv", "HV"), []string{"line 3, column name: name hv is that of line 2 too"}},
		{"duplicate serial", two("serial", "ab", "AB"), []string{"line 3, column serial: serial ab is that of line 2 too"}},
		{"duplicate U", two("u", "7", "7"), []string{`line 3, column u: U 7 of rack R1 is that of line 2 too`}},
		{"duplicate NIC MAC", two("nic_macs", "52:54:00:00:00:01", "525400000001"), []string{"line 3, column nic_macs: MAC 52:54:00:00:00:01 is that of line 2 too"}},
		{"duplicate BMC MAC", two("bmc_mac", "52:54:00:00:00:01", "52-54-00-00-00-01"), []string{"line 3, column bmc_mac: MAC"}},
		{"NIC has BMC's MAC", all + with(1, map[string]string{"bmc_mac": "525400000001", "nic_macs": "525400000001"}), []string{"line 2, column nic_macs: MAC 52:54:00:00:00:01 is that of line 2 too"}},
		{"duplicate BMC address", two("bmc_address", "bmc.lab", "BMC.lab"), []string{"line 3, column bmc_address: BMC address bmc.lab is that of line 2 too"}},
		{"bad MACs", one("nic_macs", "52:54:00:00:00:zz;ff:ff:ff:ff:ff:ff;5:2:5:4:0:0;01:00:5e:00:00:01"), []string{
			`line 2, column nic_macs: "52:54:00:00:00:zz" is no MAC`, `line 2, column nic_macs: "ff:ff:ff:ff:ff:ff" is no MAC`,
			`line 2, column nic_macs: "5:2:5:4:0:0" is no MAC`, `line 2, column nic_macs: "01:00:5e:00:00:01" is a multicast`,
		}},
		{"bad BMC MAC", one("bmc_mac", "0"), []string{`line 2, column bmc_mac: "0" is no MAC`}},
		{"bad name", one("name", "rm -rf $(x)"), []string{`line 2, column name: "rm -rf $(x)" is not made of`}},
		{"long name", one("name", strings.Repeat("a", 64)), []string{"line 2, column name: "}},
		{"placeholder serial", one("serial", "To Be Filled By O.E.M."), []string{`line 2, column serial: "To Be Filled By O.E.M." is what firmware says`}},
		{"long serial", one("serial", strings.Repeat("é", 65)), []string{"line 2, column serial: it has 65 characters, at most 64"}},
		{"bad UUID", one("uuid", "4c4c"), []string{`line 2, column uuid: "4c4c" is no UUID`}},
		{"empty UUID", one("uuid", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"), []string{"line 2, column uuid: \"ffffffff-ffff-ffff-ffff-ffffffffffff\" is what firmware says"}},
		{"U is no number", one("u", "ten"), []string{`line 2, column u: "ten" is no height unit`}},
		{"U is too high", one("u", "61"), []string{`line 2, column u: "61" is no height unit`}},
		{"protocol", one("bmc_protocol", "ssh"), []string{`line 2, column bmc_protocol: "ssh" is not known: write ipmi or redfish`}},
		{"address", one("bmc_address", "https://bmc/"), []string{`line 2, column bmc_address: "https://bmc/" is no address`}},
		{"address out of range", one("bmc_address", "198.18.1.256"), []string{`line 2, column bmc_address:`}},
		{"port out of range", one("bmc_address", "198.18.1.1:65536"), []string{`line 2, column bmc_address:`}},
		{"no password", one("bmc_password", ""), []string{"line 2, column bmc_password: it is empty, though"}},
		{"role", one("role", "{{.Evil}}"), []string{`line 2, column role: "{{.evil}}" is not made of`}},
		{"Latin-1", one("room", "caf\xe9") + "\n" + with(1, nil) + "\n" + with(2, map[string]string{"u": "x"}), []string{
			"line 2: byte 0xe9 at character 52 is not UTF-8", `line 4, column u: "x"`,
		}},
		{"Latin-1 in the header", "name,caf\xe9\n" + with(1, nil), []string{"line 1: byte 0xe9 at character 9 is not UTF-8"}},
		{"UTF-16", "\xff\xfen\x00a\x00m\x00e\x00\n\x00", []string{"the file has a header and no servers"}},
		{"NUL", one("room", "a\x00b"), []string{"line 2: control character 0x00 at character"}},
		{"binary", "\x7fELF\x02\x01\x01", []string{"line 1: control character 0x7f at character 1"}},
		{"long line", header + "\n" + strings.Repeat("x", 64<<10+1) + "\ns2,SN-2,R1,0,ipmi,h2,a,p\n", []string{
			"line 2: it is longer than 65536 bytes", `line 3, column u: "0"`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rows, err := Parse(strings.NewReader(tt.file))
			var errs Errors
			if !errors.As(err, &errs) || rows != nil {
				t.Fatalf("got %d rows and error %v", len(rows), err)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows a password:\n%v", err)
			}
			if tt.want == nil {
				return
			}
			for i, e := range errs.List {
				if i >= len(tt.want) || !strings.HasPrefix(e.Error(), tt.want[i]) {
					t.Errorf("error %d is %q", i+1, e)
				}
			}
			if len(errs.List) != len(tt.want) {
				t.Errorf("%d errors, %d wanted:\n%v", len(errs.List), len(tt.want), err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(header + "\ns1,SN-1,R1,1,ipmi,h,a,p\n")
	f.Add("\uFEFF" + strings.ToUpper(header) + ",nic_macs\r\ns1,SN-1,R1,1,redfish,[::1]:443,a,\"p\"\"\",52:54:00:00:00:01;\r\n")
	f.Add("\xff\xfe")
	f.Add("name;serial\n")
	f.Add("#\n\"\n")
	f.Fuzz(func(t *testing.T, file string) {
		rows, err := Parse(strings.NewReader(file))
		if (err == nil) == (len(rows) == 0) {
			t.Fatalf("%d rows, error %v", len(rows), err)
		}
		names, serials := map[string]bool{}, map[string]bool{}
		for _, r := range rows {
			serial := strings.ToLower(r.Identity.Serial)
			if r.Name != "" && !hostPattern.MatchString(r.Name) || r.Name+serial == "" || r.Place.U < 0 || (r.Place.U == 0) != (r.Place.Rack == "") {
				t.Fatalf("accepted %+v", r)
			}
			if r.Name != "" && names[r.Name] || serial != "" && serials[serial] {
				t.Fatalf("accepted %s twice", r.Name)
			}
			names[r.Name], serials[serial] = true, true
			if diff := cmp.Diff(r.Identity, r.Identity.Normalize(), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("identity is not normalized: %s", diff)
			}
		}
	})
}

// TestDocumentedExample reads the example of docs/manifest.md, and looks whether the page names every column.
func TestDocumentedExample(t *testing.T) {
	page, err := os.ReadFile("../../docs/manifest.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```csv\n")
	example, text, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("the page has no example")
	}
	rows, err := Parse(strings.NewReader(example))
	if err != nil || len(rows) != 2 || rows[0].Password.Reveal() != "a, b" || rows[1].Role != "storage" {
		t.Errorf("%+v, %v", rows, err)
	}
	for _, column := range Layout().All() {
		if !strings.Contains(text, "`"+column+"`") {
			t.Errorf("the page does not explain %s", column)
		}
	}
}
