//go:build e2e

package redfish_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/lab/redfish"
)

// sushyScript is what OpenStack's Ironic does with a server, through its own library.
const sushyScript = `
import sys, sushy, urllib3
urllib3.disable_warnings()
root = sushy.Sushy(sys.argv[1] + "/redfish/v1/", username="admin", password="pw", verify=False)
s = root.get_system("/redfish/v1/Systems/1")
assert s.serial_number == "SN-1" and s.power_state == sushy.PowerState.OFF, (s.serial_number, s.power_state)
assert set(s.ethernet_interfaces.summary) == {"52:54:00:00:00:01", "52:54:00:00:00:02"}, s.ethernet_interfaces.summary
s.set_system_boot_options(sushy.BOOT_SOURCE_TARGET_PXE, enabled=sushy.BOOT_SOURCE_ENABLED_ONCE)
s.refresh(force=True)
assert s.boot.target == sushy.BootSource.PXE and s.boot.enabled == sushy.BootSourceOverrideEnabled.ONCE, s.boot
s.reset_system(sushy.ResetType.ON)
s.reset_system(sushy.ResetType.FORCE_RESTART)
s.refresh(force=True)
assert s.power_state == sushy.PowerState.ON, s.power_state
s.reset_system(sushy.ResetType.FORCE_OFF)
try:
    s.set_system_boot_options(sushy.BOOT_SOURCE_TARGET_PXE, mode=sushy.BOOT_SOURCE_MODE_BIOS)
    raise SystemExit("a UEFI machine took BIOS mode")
except sushy.exceptions.BadRequestError as e:
    assert "PropertyValueNotInList" in str(e), e
try:
    sushy.Sushy(sys.argv[1] + "/redfish/v1/", username="admin", password="no", verify=False).get_system("/redfish/v1/Systems/1")
    raise SystemExit("a wrong password was let in")
except sushy.exceptions.AccessError:
    pass
assert root.get_manager("/redfish/v1/Managers/1").firmware_version == "1.0.0"
`

// TestSushyE2E needs Debian's python3-sushy.
func TestSushyE2E(t *testing.T) {
	b := start(t, true)
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", sushyScript, b.url)
	// requests prefers the bundle of the environment over verify=False.
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "REQUESTS_CA_BUNDLE=") && !strings.HasPrefix(e, "CURL_CA_BUNDLE=") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if diff := cmp.Diff([]string{redfish.On, redfish.ForceRestart, redfish.ForceOff}, b.vm.Actions()); diff != "" {
		t.Error(diff)
	}
}

// TestRedfishtoolE2E needs Debian's redfishtool, the DMTF's own client.
func TestRedfishtoolE2E(t *testing.T) {
	b := start(t, true)
	tool := func(args ...string) string {
		t.Helper()
		all := append([]string{"-r", strings.TrimPrefix(b.url, "https://"), "-S", "Always", "-u", "admin", "-p", "pw"}, args...)
		out, err := exec.CommandContext(t.Context(), "redfishtool", all...).CombinedOutput()
		if err != nil {
			t.Fatalf("redfishtool %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	if got := tool("-A", "Session", "Systems", "-F"); !strings.Contains(got, "SN-1") {
		t.Error(got)
	}
	tool("Systems", "-F", "setBootOverride", "Once", "Pxe")
	tool("-A", "Session", "Systems", "-F", "reset", "On")
	tool("Managers", "-F")
	tool("Chassis", "-F")
	tool("AccountService", "Accounts")
	if diff := cmp.Diff([]string{"Pxe"}, b.vm.Booted()); diff != "" {
		t.Error(diff)
	}
}
