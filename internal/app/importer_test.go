package app

import (
	"bytes"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"socle/api"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
)

// workbook is the list of a vendor as XLSX.
func workbook(t *testing.T, rows ...[]any) []byte {
	t.Helper()
	f := excelize.NewFile()
	must(t, f.SetSheetName("Sheet1", "Servers"))
	for i, row := range rows {
		cell, err := excelize.CoordinatesToCellName(1, i+1)
		must(t, err)
		must(t, f.SetSheetRow("Servers", cell, &row))
	}
	var b bytes.Buffer
	must(t, f.Write(&b))
	return b.Bytes()
}

// TestImporterReadsLists takes a vendor's workbook in by a mapping, and the order that it belongs to.
func TestImporterReadsLists(t *testing.T) {
	keys, err := secret.Open(filepath.Join(t.TempDir(), "keys"))
	must(t, err)
	s, err := store.Open(t.Context(), store.Options{URL: filepath.Join(t.TempDir(), "db"), Keys: keys})
	must(t, err)
	defer s.Close()
	i := importer{s}
	problem := func(err error, status int, want ...string) {
		t.Helper()
		var p *api.Problem
		if !errors.As(err, &p) || p.Status != status || len(p.Errors) != len(want) {
			t.Fatalf("error %v", err)
		}
		for k, w := range want {
			if got := p.Errors[k].Location + ": " + p.Errors[k].Message; !strings.HasPrefix(got, w) || strings.Contains(got, "hunter2") {
				t.Errorf("error %d is %q, want %q", k, got, w)
			}
		}
	}
	_, err = i.PutMapping(t.Context(), "a", []byte("name: dell\ncolumns: {seriall: S}\n"))
	problem(err, http.StatusUnprocessableEntity, ": columns: nothing says", `: columns: there is no column "seriall"`)
	_, err = i.PutMapping(t.Context(), "a", []byte("name: dell\ncolumns: {serial: Tag, bmc_mac: iDRAC MAC, bmc_password: Factory password, u: U}\n"+
		"constants: {bmc_protocol: redfish, bmc_user: root, delivery: PO-1, model: r650}\noptional: [u]\n"))
	must(t, err)
	_, err = i.PutMapping(t.Context(), "a", []byte("name: order\nof: delivery\ncolumns: {quantity: Qty, model: Model}\n"))
	must(t, err)
	by := api.ImportOptions{Mapping: "dell"}
	_, err = i.Import(t.Context(), "a", workbook(t, []any{"Tag", "iDRAC MAC", "Factory password", "U"}, []any{"S1", "hunter", "hunter2", 1}), by)
	problem(err, http.StatusUnprocessableEntity, `sheet Servers, row 2, column B (iDRAC MAC, bmc_mac): "hunter" is no MAC`, "sheet Servers, row 2, column by the mapping dell (rack): it is empty")
	_, err = i.Import(t.Context(), "a", []byte("PK\x03\x04"), by)
	problem(err, http.StatusUnprocessableEntity, ": the file is no workbook")
	if _, err = i.Import(t.Context(), "a", nil, api.ImportOptions{Mapping: "hpe"}); !errors.Is(err, inventory.ErrNotFound) {
		t.Error(err)
	}
	_, err = i.Import(t.Context(), "a", nil, api.ImportOptions{Mapping: "order"})
	problem(err, http.StatusUnprocessableEntity)
	_, err = i.ImportOrders(t.Context(), "a", nil, api.OrderImport{Expected: "soon"})
	problem(err, http.StatusUnprocessableEntity)

	list := workbook(t, []any{"Packing list"}, []any{"Tag", "iDRAC MAC", "Factory password"}, []any{7123456789012, "d094.6600.a001", "hunter2"}, []any{"S2", "", "hunter2"})
	reply, err := i.Import(t.Context(), "a", list, by)
	must(t, err)
	if diff := cmp.Diff([]string{"sn-7123456789012", "sn-s2"}, reply.Added); diff != "" || len(reply.Changes) != 2 || reply.Changes[0].Line != 3 {
		t.Errorf("%s%+v", diff, reply)
	}
	if text := reply.Changes[0].Fields; text[len(text)-1] != (api.FieldChange{Field: "bmc_password", After: "set"}) {
		t.Errorf("changes are %+v", text)
	}
	m, err := s.Machine(t.Context(), "7123456789012")
	must(t, err)
	_, pair, err := s.Login(t.Context(), m.ID)
	if err != nil || pair.Current.Reveal() != "hunter2" || m.BMC.User != "root" || m.BMC.Known() {
		t.Errorf("%+v, %v", m, err)
	}
	order := workbook(t, []any{"Model", "Qty"}, []any{"R650", 5})
	reply, err = i.ImportOrders(t.Context(), "a", order, api.OrderImport{ImportOptions: api.ImportOptions{Mapping: "order"}, Number: "PO-1", Vendor: "Dell", Expected: "2026-12-01"})
	must(t, err)
	all, err := s.Deliveries(t.Context())
	must(t, err)
	machines, err := s.Machines(t.Context())
	must(t, err)
	progress, notSeen := inventory.Follow(all, machines)
	if len(reply.Added) != 1 || progress[0].Lines[0].Announced != 2 || progress[0].Lines[0].Missing() != 3 || notSeen != 5 {
		t.Errorf("%+v: %+v", reply, progress)
	}
}
