package app

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/bmc"
	"socle/internal/pgtest"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
	"socle/lab/redfish"
	"socle/lab/redfish/redfishtest"
	"socle/provision"
)

// shop is an engine at work over a database, with one machine hv01 that has an emulated BMC.
type shop struct {
	t      *testing.T
	store  *store.Store
	engine *provision.Engine
	bmc    *redfish.BMC
	vm     *redfishtest.VM
}

// onBoth runs a test over both kinds of databases, each in parallel.
func onBoth(t *testing.T, test func(t *testing.T, url string)) {
	for name, url := range map[string]func(testing.TB) string{
		"sqlite":   func(t testing.TB) string { return filepath.Join(t.TempDir(), "socle.db") },
		"postgres": pgtest.URL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, url(t))
		})
	}
}

// openShop begins work. The machine has the role "hypervisor", which wants two settings of the emulated models.
func openShop(t *testing.T, url, shape string, o provision.Options) *shop {
	t.Helper()
	keys, err := secret.Open(filepath.Join(t.TempDir(), "keys"))
	must(t, err)
	s, err := store.Open(t.Context(), store.Options{URL: url, Keys: keys})
	must(t, err)
	sh := &shop{t: t, store: s}
	specs := redfishtest.Specs(1, must1(redfish.ShapeByName(shape)), "socle-a", secret.New("first-Pass.w0rd"))
	specs[0].WorkTime = 100 * time.Millisecond
	fleet, err := redfishtest.Start(specs)
	must(t, err)
	sh.bmc, sh.vm = fleet.Members[0].BMC, fleet.Members[0].VM
	_, err = s.Import(t.Context(), []store.Planned{{Planned: inventory.Planned{Line: 2, Name: "hv01", Role: "hypervisor", Identity: inventory.Identity{Serial: fleet.Members[0].Serial},
		BMC:   inventory.BMC{Protocol: inventory.Redfish, Address: fleet.Members[0].Address.String(), User: "socle-a"},
		Place: inventory.Place{Rack: "r01", U: 1}}, Password: secret.New("first-Pass.w0rd")}}, "test", false)
	must(t, err)
	key, err := s.Key(t.Context(), "boot-tokens")
	must(t, err)
	bmcs := &bmcs{driver: bmc.New(bmc.Options{Burst: 1000, OffTime: 10 * time.Millisecond, BootSettle: 300 * time.Millisecond}), logins: s}
	o.Store, o.BMC, o.Firmware, o.Disks, o.BootKey = s, bmcs, bmcs, bmcs, key
	o.Roles = []inventory.Role{{Name: "hypervisor", Bios: []inventory.BiosSet{
		{Attributes: map[string]any{"SriovGlobalEnable": "Enabled", "AcPwrRcvryDelay": 90}}, {Model: "Nobody's", Attributes: map[string]any{"NoSuchSetting": 1}},
	}}}
	sh.engine, err = provision.New(t.Context(), o)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- sh.engine.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		must(t, errors.Join(<-ended, s.Close(), fleet.Close()))
	})
	return sh
}

func must1[T any](v T, err error) T {
	if err != nil {
		panic(err) // the test names something that is not there
	}
	return v
}

func (s *shop) machine() inventory.Machine {
	s.t.Helper()
	m, err := s.store.Machine(s.t.Context(), "hv01")
	must(s.t, err)
	return m
}

// await waits until the machine is as it must be.
func (s *shop) await(what string, so func(inventory.Machine) bool) inventory.Machine {
	s.t.Helper()
	changes, stop := s.store.Subscribe()
	defer stop()
	limit := time.After(time.Minute)
	for {
		m := s.machine()
		if so(m) {
			return m
		}
		select {
		case <-changes:
		case <-limit:
			s.t.Fatalf("not in a minute: %s: %+v", what, m.Tuning)
		}
	}
}

// told checks that the history has an event of a kind with these words.
func (s *shop) told(words string) inventory.Event {
	s.t.Helper()
	events, err := s.store.Events(s.t.Context(), inventory.EventFilter{Limit: 1000})
	must(s.t, err)
	i := slices.IndexFunc(events, func(e inventory.Event) bool { return strings.Contains(e.Reason, words) })
	if i < 0 {
		s.t.Errorf("%q is not in the history", words)
		return inventory.Event{}
	}
	return events[i]
}

// quickPauses let a test see in a moment what takes minutes.
var quickPauses = provision.TuningPauses{Boot: 20 * time.Millisecond, Idle: 50 * time.Millisecond, Lost: 300 * time.Millisecond}

