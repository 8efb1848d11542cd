package mapping_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
	"socle/inventory/delivery"
	"socle/inventory/manifest"
	"socle/inventory/mapping"
	"socle/inventory/sheet"
)

var layouts = map[string]sheet.Layout{mapping.Manifest: manifest.Layout(), mapping.Delivery: delivery.Layout()}

// vendors are lists as vendors send them with a delivery, each in the shape that theirs have, and what they say in our words:
// name, serial, model, delivery, MACs, BMC.
var vendors = []struct{ name, list, suggested string }{
	{"dell", "Dell order confirmation,,,,,,,\nCustomer: Example,,,,,,,\n,,,,,,,\n" +
		"Service Tag,Express Service Code,Model,PO Number,iDRAC MAC,iDRAC Password,NIC1 MAC,NIC2 MAC\n" +
		"7XK2B43,17272421091,PowerEdge R650,4711,D0946600A001,calvin-1,D0-94-66-00-B0-01,D0-94-66-00-B0-02\n" +
		"7XK2B44,17272421092,PowerEdge R650,4711,D0946600A002,calvin-2,D0-94-66-00-B1-01,\n", "root"},
	{"hpe", "Serial Number,Product Number,Product Name,HPE Order,iLO MAC,iLO default password (label),Embedded LOM MAC 1,Embedded LOM MAC 2\n" +
		"7XK2B43,P38471-B21,PowerEdge R650,4711,d0:94:66:00:a0:01,calvin-1,d0:94:66:00:b0:01,d0:94:66:00:b0:02\n" +
		"7XK2B44,P38471-B21,PowerEdge R650,4711,d0:94:66:00:a0:02,calvin-2,d0:94:66:00:b1:01,\n", "Administrator"},
	{"supermicro", "#,S/N,Product Name,Sales Order,PO No.,BMC MAC,BMC unique password,MAC1,MAC2\n" +
		"1,7XK2B43,PowerEdge R650,SO1,4711,d09466.00a001,calvin-1,d094.6600.b001,d094.6600.b002\n" +
		"2,7XK2B44,PowerEdge R650,SO1,4711,d094.6600.a002,calvin-2,d094.6600.b101,\n", "ADMIN"},
}

// TestSuggest: what is suggested for the list of a vendor reads it.
func TestSuggest(t *testing.T) {
	for _, v := range vendors {
		t.Run(v.name, func(t *testing.T) {
			list := strings.Replace(v.list, "d09466.00a001", "d094.6600.a001", 1)
			s, err := mapping.Suggest(sheet.CSV(strings.NewReader(list)), mapping.Manifest, v.name, layouts[mapping.Manifest])
			if err != nil {
				t.Fatal(err)
			}
			doc, err := mapping.Parse([]byte(s.Text), layouts)
			if err != nil {
				t.Fatalf("%v in\n%s", err, s.Text)
			}
			if strings.Contains(s.Text, "calvin") {
				t.Errorf("the suggestion shows a password:\n%s", s.Text)
			}
			rows, err := manifest.Read(sheet.CSV(strings.NewReader(list)), &doc.Mapping)
			if err != nil {
				t.Fatalf("%v by\n%s", err, s.Text)
			}
			var got []inventory.Planned
			for _, r := range rows {
				if r.Password.Empty() {
					t.Error("the password is lost")
				}
				r.Line = 0
				if v.name == "hpe" && r.Delivery == "" {
					r.Delivery = "4711" // "HPE Order" is not known: a person adds it
				}
				got = append(got, r.Planned)
			}
			server := func(serial, mac string, nics ...string) inventory.Planned {
				return inventory.Planned{Model: "PowerEdge R650", Delivery: "4711", Identity: inventory.Identity{Serial: serial, BMCMAC: mac, NICMACs: nics},
					BMC: inventory.BMC{Protocol: inventory.Redfish, User: v.suggested, MAC: mac}}
			}
			want := []inventory.Planned{
				server("7XK2B43", "d0:94:66:00:a0:01", "d0:94:66:00:b0:01", "d0:94:66:00:b0:02"), server("7XK2B44", "d0:94:66:00:a0:02", "d0:94:66:00:b1:01"),
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s\nby\n%s", diff, s.Text)
			}
		})
	}
}

