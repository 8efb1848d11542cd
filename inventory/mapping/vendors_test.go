package mapping_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"socle/inventory"
	"socle/inventory/manifest"
	"socle/inventory/mapping"
	"socle/inventory/sheet/xlsx"
)

// utf16le is what a spreadsheet saves as "Unicode text".
func utf16le(text string) []byte {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

// windows1252 is what a spreadsheet of western Europe saves as CSV.
func windows1252(text string) []byte {
	var out []byte
	for _, c := range text {
		if c == '€' {
			c = 0x80
		}
		out = append(out, byte(c))
	}
	return out
}

// book is a workbook of sheets of rows, with the named cells merged.
func book(t *testing.T, merged []string, sheets ...[][]any) []byte {
	t.Helper()
	f := excelize.NewFile()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, rows := range sheets {
		name := []string{"Cover", "Systems"}[i+2-len(sheets)]
		if _, err := f.NewSheet(name); err != nil {
			t.Fatal(err)
		}
		for n, row := range rows {
			cell, err := excelize.CoordinatesToCellName(1, n+1)
			check(err)
			check(f.SetSheetRow(name, cell, &row))
		}
	}
	check(f.DeleteSheet("Sheet1"))
	for _, m := range merged {
		from, to, _ := strings.Cut(m, ":")
		check(f.MergeCell("Systems", from, to))
	}
	var b bytes.Buffer
	check(f.Write(&b))
	return b.Bytes()
}

// shipment is a list as it comes, with one cell that says BAD in a second version.
type shipment struct {
	name, mapping string
	file          func(t *testing.T, mac string) []byte
	user          string
	bad           string // where the error of the second version is
}

// shipments are four shapes in which lists of servers come: how they are saved, where their headers are, how many rows a server has
// and how MAC addresses are written differ in each.
var shipments = []shipment{
	{"dell, Unicode text with a title", "name: dell\ncolumns: {serial: Service Tag, model: Model, delivery: PO*, bmc_mac: iDRAC MAC*, bmc_password: iDRAC Pass*, nic_macs: NIC*}\nconstants: {bmc_user: root}\n",
		func(_ *testing.T, mac string) []byte {
			return utf16le("Asset report – Müller GmbH\r\n\r\nService Tag\tExpress Service Code\tModel\tPO Number\tiDRAC MAC Address\tiDRAC Password\tNIC.Integrated.1-1\tNIC.Integrated.1-2\r\n" +
				"7XK2B43\t17272421091\tPowerEdge R650\t4711\tD0946600A001\tfactory-1\tD0946600B001\tD0946600B002\r\n" +
				"7XK2B44\t17272421092\tPowerEdge R650\t4711\tD0946600A002\tfactory-2\t" + mac + "\t\r\n")
		}, "root", "line 5, column NIC.Integrated.1-1 (nic_macs)"},
	{"hpe, semicolons, a row for each port", "name: hpe\nencoding: latin1\nrows_of: serial\ncolumns: {serial: Seriennummer, model: Gerät, delivery: Auftrag, bmc_mac: iLO MAC, bmc_password: iLO Kennwort, nic_macs: Port MAC}\nconstants: {bmc_user: Administrator}\n",
		func(_ *testing.T, mac string) []byte {
			return windows1252("Lieferschein;vom 26.11.2026;Preis 7.812,50 €;;;;;\r\nPos.;Gerät;Seriennummer;Auftrag;iLO MAC;iLO Kennwort;Port;Port MAC\r\n" +
				"10;PowerEdge R650;7XK2B43;4711;d09466-00a001;factory-1;1;d09466-00b001\r\n;;7XK2B43;;;;2;d09466-00b002\r\n" +
				"20;PowerEdge R650;7XK2B44;4711;d09466-00a002;factory-2;1;" + mac + "\r\n")
		}, "Administrator", "line 5, column Port MAC (nic_macs)"},
	{"lenovo, a header of two rows, merged cells", "name: lenovo\nheader_rows: 2\nrows_of: serial\ncolumns: {serial: Serial, model: Model, delivery: Customer PO, bmc_mac: XCC MAC, bmc_password: XCC Password, nic_macs: Ethernet MAC}\nconstants: {bmc_user: USERID}\n",
		func(t *testing.T, mac string) []byte {
			return book(t, []string{"A2:A3", "B2:B3", "C2:C3", "D2:E2", "F2:G2", "A4:A5", "B4:B5", "C4:C5", "D4:D5", "E4:E5"}, [][]any{
				{"Advance ship notice"}, {"Serial", "Model", "Customer PO", "XCC", "", "Ethernet", ""}, {"", "", "", "MAC", "Password", "Slot", "MAC"},
				{"7XK2B43", "PowerEdge R650", "4711", "D0-94-66-00-A0-01", "factory-1", "1", "D0 94 66 00 B0 01"}, {"", "", "", "", "", "2", "D0 94 66 00 B0 02"},
				{"7XK2B44", "PowerEdge R650", "4711", "D0-94-66-00-A0-02", "factory-2", "1", mac},
			})
		}, "USERID", "sheet Systems, row 6, column G (Ethernet MAC, nic_macs)"},
	{"supermicro, the second sheet, several addresses in a cell", "name: supermicro\ncolumns: {serial: S/N, model: Product*, delivery: PO, bmc_mac: BMC MAC, bmc_password: BMC unique*, nic_macs: MAC addr*}\nconstants: {bmc_user: ADMIN}\n",
		func(t *testing.T, mac string) []byte {
			return book(t, nil, [][]any{{"Packing list"}, {"Date", "2026-11-26"}}, [][]any{
				{"#", "S/N", "Product name", "PO", "BMC MAC", "BMC unique password", "MAC addresses"},
				{1, "7XK2B43", "PowerEdge R650", 4711, "d094.6600.a001", "factory-1", "d094.6600.b001\nd094.6600.b002"},
				{2, "7XK2B44", "PowerEdge R650", 4711, "d094-6600-a002", "factory-2", mac}, {}, {"", "", "", "", "", "", "", "2 systems"},
			})
		}, "ADMIN", "sheet Systems, row 3, column G (MAC addresses, nic_macs)"},
}

func TestShipments(t *testing.T) {
	for _, s := range shipments {
		t.Run(s.name, func(t *testing.T) {
			doc, err := mapping.Parse([]byte(s.mapping), layouts)
			if err != nil {
				t.Fatal(err)
			}
			read := func(mac string) ([]manifest.Row, error) {
				src, err := xlsx.Open("manifest", s.file(t, mac))
				if err != nil {
					t.Fatal(err)
				}
				return manifest.Read(src, &doc.Mapping)
			}
			rows, err := read("d0:94:66:00:b1:01")
			if err != nil {
				t.Fatal(err)
			}
			var got []inventory.Planned
			for i, r := range rows {
				if want := []string{"factory-1", "factory-2"}[i]; r.Password.Reveal() != want {
					t.Errorf("password %d is wrong", i+1)
				}
				r.Line = 0
				got = append(got, r.Planned)
			}
			server := func(serial, mac string, nics ...string) inventory.Planned {
				return inventory.Planned{Model: "PowerEdge R650", Delivery: "4711", Identity: inventory.Identity{Serial: serial, BMCMAC: mac, NICMACs: nics}, BMC: inventory.BMC{User: s.user, MAC: mac}}
			}
			want := []inventory.Planned{
				server("7XK2B43", "d0:94:66:00:a0:01", "d0:94:66:00:b0:01", "d0:94:66:00:b0:02"), server("7XK2B44", "d0:94:66:00:a0:02", "d0:94:66:00:b1:01"),
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if _, err = read("BAD"); err == nil || !strings.Contains(err.Error(), s.bad+`: "BAD" is no MAC address`) || strings.Contains(err.Error(), "factory") {
				t.Errorf("%v, want %q", err, s.bad)
			}
		})
	}
}

// TestRowsThatContradict: what two rows of one server say differently is an error of the second, and shows no password.
func TestRowsThatContradict(t *testing.T) {
	doc, err := mapping.Parse([]byte("name: x\nrows_of: serial\nseparator: \"|\"\ncolumns: {serial: S, model: M, bmc_password: P}\n"), layouts)
	if err != nil {
		t.Fatal(err)
	}
	src, err := xlsx.Open("manifest", []byte("S|M|P\nA|r650|hunter2\nB|r650|\nA|r740|hunter3\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = manifest.Read(src, &doc.Mapping)
	for _, want := range []string{`line 4, column M (model): it is "r740" here, and "r650" in line 2 of the same serial`, "line 4, column P (bmc_password): line 2 of the same serial says something else"} {
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for text, want := range map[string]string{
		"separator: x": "separator: ", "encoding: ebcdic": "encoding: ", "header_rows: 3": "header_rows: 3", "rows_of: rack": "rows_of: nothing says rack", "rows_of: colour": `rows_of: there is no column "colour"`,
	} {
		if _, err := mapping.Parse([]byte("name: x\ncolumns: {serial: S}\n"+text+"\n"), layouts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestSuggestForForeignFiles finds out how a file is written.
func TestSuggestForForeignFiles(t *testing.T) {
	for _, s := range shipments[:2] {
		src, err := xlsx.Open("manifest", s.file(t, "d0:94:66:00:b1:01"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := mapping.Suggest(src, mapping.Manifest, "x", layouts[mapping.Manifest])
		if err != nil || strings.Contains(got.Text, "encoding: windows-1252") != strings.HasPrefix(s.name, "hpe") || !strings.Contains(got.Text, "bmc_mac: i") {
			t.Errorf("%s: %v\n%s", s.name, err, got.Text)
		}
	}
}
