package redfish_test

import (
	"testing"

	gofishredfish "github.com/stmcginnis/gofish/redfish"

	"socle/lab/redfish"
)

func TestGofishBios(t *testing.T) {
	b := start(t, true)
	s := b.gofishSystem()
	bios := must[*gofishredfish.Bios](t)(s.Bios())
	check(t, bios.UpdateBiosAttributes(gofishredfish.SettingsAttributes{"SriovGlobalEnable": "Enabled", "AcPwrRcvryDelay": 90}))
	if err := bios.UpdateBiosAttributes(gofishredfish.SettingsAttributes{"SriovGlobalEnable": "Perhaps"}); err == nil {
		t.Error("a value that there is not was taken")
	}
	b.want(400, "PropertyUnknown", "PATCH", system+"/Bios/Settings", `{"Attributes":{"Nonsense":1}}`)
	if got := b.bmc.BIOS()["SriovGlobalEnable"]; got != "Disabled" {
		t.Errorf("before the boot: %v", got)
	}
	b.reset(t, redfish.On)
	bios = must[*gofishredfish.Bios](t)(s.Bios())
	if bios.Attributes["SriovGlobalEnable"] != "Enabled" || bios.Attributes["AcPwrRcvryDelay"] != 90.0 {
		t.Errorf("after the boot: %v", bios.Attributes)
	}
	check(t, bios.ResetBios())
	b.bmc.Booted() // one that the controller did not order
	if got := b.bmc.BIOS()["SriovGlobalEnable"]; got != "Disabled" {
		t.Errorf("after the reset: %v", got)
	}
	b.faults.Add(redfish.Fault{Kind: redfish.LoseSettings})
	check(t, bios.UpdateBiosAttributes(gofishredfish.SettingsAttributes{"SriovGlobalEnable": "Enabled"}))
	b.reset(t, redfish.ForceRestart)
	if got := b.bmc.BIOS()["SriovGlobalEnable"]; got != "Disabled" {
		t.Errorf("lost settings: %v", got)
	}
}

func TestGofishSecureBoot(t *testing.T) {
	b := start(t, true)
	s := b.gofishSystem()
	look := func() *gofishredfish.SecureBoot { return must[*gofishredfish.SecureBoot](t)(s.SecureBoot()) }
	sb := look()
	sb.SecureBootEnable = true
	check(t, sb.Update())
	if got := look(); !got.SecureBootEnable || got.SecureBootCurrentBoot != "Disabled" {
		t.Errorf("before the boot: %v %v", got.SecureBootEnable, got.SecureBootCurrentBoot)
	}
	b.reset(t, redfish.On)
	if got := look(); got.SecureBootCurrentBoot != "Enabled" || got.SecureBootMode != "UserMode" {
		t.Errorf("after the boot: %v %v", got.SecureBootCurrentBoot, got.SecureBootMode)
	}
	check(t, look().ResetKeys(gofishredfish.DeleteAllKeysResetKeysType))
	b.reset(t, redfish.ForceRestart)
	if got := look(); got.SecureBootCurrentBoot != "Disabled" || got.SecureBootMode != "SetupMode" {
		t.Errorf("without keys: %v %v", got.SecureBootCurrentBoot, got.SecureBootMode)
	}
	start(t, false).want(404, "ResourceMissingAtURI", "GET", system+"/SecureBoot", "")
}
