package provision

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"socle/api"
	"socle/inventory"
	"socle/inventory/verdict"
)

// Recorder takes boot evidence. Record must not block.
type Recorder interface {
	Record(e inventory.Evidence)
}

type noRecorder struct{}

// Record implements Recorder.
func (noRecorder) Record(inventory.Evidence) {}

// evidenceRead is how many lines the verdict of a fault is drawn from.
const evidenceRead = 1000

// saw records what was done to a machine by its BMC.
func (e *Engine) saw(m *inventory.Machine, kind inventory.EvidenceKind, file, asked string) {
	e.Recorder.Record(inventory.Evidence{Time: e.Now(), Machine: m.ID, Source: "bmc", Kind: kind, Outcome: inventory.OutDone,
		File: file, Asked: asked, Reply: "done"})
}

// sawPower records what a power action did; reading the power and asking a system to shut down are none.
func (e *Engine) sawPower(m *inventory.Machine, action string) {
	switch action {
	case "off":
		e.saw(m, inventory.SawPowerOff, "", "power off")
	case "on", "cycle", "reset":
		e.saw(m, inventory.SawPowerOn, "", "power "+action)
	}
}

// sawSession records how an agent's request for a session ended; errors of the store are not the agent's.
func (e *Engine) sawSession(machine string, r api.SessionRequest, from netip.Addr, err error) {
	var p *api.Problem
	switch {
	case err == nil:
		e.sawAgent(machine, r.NICMACs, from, inventory.SawSession, inventory.OutDone, "session", fmt.Sprintf("agent %s from %s", r.Version, from))
	case errors.As(err, &p):
		e.sawAgent(machine, r.NICMACs, from, inventory.SawSession, inventory.OutRefused, "session", p.Detail)
	}
}

// sawAgent records an agent's word, or its refusal.
func (e *Engine) sawAgent(machine string, macs []string, from netip.Addr, kind inventory.EvidenceKind, o inventory.Outcome, asked, reply string) {
	mac := ""
	if len(macs) > 0 {
		mac = inventory.NormalizeMAC(macs[0])
	}
	e.Recorder.Record(inventory.Evidence{Time: e.Now(), Machine: machine, MAC: mac, Source: "agent", Client: inventory.StageAgent,
		Kind: kind, Outcome: o, Addr: from, Asked: asked, Reply: reply})
}

// whyNot is the verdict on a machine's last boot. When the evidence cannot be read there is none: a fault
// must not depend on it.
func (e *Engine) whyNot(ctx context.Context, m *inventory.Machine) (verdict.Verdict, bool) {
	lines, err := e.Store.Evidence(ctx, m.ID, evidenceRead)
	if err != nil {
		e.Log.Warn("reading the boot evidence for a verdict", "machine", m.Name, "err", err)
		return verdict.Verdict{}, false
	}
	v := verdict.Judge(verdict.Case{Machine: *m, Evidence: verdict.InOrder(lines), Now: e.Now()}).Verdict
	return v, v.Standing == verdict.Stuck || v.Standing == verdict.Going
}
