package bom_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/hardware"
	"socle/inventory/bom"
)

// TestFirmwareRules: exact and least versions of BIOS, BMC and the disks of some models.
func TestFirmwareRules(t *testing.T) {
	p, err := bom.Parse([]byte(`name: x
items: [{class: nic, count: 0}]
firmware:
  - {of: bios, at_least: "2.10"}
  - {of: bmc, exactly: "1.73.06"}
  - {of: disk, parts: [big  disk], exactly: HPD3}
`))
	if err != nil {
		t.Fatal(err)
	}
	facts := func(bios, bmc, disk string) hardware.Facts {
		return hardware.Facts{Firmware: hardware.Firmware{Version: bios}, BMC: &hardware.BMC{Version: bmc},
			Disks: []hardware.Disk{{Name: "sda", Model: "Big disk", Firmware: disk}, {Name: "sdb", Model: "other", Firmware: "1"}}}
	}
	none := facts("2.10", "", "HPD3")
	none.BMC = nil
	for name, c := range map[string]struct {
		have hardware.Facts
		want []string
	}{
		"as ordered": {facts("2.10", "1.73.06", "HPD3"), nil},
		"newer":      {facts("2.11", "1.74.01", "HPD3"), []string{"firmware BMC: firmware 1.74.01 runs, 1.73.06 was ordered"}},
		"older":      {facts("2.9", "1.73.06", "HPD1"), []string{"firmware BIOS: firmware 2.9 runs, at least 2.10 was ordered", "firmware disk sda: firmware HPD1 runs, HPD3 was ordered"}},
		"odd":        {facts("what?", "1.73.06", "HPD3"), []string{"unknown BIOS: firmware what? cannot be compared with 2.10"}},
		"no BMC":     {none, []string{"unknown BMC: which firmware it runs could not be read, 1.73.06 was ordered"}},
	} {
		if diff := cmp.Diff(c.want, said(p, c.have)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	_, err = bom.Parse([]byte("name: x\nitems: [{class: nic}]\nfirmware: [{of: fan, exactly: a}, {of: bios}, {of: bmc, exactly: a, parts: [b]}, {of: bios, at_least: \"?\"}]\n"))
	for _, want := range []string{`firmware[0]: of "fan"`, "firmware[1]: write exactly or", "firmware[2]: parts are", `firmware[3]: at_least "?"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

// TestTakeFirmware: firmware is wanted as the good server has it, but that of disks of one model which differ, and what could not be read.
func TestTakeFirmware(t *testing.T) {
	golden := hardware.Facts{Firmware: hardware.Firmware{Version: " 2.4.1 "}, BMC: &hardware.BMC{Version: "1.0"}, Disks: []hardware.Disk{
		{Name: "sda", Model: "Big disk", Firmware: "HPD3"}, {Name: "sdb", Model: "BIG  disk", Firmware: "HPD3"}, {Name: "sdc", Model: "odd", Firmware: "1"},
		{Name: "sdd", Model: "odd", Firmware: "2"}, {Name: "sde", Model: "odd", Firmware: "2"}, {Name: "sdf", Model: "mute"}, {Name: "sdg", Model: "stick", Firmware: "9", Removable: true},
	}}
	p := bom.Take("x", golden)
	want := []bom.Rule{{Of: "bios", Exactly: "2.4.1"}, {Of: "bmc", Exactly: "1.0"}, {Of: "disk", Parts: []string{"BIG DISK"}, Exactly: "HPD3"}}
	if diff := cmp.Diff(want, p.Firmware); diff != "" {
		t.Error(diff)
	}
	golden.Firmware.Version, golden.Disks[1].Firmware = "1.9.0", "HPD1"
	if diff := cmp.Diff([]string{"firmware BIOS: firmware 1.9.0 runs, 2.4.1 was ordered", "firmware disk sdb: firmware HPD1 runs, HPD3 was ordered"}, said(p, golden)); diff != "" {
		t.Error(diff)
	}
	if nothing := bom.Take("x", hardware.Facts{}); len(nothing.Firmware) != 0 {
		t.Errorf("rules of nothing: %+v", nothing.Firmware)
	}
}