// TestSettings orders what a role wants, boots, and sees it proven, by controllers with jobs for settings and without.
func TestSettings(t *testing.T) {
	for _, shape := range []string{"generic", "idrac9", "ilo5"} {
		t.Run(shape, func(t *testing.T) {
			onBoth(t, func(t *testing.T, url string) {
				s := openShop(t, url, shape, provision.Options{Pauses: quickPauses})
				ctx := t.Context()
				list, err := s.engine.Settings(ctx, "hv01")
				if err != nil || list.Wanted != 2 || len(list.Differences) != 2 || list.Problem != "" || list.Waiting != "" {
					t.Fatalf("%+v, %v", list, err)
				}
				request := api.SettingsRequest{Role: true, Values: map[string]any{"SysProfile": "PerfOptimized"}, SettingsOrder: api.SettingsOrder{DryRun: true}}
				if r, err := s.engine.Tune(ctx, "token:test", "hv01", request); err != nil || len(r.Changes) != 3 || s.machine().Tuning != nil {
					t.Fatalf("dry run: %+v, %v", r, err)
				}
				request.DryRun = false
				if r, err := s.engine.Tune(ctx, "token:test", "hv01", request); err != nil || len(r.Changes) != 3 {
					t.Fatalf("%+v, %v", r, err)
				}
				e := s.told("AcPwrRcvryDelay 60 → 90, SriovGlobalEnable Disabled → Enabled, SysProfile PerfPerWattOptimizedDapc → PerfOptimized")
				if e.Actor != "token:test" || !strings.Contains(string(e.After), `"before":{"AcPwrRcvryDelay":60`) || !strings.Contains(string(e.After), `"want":{"AcPwrRcvryDelay":90`) {
					t.Errorf("%+v, after %s", e, e.After)
				}
				// More come on top, before the boot; nothing boots the machine for them.
				if r, err := s.engine.Tune(ctx, "token:test", "hv01", api.SettingsRequest{Values: map[string]any{"AssetTag": "r01u01"}}); err != nil || len(r.Changes) != 1 {
					t.Fatalf("%+v, %v", r, err)
				}
				if m := s.machine(); len(m.Tuning.Want) != 4 || m.Tuning.Taken.IsZero() || len(s.vm.Actions()) != 0 {
					t.Errorf("%+v, %v", m.Tuning, s.vm.Actions())
				}
				_, err = s.engine.Power(ctx, "test", "hv01", "on")
				must(t, err)
				s.await("the settings are proven", func(m inventory.Machine) bool { return m.Tuning == nil })
				s.told("firmware settings are in force: AcPwrRcvryDelay 90, AssetTag r01u01, SriovGlobalEnable Enabled, SysProfile PerfOptimized")
				if got := s.bmc.BIOS(); got["AssetTag"] != "r01u01" || got["AcPwrRcvryDelay"] != 90 {
					t.Errorf("%v", got)
				}
				if r, err := s.engine.Tune(ctx, "token:test", "hv01", request); err != nil || len(r.Changes) != 0 || s.machine().Tuning != nil {
					t.Errorf("once more: %+v, %v", r, err)
				}
			})
		})
	}
}

// TestSettingsReboot: a boot that was ordered with the settings is off and on, once, also when the one who was to do it
// died on the way.
func TestSettingsReboot(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		s := openShop(t, url, "idrac9", provision.Options{Pauses: quickPauses})
		_, err := s.engine.Power(t.Context(), "test", "hv01", "on")
		must(t, err)
		_, err = s.engine.Tune(t.Context(), "test", "hv01", api.SettingsRequest{Role: true, SettingsOrder: api.SettingsOrder{Reboot: true}})
		must(t, err)
		m := s.await("the settings are proven", func(m inventory.Machine) bool { return m.Tuning == nil })
		if got := s.vm.Actions(); !slices.Equal(got, []string{"On", "ForceOff", "On"}) || m.Op == nil || m.Op.Off.IsZero() || m.Op.On.IsZero() {
			t.Errorf("%v, %+v", got, m.Op)
		}
		s.told("and the machine is booted for them")
	})
}

