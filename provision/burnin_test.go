package provision_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"socle/api"
	"socle/inventory"
)

// TestBurnIn: what is well becomes ready and was measured; what failed waits with a finding; tests can be stopped.
func TestBurnIn(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		ctx := t.Context()
		r.down()
		r.burnIn = []inventory.BurnInPlan{{Model: "te", Tests: []string{api.TestCPU, api.TestDisk}, Seconds: 60, Memory: 50}}
		r.start()
		measured := api.BurnInResult{Measured: []api.Measured{{Metric: "disk.read.random", Subject: "sda", Part: "S1", Unit: "1/s", Value: 312}}}
		good, bad, long, empty := r.add("good", 1), r.add("bad", 1), r.add("long", 1), r.add("empty", 1)
		broken := measured
		broken.Failures = []api.BurnInFailure{{Test: api.TestDisk, Subject: "sda", Part: "S1", Reason: "disk S1 cannot be read"}, {Test: api.TestCPU, Subject: "core 3", Reason: "core 3 computed wrong"}}
		for s, result := range map[*server]api.BurnInResult{good: measured, bad: broken, long: measured, empty: {}} {
			s.result, _ = json.Marshal(result)
		}
		testing, stopped := make(chan struct{}), make(chan struct{})
		long.slow[api.OrderBurnIn] = func() { close(testing); <-stopped }
		for name := range r.servers {
			_, err := r.engine.Test(ctx, "test", name, api.TestRequest{})
			must(t, err)
		}
		m := r.await("good", in(inventory.Ready))
		all, err := r.store.Measurements(ctx, inventory.MeasurementFilter{Machine: m.ID})
		must(t, err)
		if len(all) != 1 || all[0].Value != 312 || all[0].Part != "S1" || all[0].Run == "" || good.count(api.OrderBurnIn) != 1 {
			t.Errorf("measured %+v in %d runs", all, good.count(api.OrderBurnIn))
		}
		m = r.await("bad", faulty(inventory.FaultBurnIn))
		if m.State != inventory.Discovered || !strings.Contains(m.Fault.Reason, "S1 cannot be read (and 1 more)") {
			t.Errorf("%s with %+v", m.State, m.Fault)
		}
		found, err := r.store.Findings(ctx, m.ID)
		must(t, err)
		if len(found) != 1 || len(found[0].List) != 2 || found[0].Source != inventory.FromBurnIn {
			t.Errorf("found %+v", found)
		}
		if m := r.await("empty", faulty(inventory.FaultAgent)); m.State != inventory.Discovered {
			t.Errorf("tests without results leave it %s", m.State)
		}
		<-testing
		m, err = r.engine.StopTest(ctx, "test", "long")
		must(t, err)
		if m.State != inventory.Discovered || m.Fault != nil || m.Intent.State != "" {
			t.Errorf("stopped: %s, fault %+v, intent %+v", m.State, m.Fault, m.Intent)
		}
		if _, err := r.store.LiveSession(ctx, m.ID); !errors.Is(err, inventory.ErrNotFound) {
			t.Errorf("its session lives: %v", err)
		}
		close(stopped)
		var p *api.Problem
		if _, err := r.engine.StopTest(ctx, "test", "good"); !errors.As(err, &p) || p.Code != api.ErrConflict {
			t.Errorf("tests that do not run were stopped: %v", err)
		}
	})
}

// TestChosenPlan: a plan that is named is run once. What has fewer tests than the model's own passes nobody for the rest.
func TestChosenPlan(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		ctx := t.Context()
		r.down()
		r.burnIn = []inventory.BurnInPlan{
			{Model: "te", Tests: []string{api.TestCPU, api.TestDisk}, Seconds: 60, Memory: 50},
			{Name: "quick", Tests: []string{api.TestDisk}, Seconds: 60, Memory: 50},
			{Name: "others", Model: "x", Tests: []string{api.TestDisk}, Seconds: 60, Memory: 50},
		}
		r.start()
		well := api.BurnInResult{Measured: []api.Measured{{Metric: "disk.read.random", Subject: "sda", Unit: "1/s", Value: 312}}}
		server := r.add("one", 1)
		text, err := json.Marshal(well)
		must(t, err)
		server.result = text
		runs := 0
		test := func(until func(inventory.Machine) bool) inventory.Machine {
			t.Helper()
			_, err := r.engine.Test(ctx, "test", "one", api.TestRequest{Plan: "quick"})
			must(t, err)
			runs++
			return r.await("one", func(m inventory.Machine) bool { return server.count(api.OrderBurnIn) == runs && until(m) })
		}
		rests := func(m inventory.Machine) bool { return m.State == inventory.Discovered && m.Intent.State == "" }
		m := test(rests)
		found, err := r.store.Findings(ctx, m.ID)
		must(t, err)
		orders, err := r.store.Orders(ctx, m.ID)
		must(t, err)
		var ordered api.BurnIn
		must(t, json.Unmarshal(orders[0].Params, &ordered))
		if m.Fault != nil || len(found) != 0 || orders[0].Kind != api.OrderBurnIn || len(ordered.Tests) != 1 {
			t.Errorf("after the short plan: fault %+v, found %+v, ordered %+v", m.Fault, found, ordered)
		}
		before := inventory.Findings{Machine: m.ID, Source: inventory.FromBurnIn, Time: m.Since, List: []inventory.Finding{{Source: inventory.FromBurnIn, Kind: inventory.FindFailed,
			Subject: "core 3", Reason: "core 3 computed wrong"}}}
		must(t, r.store.SetFindings(ctx, before, "test"))
		m = test(faulty(inventory.FaultBurnIn))
		if found, err = r.store.Findings(ctx, m.ID); err != nil || len(found) != 1 || len(found[0].List) != 1 || !strings.Contains(m.Fault.Reason, "core 3 computed wrong") {
			t.Errorf("the short plan took away what the whole one found: %+v, %+v, %v", found, m.Fault, err)
		}
		before.List = nil // it passed the whole
		must(t, r.store.SetFindings(ctx, before, "test"))
		m = test(in(inventory.Ready))
		if found, err = r.store.Findings(ctx, m.ID); err != nil || len(found) != 1 || len(found[0].List) != 0 {
			t.Errorf("passed the whole plan, then the short one: %+v, %v", found, err)
		}
		for _, plan := range []string{"others", "nothing"} {
			var p *api.Problem
			if _, err := r.engine.Test(ctx, "test", "one", api.TestRequest{Plan: plan}); !errors.As(err, &p) || p.Code != api.ErrInvalid || !strings.Contains(p.Detail, "quick") {
				t.Errorf("plan %q: %v", plan, err)
			}
		}
	})
}

