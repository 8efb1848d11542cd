package redfish_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/lab/redfish"
)

func basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

func shaped(t *testing.T, name string) func(*redfish.Options) {
	t.Helper()
	s, err := redfish.ShapeByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *redfish.Options) { o.Shape = s }
}

const idrac = "/redfish/v1/Systems/System.Embedded.1"

func TestShapes(t *testing.T) {
	if _, err := redfish.ShapeByName("toaster"); err == nil {
		t.Error("there is a shape for toasters")
	}
	for _, name := range redfish.Shapes() {
		t.Run(name, func(t *testing.T) {
			b := start(t, true, shaped(t, name))
			b.walk(t)
			systems := b.want(200, "", "GET", "/redfish/v1/Systems", "")
			at := systems.at("Members").([]any)[0].(map[string]any)["@odata.id"].(string)
			if a := b.want(200, "", "GET", at, ""); a.at("SerialNumber") != "SN-1" || name != "generic" && a.at("Model") == "VR-1" {
				t.Error(a.body)
			}
			if name != "generic" && at == idrac {
				b.want(404, "ResourceMissingAtURI", "GET", system, "")
			}
		})
	}
}

// TestBootModeJob: iDRAC 9 makes a BIOS job of a boot override for once that names the mode, and the server boots twice.
func TestBootModeJob(t *testing.T) {
	b := start(t, true, shaped(t, "idrac9"))
	override := func(enabled, target string) string {
		return fmt.Sprintf(`{"Boot":{"BootSourceOverrideEnabled":%q,"BootSourceOverrideTarget":%q,"BootSourceOverrideMode":"UEFI"}}`, enabled, target)
	}
	if a := b.want(200, "", "PATCH", idrac, override("Once", "Pxe")); a.at("Boot/BootSourceOverrideTarget") != "Pxe" || a.at("Boot/BootSourceOverrideEnabled") != "Once" {
		t.Error(a.at("Boot"))
	}
	job := "/redfish/v1/TaskService/Tasks/1"
	if a := b.want(202, "", "GET", job, ""); a.at("TaskState") != "Pending" {
		t.Error(a.body)
	}
	b.want(204, "", "POST", idrac+"/Actions/ComputerSystem.Reset", `{"ResetType":"On"}`)
	if diff := cmp.Diff([]string{"None", "Pxe"}, b.vm.Booted()); diff != "" {
		t.Error(diff)
	}
	b.pass(24 * time.Hour)
	if a := b.want(200, "", "GET", job, ""); a.at("TaskState") != "Completed" {
		t.Error(a.body)
	}
	// One that does not name the mode needs no job, and a persistent one neither.
	b.want(200, "", "PATCH", idrac, pxeOnce)
	b.want(204, "", "POST", idrac+"/Actions/ComputerSystem.Reset", `{"ResetType":"ForceRestart"}`)
	b.want(200, "", "PATCH", idrac, override("Continuous", "Pxe"))
	b.want(204, "", "POST", idrac+"/Actions/ComputerSystem.Reset", `{"ResetType":"ForceRestart"}`)
	if diff := cmp.Diff([]string{"None", "Pxe", "Pxe", "Pxe"}, b.vm.Booted()); diff != "" {
		t.Error(diff)
	}
	// Without its job, an override comes to nothing.
	b.want(200, "", "PATCH", idrac, override("Once", "Cd"))
	b.want(204, "", "DELETE", "/redfish/v1/TaskService/Tasks/2", "")
	b.want(204, "", "POST", idrac+"/Actions/ComputerSystem.Reset", `{"ResetType":"ForceRestart"}`)
	if n := len(b.vm.Booted()); n != 5 || b.vm.Booted()[4] != "None" {
		t.Error(b.vm.Booted())
	}
}

func TestPowerConflict(t *testing.T) {
	b := start(t, true, shaped(t, "idrac10"))
	b.want(204, "", "POST", idrac+"/Actions/ComputerSystem.Reset", `{"ResetType":"On"}`)
	b.want(409, "NoOperation", "POST", idrac+"/Actions/ComputerSystem.Reset", `{"ResetType":"On"}`)
}

func TestBootInSettings(t *testing.T) {
	b := start(t, true, shaped(t, "idrac10"))
	b.want(400, "PropertyNotWritable", "PATCH", idrac, pxeOnce)
	at := b.want(200, "", "GET", idrac, "").at("@Redfish.Settings/SettingsObject/@odata.id").(string)
	b.want(200, "", "PATCH", at, pxeOnce)
	b.want(204, "", "POST", idrac+"/Actions/ComputerSystem.Reset", `{"ResetType":"On"}`)
	if diff := cmp.Diff([]string{"Pxe"}, b.vm.Booted()); diff != "" {
		t.Error(diff)
	}
}

// TestBootPayload: HPE refuses a whole boot payload, and others refuse one that is not (bmclib issue 318).
func TestBootPayload(t *testing.T) {
	whole := `{"Boot":{"BootSourceOverrideEnabled":"Once","BootSourceOverrideTarget":"Pxe","BootSourceOverrideMode":"UEFI"}}`
	hpe := start(t, true, shaped(t, "ilo5"))
	hpe.want(400, "PropertyNotWritable", "PATCH", system, whole)
	hpe.want(200, "", "PATCH", system, pxeOnce)
	if a := hpe.want(200, "", "POST", power, `{"ResetType":"On"}`); a.body == nil {
		t.Error("no message")
	}
	smc := start(t, true, shaped(t, "x11"))
	smc.want(400, "PropertyMissing", "PATCH", system, pxeOnce)
	smc.want(200, "", "PATCH", system, whole)
}

func TestOwnShape(t *testing.T) {
	s, err := redfish.ShapeByName("generic")
	if err != nil {
		t.Fatal(err)
	}
	s.Quirks.NeedsIfMatch, s.Quirks.PatchNoContent, s.System = true, true, "Self"
	b := start(t, true, func(o *redfish.Options) { o.Shape = s })
	at := "/redfish/v1/Systems/Self"
	b.want(428, "PreconditionRequired", "PATCH", at, pxeOnce)
	tag := b.want(200, "", "GET", at, "").header.Get("ETag")
	if a := b.want(204, "", "PATCH", at, pxeOnce, "If-Match", tag); a.body != nil {
		t.Error(a.body)
	}
	if slices.Contains(redfish.Shapes(), "Self") {
		t.Error("a changed copy came into the list")
	}
}
