package bmc_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/bmc"
	"socle/inventory"
	"socle/lab/redfish"
)

// TestShapes boots and switches a server by the controllers of each vendor. What the table of quirks knows a
// controller to refuse is never tried: a refusal on the way is an error here.
func TestShapes(t *testing.T) {
	for _, name := range redfish.Shapes() {
		t.Run(name, func(t *testing.T) {
			b, _, target := shaped(t, name)
			d := bmc.New(usual)
			for _, boot := range []bmc.Device{bmc.BootPXE, bmc.BootDisk} {
				if err := nextBoot(t.Context(), d, target, boot, true); err != nil {
					t.Error(err)
				}
			}
			for _, a := range []bmc.Action{bmc.On, bmc.Reset, bmc.Off, bmc.Cycle} {
				want := inventory.PowerOn
				if a == bmc.Off {
					want = inventory.PowerOff
				}
				if p, err := d.SetPower(t.Context(), target, a); err != nil || p != want {
					t.Errorf("%s: power %q, %v", a, p, err)
				}
			}
			for _, r := range b.Requests() {
				if r.Method != http.MethodGet && r.Status >= 400 {
					t.Errorf("refused with %d: %s %s %s", r.Status, r.Method, r.Path, r.Body)
				}
			}
		})
	}
}

// TestBootOnceBootsOnce: a server that is told to boot something once does so at its first boot, and boots no second time.
// Jobs of somebody else that wait for that boot and block the choice of its device are deleted.
func TestBootOnceBootsOnce(t *testing.T) {
	for _, name := range redfish.Shapes() {
		for _, blocked := range []bool{false, true} {
			b, vm, target := shaped(t, name)
			if blocked {
				if name != "idrac9" {
					continue
				}
				const job = `{"Boot":{"BootSourceOverrideEnabled":"Once","BootSourceOverrideTarget":"Cd","BootSourceOverrideMode":"UEFI"}}`
				r := httptest.NewRequest(http.MethodPatch, "/redfish/v1/Systems/System.Embedded.1", strings.NewReader(job))
				r.SetBasicAuth("admin", password)
				w := httptest.NewRecorder()
				if b.ServeHTTP(w, r); w.Code != http.StatusOK {
					t.Fatalf("%d %s", w.Code, w.Body)
				}
			}
			d := bmc.New(usual)
			if err := nextBoot(t.Context(), d, target, bmc.BootPXE, true); err != nil {
				t.Fatalf("%s, blocked %v: %v", name, blocked, err)
			}
			if _, err := d.SetPower(t.Context(), target, bmc.On); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if diff := cmp.Diff([]string{redfish.DevicePXE}, vm.Booted()); diff != "" {
				t.Errorf("%s, blocked %v: it booted %s", name, blocked, diff)
			}
		}
	}
}

// TestConflict: a controller that is at work on something answers 409; it is looked at again, and asked again.
func TestConflict(t *testing.T) {
	b, _, target := shaped(t, "idrac10")
	d := bmc.New(quick)
	conflict := redfish.Fault{Kind: redfish.Conflict, Methods: []string{http.MethodPost}, Path: "/redfish/v1/Systems/**", Times: 2}
	b.Faults().Add(conflict)
	if p, err := d.SetPower(t.Context(), target, bmc.On); err != nil || p != inventory.PowerOn {
		t.Errorf("power %q, %v", p, err)
	}
	if n := b.Faults().Happened(redfish.Conflict); n != 2 {
		t.Errorf("%d conflicts", n)
	}
	b.Faults().Clear()
	conflict.Times = 0
	b.Faults().Add(conflict)
	_, err := d.SetPower(t.Context(), target, bmc.Off)
	if err == nil || !strings.Contains(err.Error(), "HTTP 409") {
		t.Errorf("one that has a conflict for ever: %v", err)
	}
}

// TestManagerIsAskedOnce: what tells a vendor's models apart is learned once, not at every look at the power; a probe
// learns it anew.
func TestManagerIsAskedOnce(t *testing.T) {
	b, _, target := shaped(t, "idrac10")
	d := bmc.New(quick)
	asked := func() (n int) {
		for _, r := range b.Requests() {
			if r.Method == http.MethodGet && strings.HasPrefix(r.Path, "/redfish/v1/Managers/") && strings.Count(r.Path, "/") == 4 {
				n++
			}
		}
		return n
	}
	for range 3 {
		if _, err := d.Power(t.Context(), target); err != nil {
			t.Fatal(err)
		}
	}
	if n := asked(); n != 1 {
		t.Errorf("three looks at the power asked the manager %d times", n)
	}
	if _, err := d.Probe(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	if n := asked(); n != 2 {
		t.Errorf("with a probe it was asked %d times", n)
	}
}
