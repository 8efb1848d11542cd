package provision_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/api"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
	"socle/provision"
)

// sees lets two looks in a row find a server's power as it is, ten minutes from now and later.
func (r *rack) sees(name string) (complaint string) {
	r.t.Helper()
	m := r.await(name, func(inventory.Machine) bool { return true })
	now := time.Now().Add(10 * time.Minute)
	s := inventory.PowerSight{Power: r.servers[name].power(), Asked: now, Before: r.servers[name].power(), BeforeAsked: now.Add(-time.Minute)}
	complaint, _, err := r.engine.SeePower(r.t.Context(), m, s)
	must(r.t, err)
	return complaint
}

// history are the reasons of one kind of events, the oldest first.
func (r *rack) history(name, kind string) (all []string) {
	m := r.await(name, func(inventory.Machine) bool { return true })
	events, err := r.store.Events(r.t.Context(), inventory.EventFilter{Machine: m.ID, Limit: 1000})
	must(r.t, err)
	for _, e := range events {
		if e.Kind == kind {
			all = append(all, e.Actor+": "+e.Reason)
		}
	}
	return all
}

func (r *rack) policy(name, policy string) {
	r.t.Helper()
	_, err := r.engine.SetPowerPolicy(r.t.Context(), "test", name, policy)
	must(r.t, err)
}

func steady(m inventory.Machine) bool { return m.Wish.Drift == nil }

// TestPowerDrift: a server that somebody switched off at its button is left so by default, and a person is told; it is
// set back by whoever wants that, a few times.
func TestPowerDrift(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		s := r.add("hv01", 1)
		r.buildOut()
		m := r.await("hv01", in(inventory.Active))
		if m.Wish.Power != inventory.PowerOn || m.Wish.Actor != inventory.ActorProvision {
			t.Errorf("wanted is %+v", m.Wish)
		}
		told := len(s.told())
		s.turn(false)
		if got := r.sees("hv01"); !strings.HasPrefix(got, "power is off, on was wanted by provision since") {
			t.Errorf("complaint %q", got)
		}
		if m = r.await("hv01", func(m inventory.Machine) bool { return m.Power == inventory.PowerOff }); m.Wish.Drift == nil || len(s.told()) != told {
			t.Errorf("%+v, its BMC was told %v", m.Wish, s.told())
		}
		r.policy("hv01", "restore")
		if got := r.sees("hv01"); got != "" {
			t.Errorf("complaint %q while it is set back", got)
		}
		if m = r.await("hv01", steady); m.Power != inventory.PowerOn || s.power() != inventory.PowerOn || len(m.Wish.Restored) != 1 {
			t.Errorf("power %s, %+v", m.Power, m.Wish)
		}
		if diff := cmp.Diff([]string{"on"}, s.told()[told:]); diff != "" {
			t.Errorf("its BMC was told (-want +got):\n%s", diff)
		}
		s.turn(false) // and again: not at once
		if got := r.sees("hv01"); got != "" {
			t.Errorf("complaint %q", got)
		}
		m = r.await("hv01", func(m inventory.Machine) bool { return m.Wish.Drift != nil })
		if wait := time.Until(m.Wish.Drift.Next); wait < time.Minute || wait > 3*time.Minute {
			t.Errorf("set back in %v", wait)
		}
		r.policy("hv01", "accept")
		if m = r.await("hv01", steady); m.Wish.Power != inventory.PowerOff || s.power() != inventory.PowerOff {
			t.Errorf("%+v", m.Wish)
		}
		all := strings.Join(r.history("hv01", "power-drift"), "\n")
		for _, want := range []string{"health: power is off; on was wanted by provision since", "it is left so, as the policy says", "provision: power on: it is set back, as the policy says (1 within the hour)", "provision: power is on again"} {
			if !strings.Contains(all, want) {
				t.Errorf("%q is not said:\n%s", want, all)
			}
		}
	})
}

// TestRestoreFails: a BMC that does not do it is asked three times, and not for ever; one that cannot be read is not
// told to do anything.
func TestRestoreFails(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		s := r.add("hv01", 1)
		r.buildOut()
		r.await("hv01", in(inventory.Active))
		r.policy("hv01", "restore")
		told := len(s.told())
		s.turn(false)
		s.mu.Lock()
		s.bmcErr = &provision.Failure{Kind: inventory.FaultBMCSilent, Reason: "it does not answer", Retry: true}
		s.mu.Unlock()
		r.sees("hv01")
		r.await("hv01", steady)
		if got := r.history("hv01", "power-drift"); len(s.told()) != told || !strings.Contains(got[len(got)-1], "because it cannot be read: it does not answer") {
			t.Errorf("its BMC was told %v; %v", s.told()[told:], got)
		}
		s.mu.Lock()
		s.bmcErr, s.stuck = nil, errors.New("nothing happened")
		s.mu.Unlock()
		r.sees("hv01")
		m := r.await("hv01", func(m inventory.Machine) bool { return m.Wish.Drift != nil && m.Wish.Drift.Failed != "" })
		if len(m.Wish.Restored) != 1 || m.Wish.Drift.Next.Before(time.Now().Add(time.Minute)) || m.Wish.Drift.Failed != "nothing happened" {
			t.Errorf("%+v", m.Wish.Drift)
		}
		if _, err := r.engine.Hold(t.Context(), "test", "hv01", "at work"); err != nil || r.sees("hv01") != "" {
			t.Errorf("compared although it is held: %v", err)
		}
	})
}