// TestSettingsLost: settings that a controller took and dropped at the boot are found out, and can be ordered again.
func TestSettingsLost(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		s := openShop(t, url, "generic", provision.Options{Pauses: quickPauses})
		s.bmc.Faults().Add(redfish.Fault{Kind: redfish.LoseSettings, Times: 1})
		request := api.SettingsRequest{Values: map[string]any{"AssetTag": "r01u01"}}
		_, err := s.engine.Tune(t.Context(), "test", "hv01", request)
		must(t, err)
		_, err = s.engine.Power(t.Context(), "test", "hv01", "on")
		must(t, err)
		m := s.await("the loss is seen", func(m inventory.Machine) bool { return m.Tuning != nil && !m.Tuning.Stopped.IsZero() })
		if !strings.Contains(m.Tuning.Problem, `did not keep them: AssetTag is "" and not r01u01`) {
			t.Errorf("%+v", m.Tuning)
		}
		if l, err := s.engine.Settings(t.Context(), "hv01"); err != nil || !strings.Contains(l.Waiting, "stopped: the BMC took") {
			t.Errorf("%q, %v", l.Waiting, err)
		}
		request.Reboot = true
		_, err = s.engine.Tune(t.Context(), "test", "hv01", request)
		must(t, err)
		s.await("the second order is proven", func(m inventory.Machine) bool { return m.Tuning == nil })
	})
}

// TestSettingsRefused: what cannot be set, or must not, is said, and no BMC is told a part of it.
func TestSettingsRefused(t *testing.T) {
	s := openShop(t, filepath.Join(t.TempDir(), "socle.db"), "generic", provision.Options{Pauses: quickPauses})
	refused := func(r api.SettingsRequest, status int, words ...string) {
		t.Helper()
		_, err := s.engine.Tune(t.Context(), "test", "hv01", r)
		var p *api.Problem
		if !errors.As(err, &p) || p.Status != status {
			t.Errorf("%+v: %v", r, err)
			return
		}
		for _, w := range words {
			if !strings.Contains(p.Detail, w) {
				t.Errorf("%+v: %q lacks %q", r, p.Detail, w)
			}
		}
	}
	refused(api.SettingsRequest{Values: map[string]any{"AssetTag": "x", "SysProfile": "Fast", "Sriov": 1}}, 422,
		"hv01", "nothing was set", `no setting "Sriov"; did you mean SriovGlobalEnable?`, "SysProfile: Fast is none of its values: PerfPerWattOptimizedDapc, PerfOptimized, Custom")
	refused(api.SettingsRequest{}, 422, "name settings")
	s.bmc.Faults().Add(redfish.Fault{Kind: redfish.Ignore})
	refused(api.SettingsRequest{Values: map[string]any{"AssetTag": "x"}}, http.StatusBadGateway, "no change of AssetTag")
	if m := s.machine(); m.Tuning != nil {
		t.Errorf("%+v", m.Tuning)
	}
	s.told("the BMC did not take the firmware settings")
	before := len(s.bmc.Requests())
	_, err := s.engine.Hold(t.Context(), "test", "hv01", "somebody works at it")
	must(t, err)
	refused(api.SettingsRequest{Values: map[string]any{"AssetTag": "x"}}, 409, "somebody works at it")
	for _, r := range s.bmc.Requests()[before:] {
		if r.Method == http.MethodPatch {
			t.Errorf("a held machine's BMC was told %s", r.Body)
		}
	}
}

// TestSettingsActive: a machine that does its work is booted for settings only when the order says so, also when it went to
// work only after the order.
func TestSettingsActive(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		s := openShop(t, url, "generic", provision.Options{Pauses: quickPauses})
		ctx := t.Context()
		_, err := s.engine.Power(ctx, "test", "hv01", "on")
		must(t, err)
		s.activate(nil)
		request := api.SettingsRequest{Values: map[string]any{"AssetTag": "r01u01"}, SettingsOrder: api.SettingsOrder{Reboot: true}}
		_, err = s.engine.Tune(ctx, "test", "hv01", request)
		var p *api.Problem
		if !errors.As(err, &p) || p.Status != http.StatusConflict || !strings.Contains(p.Detail, "--active") || s.machine().Tuning != nil {
			t.Fatalf("%v, %+v", err, s.machine().Tuning)
		}
		on := true
		if _, err = s.engine.SetSecureBoot(ctx, "test", "hv01", api.SecureBootRequest{Enable: &on, SettingsOrder: request.SettingsOrder}); !errors.As(err, &p) || p.Status != http.StatusConflict {
			t.Fatalf("%v", err)
		}
		// The BMC was not told yet when the machine went to work: it is told, and the boot does not come.
		s.activate(&inventory.Tuning{Want: inventory.Values{"AssetTag": "r01u01"}, Actor: "test", At: time.Now().Add(-time.Hour), Reboot: true})
		s.await("the BMC has the settings", func(m inventory.Machine) bool { return m.Tuning != nil && !m.Tuning.Taken.IsZero() })
		if got := s.vm.Actions(); !slices.Equal(got, []string{"On"}) {
			t.Errorf("%v", got)
		}
		request.Active, request.Values = true, map[string]any{"AssetTag": "r01u02"}
		_, err = s.engine.Tune(ctx, "test", "hv01", request)
		must(t, err)
		s.await("the settings are proven", func(m inventory.Machine) bool { return m.Tuning == nil })
		if got := s.vm.Actions(); !slices.Equal(got, []string{"On", "ForceOff", "On"}) {
			t.Errorf("%v", got)
		}
	})
}

