//go:build e2e

package redfish_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/lab/redfish"
)

// TestRedfishtoolE2E needs Debian's redfishtool, the DMTF's own client.
func TestRedfishtoolE2E(t *testing.T) {
	b := start(t, true, inRealTime)
	tool := func(args ...string) map[string]any {
		t.Helper()
		all := append([]string{"-r", strings.TrimPrefix(b.url, "https://"), "-S", "Always", "-u", "admin", "-p", "pw"}, args...)
		out, err := exec.CommandContext(t.Context(), "redfishtool", all...).CombinedOutput()
		if err != nil {
			t.Fatalf("redfishtool %v: %v\n%s", args, err, out)
		}
		var o map[string]any
		_ = json.Unmarshal(out, &o) // some say nothing
		return o
	}
	if got := tool("-A", "Session", "Systems", "-F"); got["SerialNumber"] != "SN-1" {
		t.Error(got)
	}
	tool("Systems", "-F", "setBootOverride", "Once", "Pxe")
	tool("-A", "Session", "Systems", "-F", "reset", "On")
	if diff := cmp.Diff([]string{"Pxe"}, b.vm.Booted()); diff != "" {
		t.Error(diff)
	}
	tool("Systems", "-F", "setIndicatorLed", "Blinking")
	tool("Systems", "-F", "setAssetTag", "rack-7")
	if got := tool("Systems", "-F"); got["AssetTag"] != "rack-7" || !b.bmc.Located() {
		t.Error(got)
	}
	if got := tool("Chassis", "-F", "Power"); len(got["PowerSupplies"].([]any)) != 2 {
		t.Error(got)
	}
	if got := tool("Chassis", "-F", "Thermal"); len(got["Fans"].([]any)) != 4 {
		t.Error(got)
	}
	tool("Managers", "-F", "NetworkProtocol")
	tool("AccountService", "adduser", "socle", "long-enough", "Administrator")
	tool("AccountService", "setpassword", "socle", "another-one")
	b.want(200, "", "GET", system, "", as("socle", "another-one")...)
	tool("AccountService", "useradmin", "socle", "disable")
	b.want(401, "NoValidSession", "GET", system, "", as("socle", "another-one")...)
	tool("AccountService", "deleteuser", "socle")
	if n := len(b.bmc.Accounts()); n != 1 {
		t.Errorf("%d accounts", n)
	}
	b.bmc.AddLog(redfish.Warning, "something")
	tool("raw", "POST", system+"/LogServices/SEL/Actions/LogService.ClearLog", "-d", "{}") // its clearLog is not there, though its help says so
	if n := len(b.bmc.Log()); n != 0 {
		t.Errorf("%d entries after clearing", n)
	}
	tool("raw", "GET", "/redfish/v1/UpdateService/FirmwareInventory")
	tool("Managers", "-F", "reset", "ForceRestart")
	b.silent(t, "/redfish/v1/")
}
