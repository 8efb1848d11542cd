package redfish_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/lab/redfish"
)

// sushyScript is what OpenStack's Ironic does with a server, through its own library.
const sushyScript = `
import sys, sushy, urllib3
urllib3.disable_warnings()
def connect(password="pw"):
    return sushy.Sushy(sys.argv[1] + "/redfish/v1/", username="admin", password=password, verify=False)
root = connect()
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

# BIOS settings
s.bios.set_attributes({"SriovGlobalEnable": "Enabled"}, apply_time=sushy.APPLY_TIME_ON_RESET)
s.bios.refresh(force=True)
assert s.bios.pending_attributes == {"SriovGlobalEnable": "Enabled"}, s.bios.pending_attributes
s.secure_boot.set_enabled(True)
s.reset_system(sushy.ResetType.FORCE_RESTART)
s.refresh(force=True)
assert s.bios.attributes["SriovGlobalEnable"] == "Enabled", s.bios.attributes
assert s.secure_boot.current_boot == sushy.SecureBootCurrentBoot.ENABLED, s.secure_boot.current_boot
s.secure_boot.reset_keys(sushy.SecureBootResetKeysType.RESET_ALL_KEYS_TO_DEFAULT)

# hardware RAID
raid = s.storage.get_members()[0]
assert len(raid.drives) == 4 and raid.drives[0].serial_number == "SN-1-Disk0", raid.drives
monitor = raid.volumes.create({"Name": "root", "RAIDType": "RAID1", "Links": {"Drives": [{"@odata.id": d.path} for d in raid.drives[:2]]}})
monitor.wait(20)
raid.volumes.refresh(force=True)
volume = raid.volumes.get_members()[0]
assert volume.name == "root" and volume.raid_type == sushy.RAIDType.RAID1, volume
volume.delete()

# virtual media
m = root.get_manager("/redfish/v1/Managers/1")
assert m.firmware_version == "1.0.0"
cd = [v for v in m.virtual_media.get_members() if sushy.VirtualMediaType.CD in v.media_types][0]
cd.insert_media("http://198.18.0.1/ramdisk.iso")
cd.refresh(force=True)
assert cd.inserted and cd.image_name == "ramdisk.iso", (cd.inserted, cd.image_name)
cd.eject_media()

# firmware
monitor = root.get_update_service().simple_update(sys.argv[2] + "/bios")
monitor.wait(20)
s.reset_system(sushy.ResetType.FORCE_RESTART)
bios = root.get_update_service().firmware_inventory.get_member("/redfish/v1/UpdateService/FirmwareInventory/BIOS")
assert bios.version == "2.17.1", bios.version

# chassis, sensors, tasks, events, sessions
c = s.chassis[0]
assert len(c.power.power_supplies) == 2 and c.power.power_supplies[0].status.health == sushy.Health.OK, c.power
assert len(c.thermal.fans) == 4 and len(c.thermal.temperatures) == 4, c.thermal
c.set_indicator_led(sushy.IndicatorLED.BLINKING)
assert len(root.get_task_service().tasks.get_members()) == 2
events = root.get_event_service()
subscription = events.subscriptions.create({"Destination": "https://127.0.0.1:1/", "Protocol": "Redfish", "Context": "x", "EventTypes": ["Alert"]})
subscription[1].delete() if isinstance(subscription, tuple) else subscription.delete()

s.reset_system(sushy.ResetType.FORCE_OFF)
try:
    s.set_system_boot_options(sushy.BOOT_SOURCE_TARGET_PXE, mode=sushy.BOOT_SOURCE_MODE_BIOS)
    raise SystemExit("a UEFI machine took BIOS mode")
except sushy.exceptions.BadRequestError as e:
    assert "PropertyValueNotInList" in str(e), e
try:
    connect("no").get_system("/redfish/v1/Systems/1")
    raise SystemExit("a wrong password was let in")
except sushy.exceptions.AccessError:
    pass
m.reset_manager(sushy.ResetType.FORCE_RESTART)
`

// TestSushy needs Debian's python3-sushy.
func TestSushy(t *testing.T) {
	b := start(t, true, inRealTime)
	from := files(t, map[string][]byte{"/bios": redfish.FirmwareImage(redfish.FirmwareBIOS, "2.17.1")})
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", sushyScript, b.url, from)
	// requests prefers the bundle of the environment over verify=False.
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "REQUESTS_CA_BUNDLE=") && !strings.HasPrefix(e, "CURL_CA_BUNDLE=") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := []string{redfish.On, redfish.ForceRestart, redfish.ForceRestart, redfish.ForceRestart, redfish.ForceOff}
	if diff := cmp.Diff(want, b.vm.Actions()); diff != "" {
		t.Error(diff)
	}
	if !b.bmc.Located() {
		t.Error("the light is off")
	}
	b.silent(t, "/redfish/v1/")
}

func inRealTime(o *redfish.Options) {
	o.Now, o.WorkTime, o.RestartTime = time.Now, 100*time.Millisecond, 30*time.Second
}
