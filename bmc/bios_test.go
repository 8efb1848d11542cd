package bmc_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"socle/bmc"
	"socle/inventory"
	"socle/lab/redfish"
)

// patient are bounds for tests that ask much: no pause between calls, and no hurry.
var patient = bmc.Options{Burst: 1000, OffTime: 50 * time.Millisecond, BootSettle: 300 * time.Millisecond, Settle: 10 * time.Second}

// settingsOf reads the settings of a server.
func settingsOf(t *testing.T, d *bmc.Driver, to bmc.Target, job string) inventory.Bios {
	t.Helper()
	b, err := d.Bios(t.Context(), to, job)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func setting(t *testing.T, b inventory.Bios, name string) inventory.Attribute {
	t.Helper()
	a, ok := b.Attribute(name)
	if !ok {
		t.Fatalf("there is no setting %s among %d", name, len(b.Attributes))
	}
	return a
}

// TestBiosShapes reads, orders, boots and reads back by the controllers of each vendor: those that show what waits and
// those that show all that will be, those that need a job for it and those that do not, with right ETags and wrong ones.
func TestBiosShapes(t *testing.T) {
	for _, name := range redfish.Shapes() {
		t.Run(name, func(t *testing.T) {
			e, _, target := shaped(t, name)
			d := bmc.New(patient)
			b := settingsOf(t, d, target, "")
			a := setting(t, b, "AcPwrRcvryDelay")
			if b.Registry == "" || len(b.Attributes) != 10 || a.Value != int64(60) || a.Kind != inventory.AttributeNumber || *a.Least != 60 || *a.Most != 240 || a.Pending != nil {
				t.Fatalf("%+v, %+v", b, a)
			}
			if a := setting(t, b, "SystemMemoryModel"); !a.ReadOnly || a.Kind != inventory.AttributeText {
				t.Errorf("%+v", a)
			}
			e.Faults().Add(redfish.Fault{Kind: redfish.WrongETag, Times: 2, Path: "/redfish/v1/Systems/*/Bios/Settings"})
			e.Faults().Add(redfish.Fault{Kind: redfish.Conflict, Times: 2})
			job, err := d.SetBios(t.Context(), target, inventory.Values{"SriovGlobalEnable": "Enabled"}, "")
			if err != nil {
				t.Fatal(err)
			}
			if n := e.Faults().Happened(redfish.Conflict); n != 2 {
				t.Errorf("%d conflicts", n)
			}
			// More settings come on top: where a job holds the first ones, its order is replaced.
			want := inventory.Values{"SriovGlobalEnable": "Enabled", "AcPwrRcvryDelay": int64(90)}
			if job, err = d.SetBios(t.Context(), target, want, job); err != nil {
				t.Fatal(err)
			}
			b = settingsOf(t, d, target, job)
			if diff := b.Diff(want); len(diff) != 2 || diff[0].Pending != int64(90) || diff[1].Pending != "Enabled" {
				t.Errorf("before the boot: %+v", diff)
			}
			if !b.Busy && job != "" {
				t.Error("its job is over before the boot")
			}
			if _, err := d.SetPower(t.Context(), target, bmc.On); err != nil {
				t.Fatal(err)
			}
			for range 200 {
				if b = settingsOf(t, d, target, job); !b.Busy {
					break
				}
				time.Sleep(50 * time.Millisecond)
			}
			if diff := b.Diff(want); len(diff) != 0 || b.Busy || e.BIOS()["AcPwrRcvryDelay"] != 90 {
				t.Errorf("after the boot: %+v, busy %v, %v", diff, b.Busy, e.BIOS())
			}
		})
	}
}

// TestBiosJob: a controller with jobs shows what its job has not done yet as if it were so; as long as it works at it,
// it counts for nothing, and after a job that failed it is not so.
func TestBiosJob(t *testing.T) {
	want := inventory.Values{"AssetTag": "r01u07"}
	begin := func(kind redfish.Kind) (d *bmc.Driver, target bmc.Target, job string) {
		t.Helper()
		e, _, target := shaped(t, "idrac9")
		e.Faults().Add(redfish.Fault{Kind: kind, Path: "/redfish/v1/Systems/*/Bios/Settings"})
		d = bmc.New(patient)
		job, err := d.SetBios(t.Context(), target, want, "")
		if err != nil || job == "" {
			t.Fatalf("job %q, %v", job, err)
		}
		_, err = d.SetBios(t.Context(), target, inventory.Values{"AssetTag": "other"}, "")
		if err == nil || !strings.Contains(err.Error(), "already committed") {
			t.Errorf("settings on top of another's job: %v", err)
		}
		if _, err := d.SetPower(t.Context(), target, bmc.On); err != nil {
			t.Fatal(err)
		}
		return d, target, job
	}
	d, target, job := begin(redfish.StuckWork)
	if b, err := d.BiosValues(t.Context(), target, job); err != nil || !b.Busy || len(b.Diff(want)) != 0 {
		t.Errorf("while its job works: busy %v, %v, %v", b.Busy, b.Diff(want), err)
	}
	d, target, job = begin(redfish.FailWork)
	for range 200 {
		b, err := d.BiosValues(t.Context(), target, job)
		if err != nil {
			t.Fatal(err)
		}
		if !b.Busy {
			if diff := b.Diff(want); len(diff) != 1 || diff[0].Pending != nil {
				t.Errorf("after a job that failed: %+v", diff)
			}
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("the job never ends")
}

func TestBiosReadBack(t *testing.T) {
	for _, name := range []string{"generic", "idrac9"} {
		e, _, target := shaped(t, name)
		e.Faults().Add(redfish.Fault{Kind: redfish.Ignore})
		_, err := bmc.New(patient).SetBios(t.Context(), target, inventory.Values{"AssetTag": "x", "SysProfile": "Custom"}, "")
		mustBe(t, err, bmc.ErrReadBack, "no change of AssetTag, SysProfile")
	}
}

// TestBiosRefused: what the controller does not take it says itself, and nothing of it waits.
func TestBiosRefused(t *testing.T) {
	e, _, target := shaped(t, "generic")
	d := bmc.New(patient)
	_, err := d.SetBios(t.Context(), target, inventory.Values{"AssetTag": "x", "SysProfile": "Fast"}, "")
	if err == nil || !strings.Contains(err.Error(), "SysProfile") || !strings.Contains(err.Error(), "Fast") {
		t.Error(err)
	}
	if b := settingsOf(t, d, target, ""); setting(t, b, "AssetTag").Pending != nil {
		t.Error("a part of it waits")
	}
	e.Faults().Add(redfish.Fault{Kind: redfish.Conflict})
	_, err = d.SetBios(t.Context(), target, inventory.Values{"AssetTag": "x"}, "")
	if err == nil || !strings.Contains(err.Error(), "HTTP 409") {
		t.Errorf("a conflict for ever: %v", err)
	}
	// Without a registry, values are what they are, and nothing says what they may be.
	e.Faults().Clear()
	e.Faults().Add(redfish.Fault{Kind: redfish.Error, Methods: []string{http.MethodGet}, Path: "/redfish/v1/Registries/**"})
	if _, err := d.Bios(t.Context(), target, ""); err == nil {
		t.Error("a registry that cannot be read was taken for none")
	}
}

func TestBiosOverIPMI(t *testing.T) {
	p := startIPMI(t)
	_, err := bmc.New(patient).Bios(t.Context(), p.target, "")
	mustBe(t, err, bmc.ErrUnsupported, "IPMI has no words for settings")
}