func TestSuggestForOrders(t *testing.T) {
	const list = "Order Confirmation\nItem,Part No.,Description,Model,Qty,Unit Price,Currency,PO,Ship Date,Remarks\n10,210-AZYQ,Rack server,r650,40,\"7,812.50\",EUR,PO-4711,2026-12-01,\n20,470,Cables,,80,4,EUR,PO-4711,2026-12-01,x\n"
	s, err := mapping.Suggest(sheet.CSV(strings.NewReader(list)), mapping.Delivery, "orders", layouts[mapping.Delivery])
	if err != nil || s.Row != 2 || cmp.Diff([]string{"Remarks"}, s.Unused) != "" {
		t.Fatalf("%+v, %v", s, err)
	}
	doc, err := mapping.Parse([]byte(s.Text), layouts)
	if err != nil || doc.Of != mapping.Delivery {
		t.Fatalf("%v in\n%s", err, s.Text)
	}
	orders, err := delivery.Read(sheet.CSV(strings.NewReader(list)), &doc.Mapping, inventory.Delivery{Vendor: "Dell"})
	if err != nil || len(orders) != 1 || len(orders[0].Lines) != 2 || orders[0].Lines[0].UnitPrice.String() != "7812.50" || orders[0].Number != "PO-4711" || orders[0].Vendor != "Dell" {
		t.Errorf("%+v, %v by\n%s", orders, err, s.Text)
	}
	if _, err := mapping.Suggest(sheet.CSV(strings.NewReader("a,b\n1,2\n")), mapping.Manifest, "x", layouts[mapping.Manifest]); err == nil {
		t.Error("something was suggested for nothing")
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"", []string{"it is no YAML: EOF"}},
		{"{", []string{"it is no YAML"}},
		{"- a", []string{"line 1: cannot unmarshal !!seq"}},
		{"name: x\ncolumms: {}\n", []string{"line 2: field columms not found"}},
		{"name: x\ncolumns: {serial: {a: b}, name: []}\n", []string{"line 2: write a text or a list", "line 2: write a text or a list"}},
		{"name: X Y\nof: cable\ntemplates: {name: plain}\ncolumns: {serial: S}\n", []string{"name: \"X Y\"", "of: \"cable\": write manifest or delivery", "templates.name: \"plain\" names no column"}},
		{"name: x\ncolumns: {seriall: S}\n", []string{"columns: nothing says serial or name", "columns: there is no column \"seriall\""}},
		{"name: x\ncolumns: {serial: S}\ntemplates: {name: \"{bmc_password}\"}\n", []string{"templates.name: bmc_password is a secret"}},
		{strings.Repeat("#", mapping.MaxBytes+1), []string{"it has more than 65536 bytes"}},
	} {
		_, err := mapping.Parse([]byte(tt.text), layouts)
		var got mapping.Errors
		if !errors.As(err, &got) || len(got) != len(tt.want) {
			t.Errorf("%.60q: %v", tt.text, err)
			continue
		}
		for i, w := range tt.want {
			if !strings.HasPrefix(got[i], w) || strings.Contains(got[i], "mapping.") {
				t.Errorf("%.60q: error %d is %q", tt.text, i, got[i])
			}
		}
	}
}

// TestDocumentedMapping reads the example of the manual.
func TestDocumentedMapping(t *testing.T) {
	page, err := os.ReadFile("../../docs/manifest.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	example, _, found := strings.Cut(rest, "```")
	doc, err := mapping.Parse([]byte(example), layouts)
	if !found || err != nil {
		t.Fatal(found, err)
	}
	_, rest, _ = strings.Cut(rest, "```\n")
	_, rest, _ = strings.Cut(rest, "```\n")
	list, _, _ := strings.Cut(rest, "```")
	rows, err := manifest.Read(sheet.CSV(strings.NewReader(list)), &doc.Mapping)
	if err != nil || len(rows) != 1 || rows[0].Name != "r12u07" || rows[0].Model != "r650" || len(rows[0].Identity.NICMACs) != 2 || rows[0].BMC.User != "root" || rows[0].Place.U != 7 {
		t.Errorf("%+v, %v", rows, err)
	}
}

// FuzzParse: whatever is accepted can read a file.
func FuzzParse(f *testing.F) {
	f.Add("name: x\nrows_of: serial\nheader_rows: 2\nencoding: latin1\ncolumns: {serial: S, nic_macs: N*}\n", "\xff\xfeS\x00;\x00N\x00\n\x00a\x00;\x00\n\x00")
	f.Add("name: x\ncolumns: {serial: [S, T*]}\nsplits: {L: \"{rack}/{u}\"}\n", "S,T1,L\na,b,r/1\n")
	f.Add("name: x\nof: delivery\ncolumns: {quantity: Q}\nconstants: {number: P, model: m}\nvalues: {model: {a: b}}\noptional: quantity\n", "Q\n1\n")
	f.Add("name: x\nsheet: S\ntemplates: {name: \"r{rack}u{u:02}\"}\nconstants: {rack: a, u: 1}\ncolumns: {serial: \"*\"}\n", "a\nb\n")
	f.Fuzz(func(t *testing.T, text, list string) {
		doc, err := mapping.Parse([]byte(text), layouts)
		if err != nil {
			return
		}
		if doc.Of == mapping.Manifest {
			_, _ = manifest.Read(sheet.CSV(strings.NewReader(list)), &doc.Mapping) // must end, and not panic
		} else {
			_, _ = delivery.Read(sheet.CSV(strings.NewReader(list)), &doc.Mapping, inventory.Delivery{})
		}
	})
}