// TestWritingToDisks: only disks that were confirmed with the machine's serial number are written to, in one run.
func TestWritingToDisks(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		ctx := t.Context()
		r.down()
		r.burnIn = []inventory.BurnInPlan{{Model: "te", Tests: []string{api.TestDisk}, Seconds: 60, Memory: 50}, {Name: "cores", Tests: []string{api.TestCPU}, Seconds: 60, Memory: 50}}
		r.start()
		s := r.add("one", 2)
		s.result, _ = json.Marshal(api.BurnInResult{Measured: []api.Measured{{Metric: "disk.read.random", Subject: "sda", Unit: "1/s", Value: 312}}})
		request := func(serial string, disks ...string) api.TestRequest {
			return api.TestRequest{Serial: serial, WriteDisks: disks}
		}
		refused := func(code, says string, q api.TestRequest) {
			t.Helper()
			var p *api.Problem
			if _, err := r.engine.Test(ctx, "test", "one", q); !errors.As(err, &p) || p.Code != code || !strings.Contains(p.Detail, says) {
				t.Errorf("%+v: %v", q, err)
			}
		}
		refused(api.ErrConflict, "inspect it first", request("SN-one", "one-0"))
		written := func() (all [][]string) {
			t.Helper()
			m, err := r.store.Machine(ctx, "one")
			must(t, err)
			orders, err := r.store.Orders(ctx, m.ID) // newest first
			must(t, err)
			for _, o := range orders {
				var p api.BurnIn
				if o.Kind == api.OrderBurnIn {
					must(t, json.Unmarshal(o.Params, &p))
					all = append(all, p.Write)
				}
			}
			return all
		}
		begin := func(q api.TestRequest) {
			t.Helper()
			before := len(written())
			_, err := r.engine.Test(ctx, "test", "one", q)
			must(t, err)
			r.await("one", func(m inventory.Machine) bool { return m.State == inventory.Ready && len(written()) > before })
		}
		begin(api.TestRequest{})
		refused(api.ErrSerial, `serial "SN-two" was confirmed`, request("SN-two", "one-0"))
		refused(api.ErrSerial, "nothing was done", request("", "one-0"))
		refused(api.ErrSerial, `no disk "two-0"`, request("SN-one", "one-0", "two-0"))
		refused(api.ErrInvalid, "named twice", request("SN-one", "one-0", "one-0"))
		refused(api.ErrConflict, "no test disk", api.TestRequest{Plan: "cores", Serial: "SN-one", WriteDisks: []string{"one-0"}})
		begin(request("sn-one", "one-1"))
		begin(api.TestRequest{})
		if got := written(); len(got) != 3 || got[0] != nil || len(got[1]) != 1 || got[1][0] != "one-1" || got[2] != nil {
			t.Errorf("written to: %q", got)
		}
		// a disk that was changed since is not written to, nor is any other one
		s.mu.Lock()
		s.facts.Disks = slices.Clone(s.facts.Disks)
		s.facts.Disks[1].Serial = "another"
		s.mu.Unlock()
		_, err := r.engine.Test(ctx, "test", "one", request("SN-one", "one-0", "one-1"))
		must(t, err)
		m := r.await("one", faulty(inventory.FaultIdentity))
		if m.State != inventory.Discovered || !strings.Contains(m.Fault.Reason, `"one-1"`) || len(m.Intent.Disks) > 0 || len(written()) != 3 {
			t.Errorf("%s with %+v, may write to %q, %q", m.State, m.Fault, m.Intent.Disks, written())
		}
		_, err = r.engine.Release(ctx, "test", "one")
		must(t, err)
		r.await("one", in(inventory.Ready))
		if got := written(); len(got) != 4 || got[0] != nil {
			t.Errorf("after the release, written to: %q", got)
		}
	})
}
