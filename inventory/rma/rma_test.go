package rma_test

import (
	"bytes"
	"encoding/csv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/hardware"
	"socle/inventory"
	"socle/inventory/rma"
)

func world() ([]inventory.Machine, []inventory.Findings, []inventory.Delivery) {
	machines := []inventory.Machine{
		{ID: "1", Name: "hv1", Model: "r650", Delivery: "PO-1", Identity: inventory.Identity{Serial: "S1"}, Place: inventory.Place{Site: "ams1", Rack: "r1", U: 4},
			Facts: &hardware.Facts{System: hardware.System{Manufacturer: "Dell Inc.", Product: "PowerEdge R650"}, Disks: []hardware.Disk{{Name: "sda", Model: "MB4000GEFNA", Serial: "wd-1"}}}},
		{ID: "2", Name: "hv2", Facts: &hardware.Facts{System: hardware.System{Manufacturer: "HP", Serial: "S2"}}},
		{ID: "3", Name: "hv3"},
	}
	findings := []inventory.Findings{
		{Machine: "1", Source: inventory.FromBurnIn, List: []inventory.Finding{{Source: inventory.FromBurnIn, Kind: inventory.FindFailed, Subject: "disk sda", Serial: "WD-1", Reason: "12 reads failed"}}},
		{Machine: "1", Source: inventory.FromOutlier, List: []inventory.Finding{
			{Source: inventory.FromOutlier, Kind: inventory.FindSlow, Subject: "disk WD-1", Serial: "WD-1", Reason: "38 % below its peers"},
			{Source: inventory.FromOutlier, Kind: inventory.FindSlow, Subject: "port eth0", Reason: "slow, with no part"},
			{Source: inventory.FromOutlier, Kind: inventory.FindUnstable, Subject: "disk sdb", Serial: "x", Minor: true},
		}},
		{Machine: "1", Source: inventory.FromParts, List: []inventory.Finding{
			{Source: inventory.FromParts, Kind: inventory.FindWrongSlot, Subject: "DIMM A1"}, {Source: inventory.FromParts, Kind: inventory.FindFirmware, Subject: "BIOS"},
			{Source: inventory.FromParts, Kind: inventory.FindExtra, Subject: "DIMM A2", Part: "M1"},
		}},
		{Machine: "1", Source: inventory.FromCabling, List: []inventory.Finding{{Source: inventory.FromCabling, Kind: inventory.FindMissing, Subject: "port 1"}}},
		{Machine: "2", Source: inventory.FromParts, List: []inventory.Finding{{Source: inventory.FromParts, Kind: inventory.FindMissing, Subject: "DIMM PROC 1 DIMM 4", Want: "16 GiB =1+1", Part: "=1+1", Reason: "the slot is empty"}}},
		{Machine: "3", Source: inventory.FromParts, List: []inventory.Finding{{Source: inventory.FromParts, Kind: inventory.FindWrongPart, Subject: "disk sda", Part: "P", Serial: "S", Reason: "another one"}}},
	}
	return machines, findings, []inventory.Delivery{{Number: "po-1", Vendor: "Boxes GmbH"}}
}

func TestList(t *testing.T) {
	got := rma.List(machinesAnd(rma.Filter{}))
	want := []rma.Claim{
		{Vendor: "Boxes GmbH", Order: "PO-1", Server: "hv1", ServerSerial: "S1", Model: "PowerEdge R650", Place: "ams1/r1, U 4", Part: "disk sda", PartNumber: "MB4000GEFNA", PartSerial: "WD-1",
			Problem: "failed", Reason: "12 reads failed; 38 % below its peers"},
		{Vendor: "HP", Server: "hv2", ServerSerial: "S2", Part: "DIMM PROC 1 DIMM 4", PartNumber: "=1+1", Problem: "missing", Ordered: "16 GiB =1+1", Reason: "the slot is empty"},
		{Vendor: rma.NoVendor, Server: "hv3", Part: "disk sda", PartNumber: "P", PartSerial: "S", Problem: "wrong-part", Reason: "another one"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"Boxes GmbH", "HP", rma.NoVendor}, rma.Vendors(got)); d != "" {
		t.Error(d)
	}
	for f, server := range map[rma.Filter]string{{Vendor: "hp"}: "hv2", {Delivery: "po-1"}: "hv1"} {
		if got := rma.List(machinesAnd(f)); len(got) != 1 || got[0].Server != server {
			t.Errorf("%+v: %+v", f, got)
		}
	}
}

func machinesAnd(f rma.Filter) ([]inventory.Machine, []inventory.Findings, []inventory.Delivery, rma.Filter) {
	m, found, d := world()
	return m, found, d, f
}

func TestWrite(t *testing.T) {
	var b bytes.Buffer
	if err := rma.Write(&b, rma.List(machinesAnd(rma.Filter{Vendor: "HP"}))); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatal(rows, err)
	}
	want := []string{"HP", "", "hv2", "S2", "", "", "DIMM PROC 1 DIMM 4", "'=1+1", "", "missing", "16 GiB =1+1", "", "the slot is empty"}
	if d := cmp.Diff(want, rows[1]); d != "" {
		t.Error(d)
	}
}
