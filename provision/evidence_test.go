package provision_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"socle/inventory"
	"socle/inventory/store"
	"socle/inventory/verdict"
)

// recorder stores evidence at once.
type recorder struct {
	t     *testing.T
	store *store.Store
}

// Record implements provision.Recorder.
func (r recorder) Record(e inventory.Evidence) {
	if err := r.store.AddEvidence(context.Background(), []inventory.Evidence{e}); err != nil {
		r.t.Logf("evidence %+v was lost: %v", e, err)
	}
}

// TestTheFaultOfABootThatFailedHasItsVerdict powers a server that sends nothing but one DISCOVER.
func TestTheFaultOfABootThatFailedHasItsVerdict(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		r.down()
		r.limits.Boot = 2 * time.Second
		r.start()
		r.add("bad", 1).nics = false
		m, err := r.store.Machine(t.Context(), "bad")
		must(t, err)
		r.buildOut("bad")
		must(t, r.store.AddEvidence(t.Context(), []inventory.Evidence{{Time: time.Now().Add(time.Minute), Machine: m.ID, MAC: "52:54:00:00:00:01", Source: "dhcp",
			Kind: inventory.SawDiscover, Outcome: inventory.OutNoAddress, Client: inventory.StageFirmware, Reply: "nothing: subnet prov has no free address"}}))
		m = r.await("bad", func(m inventory.Machine) bool { return m.Fault != nil && m.Fault.Kind == inventory.FaultNoBoot })
		if !strings.Contains(m.Fault.Reason, "none free") || !strings.Contains(m.Fault.Reason, "no agent has spoken") || !strings.Contains(m.Fault.Remedy, "enlarge the pool") {
			t.Errorf("the fault is %+v", m.Fault)
		}
		lines, err := r.store.Evidence(t.Context(), m.ID, 100)
		must(t, err)
		var kinds []string
		for _, s := range verdict.Judge(verdict.Case{Machine: m, Evidence: verdict.InOrder(lines), Now: time.Now()}).Story {
			kinds = append(kinds, s.Text)
		}
		if got := strings.Join(kinds, " "); !strings.HasPrefix(got, "The BMC was told to boot the ramdisk next. The power was given.") || !strings.Contains(got, "no address is free") {
			t.Errorf("the story is %s", got)
		}
	})
}

// TestTheStoryOfADeployment follows a server that works through all of its road.
func TestTheStoryOfADeployment(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		r.add("hv01", 1)
		r.buildOut()
		m := r.await("hv01", in(inventory.Active))
		lines, err := r.store.Evidence(t.Context(), m.ID, 100)
		must(t, err)
		seen := map[inventory.EvidenceKind]bool{}
		for _, e := range lines {
			seen[e.Kind] = true
		}
		for _, k := range []inventory.EvidenceKind{inventory.SawOrder, inventory.SawPowerOn, inventory.SawSession, inventory.SawFacts, inventory.SawCall} {
			if !seen[k] {
				t.Errorf("no evidence of kind %s in %d lines", k, len(lines))
			}
		}
		if v := verdict.Judge(verdict.Case{Machine: m, Evidence: verdict.InOrder(lines), Now: time.Now()}).Verdict; v.Standing != verdict.Boots {
			t.Errorf("the verdict is %+v", v)
		}
	})
}
