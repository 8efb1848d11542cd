package app

import (
	"bytes"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/inventory"
)

// looked runs a program of poppler-utils or zbar-tools on a file, or on a part of it.
func looked(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).Output() //nolint:gosec // the test says which
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return string(out)
}

func saved(t *testing.T, f api.File) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), f.Name)
	must(t, os.WriteFile(name, f.Body, 0o600))
	return name
}

func printer(t *testing.T) papers {
	t.Helper()
	return papers{furnished(t), func() time.Time { return time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC) }}
}

// TestLabels prints labels of what the store knows, and reads them as people and scanners do.
func TestLabels(t *testing.T) {
	p := printer(t)
	f, err := p.Labels(t.Context(), api.LabelQuery{Rack: "ams1/hall 2/a/r1", Layout: "1x1@190x60"})
	must(t, err)
	pdf := saved(t, f)
	text := looked(t, "pdftotext", pdf, "-")
	for _, want := range []string{"hv01", "SN SN-1 AT T-1", "ams1/hall 2/a/r1, U 1", "port 1 → leaf-a Ethernet1/1", "mgmt-1 12"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "hv02") {
		t.Error("a server of another rack has a label")
	}
	picture := strings.TrimSuffix(pdf, ".pdf")
	looked(t, "pdftoppm", "-r", "200", "-gray", "-singlefile", pdf, picture)
	code := strings.TrimSpace(looked(t, "zbarimg", "--nodbus", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", picture+".pgm"))
	machines, err := p.store.Roster(t.Context())
	must(t, err)
	c, err := inventory.Scanned(func(yield func(inventory.Candidate) bool) {
		for _, m := range machines {
			if !yield(inventory.Candidate{ID: m.ID, Name: m.Name, Serial: m.Serial(), AssetTag: m.Identity.AssetTag, Place: m.Place}) {
				return
			}
		}
	}, code, "ams1/hall 2/a/r1")
	if err != nil || c.Name != "hv01" || !strings.HasPrefix(code, "SN-1 hv01 r1/1 ") {
		t.Errorf("%q is %+v, %v", code, c, err)
	}
	f, err = p.Labels(t.Context(), api.LabelQuery{Machines: "hv01,hv05", Format: "zpl"})
	must(t, err)
	if n := bytes.Count(f.Body, []byte("^XA\n")); n != 2 || f.Name != "labels.zpl" || !bytes.Contains(f.Body, []byte("^FDMA,SN-1 hv01")) {
		t.Errorf("%d labels in %s", n, f.Body)
	}
	f, err = p.Labels(t.Context(), api.LabelQuery{Machines: "hv01", Cables: true, Format: "zpl"})
	must(t, err)
	if n := bytes.Count(f.Body, []byte("^XA\n")); n != 6 || !bytes.Contains(f.Body, []byte("^FDto hv01 iDRAC")) && !bytes.Contains(f.Body, []byte("^FDto hv01 port iDRAC")) {
		t.Errorf("%d labels in %s", n, f.Body)
	}
	for says, q := range map[string]api.LabelQuery{
		"no machine fits": {Machines: "hv99"}, "has no cables": {Machines: "hv05", Cables: true}, "no layout": {Layout: "a0"}, "can be gone": {Start: 99}, "is a sheet": {Format: "zpl", Layout: "a4-3x7"},
	} {
		if _, err := p.Labels(t.Context(), q); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

// TestRMA writes lists of what was found, for the vendor of the delivery and for the maker of another server.
func TestRMA(t *testing.T) {
	p := printer(t)
	_, err := p.store.ImportDeliveries(t.Context(), []inventory.Delivery{{Number: "PO-1", Vendor: "Größe & Söhne GmbH"}}, "test", false)
	must(t, err)
	m, err := p.store.Machine(t.Context(), "hv01")
	must(t, err)
	if _, err := p.RMAFile(t.Context(), api.RMAQuery{}, "pdf"); err == nil || !strings.Contains(err.Error(), "nothing is to be") {
		t.Errorf("with nothing found: %v", err)
	}
	must(t, p.store.SetFindings(t.Context(), inventory.Findings{Machine: m.ID, Source: inventory.FromParts, Time: time.Now(), List: []inventory.Finding{
		{Source: inventory.FromParts, Kind: inventory.FindMissing, Subject: "DIMM A1", Want: "16 GiB M393", Part: "M393", Reason: "the slot is empty"},
		{Source: inventory.FromParts, Kind: inventory.FindWrongPart, Subject: "disk sda", Want: "MB4000", Got: "MB1000", Part: "MB1000", Serial: "WD-1", Reason: "it is too small"},
	}}, "test"))
	list, err := p.RMA(t.Context(), api.RMAQuery{})
	must(t, err)
	if len(list.Claims) != 2 || len(list.Vendors) != 1 || list.Claims[0].Order != "PO-1" || list.Claims[0].ServerSerial != "SN-1" {
		t.Errorf("%+v", list)
	}
	f, err := p.RMAFile(t.Context(), api.RMAQuery{Delivery: "PO-1"}, "csv")
	must(t, err)
	rows, err := csv.NewReader(bytes.NewReader(f.Body)).ReadAll()
	if err != nil || len(rows) != 3 || rows[2][8] != "WD-1" || f.Name != "rma-größe-söhne-gmbh.csv" {
		t.Errorf("%s: %v, %v", f.Name, rows, err)
	}
	f, err = p.RMAFile(t.Context(), api.RMAQuery{}, "pdf")
	must(t, err)
	text := looked(t, "pdftotext", "-layout", saved(t, f), "-")
	for _, want := range []string{"Größe & Söhne GmbH", "PO-1", "hv01", "SN-1", "WD-1", "M393", "the slot is empty"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