// activate puts the machine to work, with settings that are on the way already.
func (s *shop) activate(t *inventory.Tuning) {
	s.t.Helper()
	_, err := s.store.Change(s.t.Context(), s.machine().ID, "test", func(m *inventory.Machine) (inventory.Note, error) {
		m.State, m.Tuning = inventory.Active, t
		return inventory.Note{Kind: "settings", Reason: "as if it had been deployed"}, nil
	})
	must(s.t, err)
}

// TestSettingsTold: an order that was written down and whose process died before the BMC was told is told by another.
func TestSettingsTold(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		pauses := quickPauses
		pauses.Tell = time.Millisecond
		s := openShop(t, url, "idrac10", provision.Options{Pauses: pauses})
		_, err := s.store.Change(t.Context(), s.machine().ID, "test", func(m *inventory.Machine) (inventory.Note, error) {
			m.Tuning = &inventory.Tuning{Want: inventory.Values{"AcPwrRcvryDelay": int64(90)}, Actor: "test", At: time.Now(), Reboot: true}
			return inventory.Note{Kind: "settings", Reason: "as of one that died then"}, nil
		})
		must(t, err)
		s.await("the settings are proven", func(m inventory.Machine) bool { return m.Tuning == nil })
		if got := s.bmc.BIOS()["AcPwrRcvryDelay"]; got != 90 || !slices.Equal(s.vm.Actions(), []string{"On"}) {
			t.Errorf("%v, %v", got, s.vm.Actions())
		}
	})
}

// TestSecureBoot orders it, with a boot, and sees it proven; the same with the deletion of the keys, which ends it.
func TestSecureBoot(t *testing.T) {
	s := openShop(t, filepath.Join(t.TempDir(), "socle.db"), "generic", provision.Options{Pauses: quickPauses})
	on := true
	order := func(r api.SecureBootRequest) {
		t.Helper()
		if reply, err := s.engine.SetSecureBoot(t.Context(), "token:test", "hv01", r); err != nil || len(reply.Changes) != 1 {
			t.Fatalf("%+v, %v", reply, err)
		}
	}
	order(api.SecureBootRequest{Enable: &on, SettingsOrder: api.SettingsOrder{DryRun: true}})
	if sb, err := s.engine.SecureBoot(t.Context(), "hv01"); err != nil || sb.Enabled || sb.Active || sb.Mode != "UserMode" || len(sb.Databases) != 4 || len(sb.Resets) != 3 {
		t.Errorf("%+v, %v", sb, err)
	}
	order(api.SecureBootRequest{Enable: &on})
	if sb, err := s.engine.SecureBoot(t.Context(), "hv01"); err != nil || !sb.Enabled || sb.Active || sb.Waiting != "waits for the next boot" {
		t.Errorf("%+v, %v", sb, err)
	}
	_, err := s.engine.Power(t.Context(), "test", "hv01", "on")
	must(t, err)
	s.await("Secure Boot is proven", func(m inventory.Machine) bool { return m.Tuning == nil })
	s.told("firmware settings are in force: Secure Boot true")
	order(api.SecureBootRequest{ResetKeys: "DeleteAllKeys", SettingsOrder: api.SettingsOrder{Reboot: true}})
	s.await("the keys are gone", func(m inventory.Machine) bool { return m.Tuning == nil })
	if sb, err := s.engine.SecureBoot(t.Context(), "hv01"); err != nil || sb.Mode != "SetupMode" || sb.Active {
		t.Errorf("%+v, %v", sb, err)
	}
	if e := s.told("Secure Boot keys UserMode → DeleteAllKeys"); e.Actor != "token:test" {
		t.Errorf("%+v", e)
	}
	var p *api.Problem
	if _, err := s.engine.SetSecureBoot(t.Context(), "test", "hv01", api.SecureBootRequest{}); !errors.As(err, &p) || p.Status != 422 {
		t.Errorf("neither: %v", err)
	}
}
