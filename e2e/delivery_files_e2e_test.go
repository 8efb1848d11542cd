//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"socle/lab"
)

// vendorMapping reads the vendor's list: a title above the header, the model's name as it is sold, place and name in one cell.
const vendorMapping = `
name: acme
columns:
  serial: Service Tag
  model: Model
  delivery: PO Number
  bmc_address: BMC IP
  bmc_mac: BMC MAC
  bmc_user: BMC Login
  bmc_password: BMC Password
  nic_macs: NIC* MAC
splits: {Location: "{rack}-U{u}"}
constants: {bmc_protocol: redfish}
templates: {name: "{rack}u{u:02}"}
values: {model: {Acme Lab E9 Server: e9}}
`

// delivery is what comes with a rack: an order, the vendor's packing list, the floor plan and the cabling plan.
type delivery struct{ orders, list, floor, cables, mapping string }

// writeDelivery writes the files as the order and the plans say, which is not as the rack was built.
func writeDelivery(t *testing.T, dir string, servers []lab.Server) delivery {
	t.Helper()
	d := delivery{mapping: filepath.Join(dir, "acme.yaml"), orders: filepath.Join(dir, "order.xlsx"), list: filepath.Join(dir, "packing-list.xlsx"),
		floor: filepath.Join(dir, "floor.csv"), cables: filepath.Join(dir, "cables.csv")}
	list := [][]any{
		{"Packing list 4711 of Acme Computers"},
		{"Service Tag", "Model", "PO Number", "BMC IP", "BMC MAC", "BMC Login", "BMC Password", "NIC1 MAC", "NIC2 MAC", "Location", "Weight"},
	}
	var cables strings.Builder
	cables.WriteString("server,port,switch,switch_port,group,label\n")
	for _, s := range servers {
		list = append(list, []any{s.Serial, "Acme Lab E9 Server", "PO-4711", s.BMC.Address.String(), s.BMC.MAC, s.BMC.User, s.BMC.Password.Reveal(),
			s.NICs[0].MAC, s.NICs[1].MAC, fmt.Sprintf("%s-U%d", s.Rack, s.U), 17.5})
		for port, leaf := range []string{"leaf-a", "leaf-b"} {
			fmt.Fprintf(&cables, "%s,%d,%s,swp%d,bond0,C-%d%d\n", s.Name, port+1, leaf, s.U, s.U, port+1)
		}
	}
	workbook(t, d.list, list)
	workbook(t, d.orders, [][]any{
		{"number", "line", "part_number", "model", "description", "quantity", "unit_price", "currency"},
		{"PO-4711", 1, "ACM-E9", "e9", "Server", len(servers), "1234.50", "EUR"},
		{"PO-4711", 2, "ACM-CBL", "", "Cable 2 m", 2 * len(servers), "4.20", "EUR"},
	})
	for file, text := range map[string]string{
		d.mapping: vendorMapping, d.cables: cables.String(),
		d.floor: "kind,name,site,room,row,rack,u,height,face,feed_a,feed_b\nrack,r50,lab,,,,,24,,A,B\nswitch,leaf-a,lab,,,r50,23,1,rear,,\nswitch,leaf-b,lab,,,r50,24,1,rear,,\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// workbook writes an XLSX file with one sheet.
func workbook(t *testing.T, file string, rows [][]any) {
	t.Helper()
	f := excelize.NewFile()
	defer func() { _ = f.Close() }() // it is in memory
	for i, cells := range rows {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &cells); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SaveAs(file); err != nil {
		t.Fatal(err)
	}
}
