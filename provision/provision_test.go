package provision_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/api"
	"socle/inventory"
	"socle/provision"
)

func (r *rack) buildOut(names ...string) {
	r.t.Helper()
	_, err := r.engine.BuildOut(r.t.Context(), "test", api.BuildOutRequest{Machines: names})
	must(r.t, err)
}

func TestBuildOutBringsMachinesToWork(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		hv, st := r.add("hv01", 1), r.add("st01", 3)
		r.buildOut()
		m := r.await("hv01", in(inventory.Active))
		if m.Role != "hypervisor" || m.Deployed.Disk != "hv01-0" || m.Deployed.Verified.IsZero() {
			t.Errorf("hv01: role %q, %+v", m.Role, m.Deployed)
		}
		m = r.await("st01", in(inventory.Active))
		want := []inventory.Data{{Serial: "st01-1", Label: "d1", SizeBytes: 2 << 30}, {Serial: "st01-2", Label: "d2", SizeBytes: 3 << 30}}
		if diff := cmp.Diff(want, m.Deployed.DataDisks); diff != "" || m.Role != "storage" {
			t.Errorf("st01: role %q, data disks (-want +got):\n%s", m.Role, diff)
		}
		for name, s := range map[string]*server{"hv01": hv, "st01": st} {
			if diff := cmp.Diff([]string{"on"}, s.told()); diff != "" {
				t.Errorf("%s: its BMC was told (-want +got):\n%s", name, diff)
			}
			if n := s.count(api.OrderWriteImage); n != 1 {
				t.Errorf("%s: image written %d times", name, n)
			}
		}
		if n := st.count(api.OrderPrepareDisk); n != 2 {
			t.Errorf("st01: %d data disks prepared", n)
		}
	})
}

func TestRestartsRepeatNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		s := r.add("hv01", 1)
		writing, booting := make(chan struct{}), make(chan struct{})
		goOn := make(chan struct{})
		s.slow[api.OrderWriteImage] = func() { close(writing); <-goOn }
		s.slow[api.OrderReboot] = func() { close(booting) }
		r.buildOut()
		<-writing
		r.down()
		r.start()
		close(goOn)
		<-booting
		r.down()
		r.start()
		r.await("hv01", in(inventory.Active))
		if diff := cmp.Diff([]string{"on"}, s.told()); diff != "" {
			t.Errorf("its BMC was told (-want +got):\n%s", diff)
		}
		if n := s.count(api.OrderWriteImage); n != 1 {
			t.Errorf("image written %d times", n)
		}
	})
}

func TestFaultsSayWhatToDo(t *testing.T) {
	for _, tc := range []struct {
		name  string
		setup func(*rack, *server)
		want  inventory.FaultKind
		state inventory.State
		text  string
	}{
		{"wrong password", func(_ *rack, s *server) {
			s.bmcErr = &provision.Failure{Kind: inventory.FaultBMCAuth, Reason: "the BMC refuses the password", Remedy: "correct it"}
		}, inventory.FaultBMCAuth, inventory.Expected, "refuses"},
		{"silent BMC", func(_ *rack, s *server) {
			s.bmcErr = &provision.Failure{Kind: inventory.FaultBMCSilent, Reason: "no answer", Remedy: "check its cable", Retry: true}
		}, inventory.FaultBMCSilent, inventory.Expected, "no answer"},
		{"never boots", func(_ *rack, s *server) { s.nics = false }, inventory.FaultNoBoot, inventory.Discovered, "no agent has spoken"},
		{"no disk", func(_ *rack, s *server) { s.facts.Disks = nil }, inventory.FaultNoRole, inventory.Discovered, "0 disks of at least 1"},
		{"image larger than the disk", func(_ *rack, s *server) { s.facts.Disks[0].SizeBytes = 512 << 10 }, inventory.FaultImageTooBig, inventory.Ready, "image hypervisor has 1.0 MiB, disk bad-0 has 512 KiB"},
		{"corrupt image", func(_ *rack, s *server) { s.refuse[api.OrderWriteImage] = api.CodeCorrupt }, inventory.FaultImageCorrupt, inventory.Ready, "as ordered"},
		{"role cannot be set up", func(_ *rack, s *server) {
			s.call = api.PhoneHome{State: api.PhoneFailed, Message: "disk d1 holds somebody's data"}
		}, inventory.FaultSetup, inventory.Ready, "somebody's data"},
		{"never calls home", func(_ *rack, s *server) { s.mute = true }, inventory.FaultNoPhoneHome, inventory.Ready, "has not called for 5s"},
		{"imported and never calls home", func(r *rack, s *server) {
			s.mute = true
			r.imported.Store(true)
		}, inventory.FaultNoPhoneHome, inventory.Ready, "hypervisor was imported"},
		{"does not verify", func(r *rack, _ *server) {
			r.verify = func(provision.Verification) error { return errors.New("libvirt is silent") }
		}, inventory.FaultVerify, inventory.Ready, "libvirt is silent"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, r *rack) {
				r.down()
				r.limits.Boot, r.limits.PhoneHome = 2*time.Second, 5*time.Second
				r.start()
				bad := r.add("bad", 1)
				r.add("good", 1)
				tc.setup(r, bad)
				if tc.want == inventory.FaultVerify {
					fail := r.verify
					r.verify = func(v provision.Verification) error {
						if v.Name == "bad" {
							return fail(v)
						}
						return nil
					}
				}
				r.buildOut()
				m := r.await("bad", func(m inventory.Machine) bool { return faulty(tc.want)(m) && in(tc.state)(m) })
				if !strings.Contains(m.Fault.Reason, tc.text) || m.Fault.Remedy == "" {
					t.Errorf("fault %+v lacks %q or a remedy", m.Fault, tc.text)
				}
				if told := strings.Contains(m.Fault.Remedy, "cloud-init"); told != r.imported.Load() {
					t.Errorf("fault %+v: tells of cloud-init %v, the image was imported %v", m.Fault, told, r.imported.Load())
				}
				r.await("good", in(inventory.Active))
			})
		})
	}
}

func TestAgentWithAnotherSerialIsRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		r.add("hv01", 1)
		ctx := t.Context()
		plan, err := r.engine.PlanBoot(ctx, inventory.Identity{Serial: "SN-hv01", NICMACs: []string{"52:54:00:00:00:01"}}, "https://socle.test")
		must(t, err)
		req := api.SessionRequest{Token: plan.Params[2][len(api.ParamToken)+1:], BootID: "a", Serial: "SN-other"}
		_, err = r.engine.OpenSession(ctx, req, here)
		var p *api.Problem
		if !errors.As(err, &p) || p.Code != api.ErrSerial {
			t.Fatalf("got %v, want a refusal for the serial", err)
		}
		req.Serial, req.BootID = "SN-hv01", "b"
		if _, err = r.engine.OpenSession(ctx, req, here); !errors.As(err, &p) || p.Code != api.ErrUnauthorized {
			t.Fatalf("second boot with one token: got %v, want a refusal", err)
		}
		req.BootID = "a"
		if _, err = r.engine.OpenSession(ctx, req, here); err != nil {
			t.Fatalf("the same boot asking again: %v", err)
		}
	})
}

func TestStrayIsHeldAndOnlyLookedAt(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		r.add("hv01", 1)
		s := r.servers["hv01"]
		s.id = inventory.Identity{Serial: "SN-stray", NICMACs: []string{"52:54:00:00:99:99"}}
		s.facts.System.Serial = "SN-stray"
		s.turn(true)
		m := r.await("SN-stray", func(m inventory.Machine) bool { return m.Facts != nil })
		if m.State != inventory.Discovered || !m.Held() || m.InPlan {
			t.Errorf("stray is %s, hold %v, in plan %v", m.State, m.Hold, m.InPlan)
		}
		if _, err := r.engine.Deploy(t.Context(), "test", m.ID, api.DeployRequest{Serial: "SN-stray"}); err == nil {
			t.Error("a held machine was deployed")
		}
		if n := s.count(api.OrderWriteImage); n != 0 {
			t.Errorf("%d images written to the stray", n)
		}
	})
}

func TestDeployNeedsTheSerial(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		r.add("hv01", 1)
		var p *api.Problem
		if _, err := r.engine.Deploy(t.Context(), "test", "hv01", api.DeployRequest{Serial: "SN-hv02"}); !errors.As(err, &p) || p.Code != api.ErrSerial {
			t.Fatalf("got %v", err)
		}
		m, err := r.store.Machine(t.Context(), "hv01")
		must(t, err)
		if m.Intent.State != "" {
			t.Errorf("the wrong serial left the intent %+v", m.Intent)
		}
	})
}

func TestVerificationRebootsOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		s := r.add("hv01", 1)
		calls := 0
		r.verify = func(v provision.Verification) error {
			calls++
			for range 2 { // a verification that was interrupted asks again
				if err := v.Reboot(t.Context()); err != nil {
					return err
				}
			}
			return nil
		}
		r.buildOut()
		r.await("hv01", in(inventory.Active))
		if diff := cmp.Diff([]string{"on", "off", "on"}, s.told()); diff != "" || calls != 1 {
			t.Errorf("%d verifications; its BMC was told (-want +got):\n%s", calls, diff)
		}
	})
}

func TestHoldStopsEverythingAndCostsNoTime(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		s := r.add("hv01", 1)
		writing, goOn := make(chan struct{}), make(chan struct{})
		s.slow[api.OrderWriteImage] = func() { close(writing); <-goOn }
		r.buildOut()
		<-writing
		held, err := r.engine.Hold(t.Context(), "test", "hv01", "hands off")
		must(t, err)
		close(goOn)
		r.await("hv01", func(inventory.Machine) bool { // the agent's report comes in all the same
			orders, err := r.store.Orders(t.Context(), held.ID)
			must(t, err)
			return orders[0].State == inventory.OrderDone
		})
		if n := s.count(api.OrderSeed); n != 0 {
			t.Errorf("%d seeds written to a machine on hold", n)
		}
		released, err := r.engine.Release(t.Context(), "test", "hv01")
		must(t, err)
		if !released.Deadline.After(held.Deadline) {
			t.Errorf("the deadline went from %s to %s", held.Deadline, released.Deadline)
		}
		r.await("hv01", in(inventory.Active))
	})
}

func TestFullDiskOfTheServerIsSaidAndPasses(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		r.add("hv01", 1)
		r.full.Store(true)
		r.buildOut()
		m := r.await("hv01", faulty(inventory.FaultServerDisk))
		if m.State != inventory.Inspecting || m.Fault.RetryAt.IsZero() || !strings.Contains(m.Fault.Reason, "5 MiB left") {
			t.Errorf("%s with fault %+v", m.State, m.Fault)
		}
		r.full.Store(false)
		r.await("hv01", in(inventory.Active))
	})
}
