package app

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/api"
	"socle/hardware"
	"socle/inventory"
)

// TestBMCEntry: what the BMC said comes before what the agent saw, the last answer counts, and what is wrong is said.
func TestBMCEntry(t *testing.T) {
	early := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	late := early.Add(time.Hour)
	at := inventory.BMC{Protocol: inventory.Redfish, Address: "198.18.1.12", User: "root", Seen: early}
	inside := &hardware.Facts{System: hardware.System{Manufacturer: "ACME", Product: "Box"}, BMC: &hardware.BMC{Address: "198.18.1.99", MAC: "02:53:00:00:01:0b", Version: "9.08"}}
	for _, tc := range []struct {
		name string
		m    inventory.Machine
		look inventory.Condition
		want api.BMCEntry // no machine: not in the list
	}{
		{"nothing known", inventory.Machine{Name: "a"}, inventory.Condition{}, api.BMCEntry{}},
		{"of the manifest", inventory.Machine{Name: "a", BMC: at}, inventory.Condition{},
			api.BMCEntry{Machine: "a", Protocol: "redfish", Address: "198.18.1.12", User: "root", Origin: "manifest", Seen: &early}},
		{"looked at since", inventory.Machine{Name: "a", BMC: at, Facts: inside}, inventory.Condition{Time: late},
			api.BMCEntry{Machine: "a", Protocol: "redfish", Address: "198.18.1.12", MAC: "02:53:00:00:01:0b", Vendor: "ACME", Model: "Box", Firmware: "9.08", User: "root", Origin: "manifest", Seen: &late}},
		{"silent", inventory.Machine{Name: "a", BMC: at}, inventory.Condition{Failure: "no answer"},
			api.BMCEntry{Machine: "a", Protocol: "redfish", Address: "198.18.1.12", User: "root", Origin: "manifest", Seen: &early, Problem: "no answer"}},
		{"refuses", inventory.Machine{Name: "a", BMC: at, Fault: &inventory.Fault{Kind: inventory.FaultBMCAuth, Reason: "refused"}}, inventory.Condition{},
			api.BMCEntry{Machine: "a", Protocol: "redfish", Address: "198.18.1.12", User: "root", Origin: "manifest", Seen: &early, Problem: "refused"}},
		{"a fault of another kind", inventory.Machine{Name: "a", BMC: at, Fault: &inventory.Fault{Kind: inventory.FaultNoDisk, Reason: "no disk"}}, inventory.Condition{},
			api.BMCEntry{Machine: "a", Protocol: "redfish", Address: "198.18.1.12", User: "root", Origin: "manifest", Seen: &early}},
		{"from inside alone", inventory.Machine{Name: "a", Facts: inside}, inventory.Condition{},
			api.BMCEntry{Machine: "a", Address: "198.18.1.99", MAC: "02:53:00:00:01:0b", Vendor: "ACME", Model: "Box", Firmware: "9.08",
				Problem: "no login and no protocol is known: name it in the manifest, or adopt it"}},
	} {
		got, listed := bmcEntry(tc.m, tc.look)
		if listed != (tc.want.Machine != "") {
			t.Errorf("%s: listed %v", tc.name, listed)
		} else if diff := cmp.Diff(tc.want, got); listed && diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}
