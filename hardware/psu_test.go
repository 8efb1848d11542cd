package hardware_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/hardware"
)

// TestPSUsOfBMC: what the BMC tells fills what the firmware leaves open, and never goes before the firmware.
func TestPSUsOfBMC(t *testing.T) {
	told := []hardware.PSU{{Locator: "PSU1", PartNumber: "05RHVV", Serial: "A1", Present: true, Source: hardware.ToldByBMC}, {Locator: "PSU2", Source: hardware.ToldByBMC}}
	var f hardware.Facts
	if f.TakePSUs(nil) || !f.TakePSUs(told) || f.TakePSUs(told) || f.TakePSUs(nil) {
		t.Error("only what is new is to be taken")
	}
	if diff := cmp.Diff(told, f.PSUs); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
	told[0].Serial = "B7"
	if f.PSUs[0].Serial != "A1" || !f.TakePSUs(told) {
		t.Error("a changed power supply is to be taken, and only when it is taken")
	}
	own := hardware.Facts{PSUs: []hardware.PSU{{Locator: "PSU.Slot.1", Serial: "A1", Present: true}}}
	if own.TakePSUs(told) || len(own.PSUs) != 1 {
		t.Errorf("taken although the firmware lists them: %+v", own.PSUs)
	}
}