// TestWishOfAPerson: what a person orders is what is wanted, from before it is done; and nothing is, when it failed.
func TestWishOfAPerson(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		s := r.add("hv01", 1)
		ctx := t.Context()
		power := func(action string) error {
			_, err := r.engine.Power(ctx, "token:a", "hv01", action)
			return err
		}
		wish := func() inventory.PowerWish {
			return r.await("hv01", func(inventory.Machine) bool { return true }).Wish
		}
		for _, c := range []struct {
			action string
			want   inventory.Power
			soft   bool
		}{{"status", "", false}, {"nmi", "", false}, {"on", "on", false}, {"status", "on", false}, {"soft", "off", true}, {"off", "off", false}} {
			must(t, power(c.action))
			if w := wish(); w.Power != c.want || w.Soft != c.soft || c.want != "" && w.Actor != "token:a" {
				t.Errorf("after %s: %+v", c.action, w)
			}
		}
		r.policy("hv01", "restore")
		fail := func(f *provision.Failure) {
			s.mu.Lock()
			s.stuck = f
			s.mu.Unlock()
			if err := power("on"); err == nil {
				t.Error("nothing happened, and nobody says so")
			}
		}
		fail(&provision.Failure{Kind: inventory.FaultBMC, Reason: "it cannot"})
		if w := wish(); w.Power != inventory.PowerOff || w.Actor != "token:a" || w.Policy != inventory.PowerRestore {
			t.Errorf("when nothing was done: %+v", w)
		}
		fail(&provision.Failure{Kind: inventory.FaultBMC, Reason: "nothing happened", Retry: true})
		if w := wish(); w.Power != inventory.PowerUnknown || w.Policy != inventory.PowerRestore || r.sees("hv01") != "" {
			t.Errorf("after a failure: %+v", w)
		}
		_, err := r.engine.SetPowerPolicy(ctx, "test", "hv01", "cycle")
		var p *api.Problem
		if !errors.As(err, &p) || p.Status != 422 {
			t.Error(err)
		}
		if got := r.history("hv01", "power-policy"); len(got) != 1 || got[0] != "test: power policy: restore" {
			t.Errorf("%q", got)
		}
	})
}

// TestNoBMC: a server whose power is switched by a PDU is brought to work like any other; nobody can tell it what to boot
// next, so it comes by network boot, and where it does not the fault says what to see to.
func TestNoBMC(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		r.limits.Boot = 2 * time.Second
		r.down()
		r.start()
		for n, name := range []string{"hv01", "hv02"} {
			s := r.add(name, 1)
			_, err := r.store.Import(t.Context(), []store.Planned{{Password: secret.New("pw"), Planned: inventory.Planned{Line: 2, Name: name, Identity: inventory.Identity{Serial: s.id.Serial},
				BMC: inventory.BMC{Protocol: inventory.PDU, Address: "pdu1", Outlets: []string{fmt.Sprint(n + 1)}}, Place: inventory.Place{Rack: "r01", U: n + 1}}}}, "test", false)
			must(t, err)
		}
		r.servers["hv02"].nics = false
		r.buildOut()
		r.await("hv01", in(inventory.Active))
		if diff := cmp.Diff([]string{"on"}, r.servers["hv01"].told()); diff != "" {
			t.Errorf("its PDU was told (-want +got):\n%s", diff)
		}
		all := strings.Join(append(r.history("hv01", "power"), r.history("hv01", "state")...), "\n")
		for _, want := range []string{"its power can be switched by pdu at pdu1", "it has no BMC, so its firmware must boot from the network first"} {
			if !strings.Contains(all, want) {
				t.Errorf("%q is not said:\n%s", want, all)
			}
		}
		m := r.await("hv02", faulty(inventory.FaultNoBoot))
		if !strings.Contains(m.Fault.Remedy, "that it boots from the network first") {
			t.Error(m.Fault.Remedy)
		}
		_, err := r.engine.Rotate(t.Context(), "test", "hv01", api.RotateRequest{})
		if err == nil || !strings.Contains(err.Error(), "hv01 has no BMC") {
			t.Error(err)
		}
	})
}
