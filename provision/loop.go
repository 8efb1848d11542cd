package provision

import (
	"context"
	"fmt"
	"slices"
	"time"

	"socle/inventory"
)

// awaitAgent waits for the first word of the agent that was booted. It tells when to boot again: the machine
// fetched what it was given and got no further, and there is another way to try.
func (e *Engine) awaitAgent(ctx context.Context, m *inventory.Machine) (again bool, err error) {
	waited := e.Now().Sub(m.Op.On)
	if waited < min(e.Limits.Loader, e.Limits.Boot) {
		return false, nil
	}
	if m.ByMedium() {
		return false, e.noMediumBoot(m, waited)
	}
	boots, err := e.Store.NetBoot(ctx, m.Identity.NICMACs)
	if err != nil {
		return false, err
	}
	last := boots.Last()
	fetched := last.Last.After(m.Op.On)
	if waited < e.Limits.Boot {
		if !fetched || e.Now().Sub(last.Last) < e.Limits.Loader {
			return false, nil
		}
		if asked, err := e.askedSince(ctx, m, last.Last); err != nil || asked {
			return false, err
		}
	}
	switch {
	case !fetched:
		if again, err := e.forgot(ctx, m); again || err != nil {
			return again, err
		}
		reason := fmt.Sprintf("powered on at %s with the network as next boot, and no agent has spoken since for %s",
			m.Op.On.Format(time.TimeOnly), e.Limits.Boot)
		remedy := "see the boot evidence on the machine's page and its console (docs/boot.md): check the cable and VLAN of the boot NIC, that network boot is enabled in the firmware, and that no other DHCP server answers"
		return false, e.noBoot(ctx, m, reason, remedy)
	case boots.Exhausted(e.BootTries):
		f := &Failure{Kind: inventory.FaultBootLoop,
			Reason: fmt.Sprintf("the machine fetched what it was given and no agent came, by every way there is: %s", boots.Tried()),
			Remedy: "see its console for what the last loader said (docs/boot.md)"}
		if v, ok := e.whyNot(ctx, m); ok {
			f.Reason, f.Remedy = fmt.Sprintf("%s. The last boot: %s (%s)", f.Reason, v.What, v.ID), v.Check
		}
		f.Remedy += "; when the trouble is gone, order an inspection: all ways are then tried anew"
		return false, f
	default:
		return true, nil
	}
}

// askedSince tells whether a machine's loader ran, and asked what to boot.
func (e *Engine) askedSince(ctx context.Context, m *inventory.Machine, since time.Time) (bool, error) {
	lines, err := e.Store.Evidence(ctx, m.ID, 50)
	return slices.ContainsFunc(lines, func(l inventory.Evidence) bool {
		return l.Time.After(since) && (l.Kind == inventory.SawStart || l.Kind == inventory.SawScript)
	}), err
}
