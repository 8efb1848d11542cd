package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"socle/inventory"
)

// seek looks for an expected machine by its BMC; the first valid answer makes it discovered. A machine
// without a known BMC waits until DHCP or the agent sees it.
func (e *Engine) seek(ctx context.Context, m *inventory.Machine) (time.Duration, bool, error) {
	if !m.BMC.Known() {
		return 0, false, nil
	}
	info, err := e.BMC.Probe(ctx, *m)
	if err != nil {
		return 0, false, err
	}
	if err := sameServer(m, info); err != nil {
		return 0, false, err
	}
	return 0, true, e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
		now := e.Now()
		m.Identity = m.Identity.Merge(inventory.Identity{BMCMAC: info.MAC, UUID: info.UUID})
		info.keep(m, now)
		m.SeenAt = now
		if err := m.Move(inventory.Discovered, now); err != nil {
			return inventory.Note{}, err
		}
		if m.BMC.Protocol.PowerOnly() {
			return inventory.Note{Kind: "state", Reason: fmt.Sprintf("its power can be switched by %s at %s", m.BMC.Protocol, m.BMC.Address)}, nil
		}
		return inventory.Note{Kind: "state", Reason: strings.TrimSpace(fmt.Sprintf("its BMC answers at %s by %s %s", m.BMC.Address, m.BMC.Protocol, strings.TrimSpace(info.Vendor+" "+info.Model)))}, nil
	})
}

// sameServer refuses a BMC that speaks for another server than the manifest says.
func sameServer(m *inventory.Machine, info BMCInfo) error {
	seen := inventory.Identity{Serial: info.Serial}.Normalize()
	if seen.Serial == "" || m.Identity.Serial == "" || seen.Serial == m.Identity.Serial {
		return nil
	}
	return &Failure{Kind: inventory.FaultIdentity,
		Reason: fmt.Sprintf("the BMC at %s belongs to serial %q, the manifest says %q", m.BMC.Address, info.Serial, m.Identity.Serial),
		Remedy: "correct the BMC address or the serial in the manifest and import it again"}
}

// agent is the session of the machine's live agent, or ErrNotFound when none speaks. While Socle itself was
// down no agent could speak, so silence is counted from its start at the earliest.
func (e *Engine) agent(ctx context.Context, m *inventory.Machine) (inventory.Session, error) {
	s, err := e.Store.LiveSession(ctx, m.ID)
	if err != nil {
		return inventory.Session{}, err
	}
	if e.Now().Sub(e.heardSince(s.SeenAt)) > e.Limits.AgentGone {
		return s, fmt.Errorf("agent of session %s silent since %s: %w", s.ID, s.SeenAt, inventory.ErrNotFound)
	}
	return s, nil
}

// bootRamdisk brings the machine's agent up. An agent that already speaks is kept. Otherwise the power is
// taken away and given back, each half written down before and after, with the network as next boot.
func (e *Engine) bootRamdisk(ctx context.Context, m *inventory.Machine) (result, error) {
	s, err := e.agent(ctx, m)
	if err == nil && m.Op != nil && !m.Op.On.IsZero() && s.StartedAt.After(m.Op.On) {
		return done, e.judgeBoot(ctx, m, true)
	}
	if err == nil {
		return done, nil
	}
	if !errors.Is(err, inventory.ErrNotFound) {
		return result{}, err
	}
	if s.StartedAt.Before(m.Since) || m.Op == nil || m.Op.On.IsZero() || s.StartedAt.Before(m.Op.On) {
		s = inventory.Session{} // of an earlier boot
	}
	anew := m.Op == nil || s.ID != "" // never booted here, or the agent that was booted fell silent
	if m.Op != nil && !m.Op.On.IsZero() && s.ID == "" {
		if anew, err = e.awaitAgent(ctx, m); err != nil || !anew {
			return wait, err
		}
	}
	if !m.BMC.Known() {
		return e.awaitAgentByHand(ctx, m)
	}
	if anew {
		if err := e.recordOp(ctx, m, inventory.BootRamdisk, inventory.Note{Kind: "power", Reason: "shall boot its ramdisk" + byItself(m)}); err != nil {
			return result{}, err
		}
	}
	return wait, e.powerCycle(ctx, m)
}

// byItself says that nobody can be told what the machine boots.
func byItself(m *inventory.Machine) string {
	if !m.BMC.Protocol.PowerOnly() {
		return ""
	}
	return "; it has no BMC, so its firmware must boot from the network first, and DHCP says what"
}

// recordOp writes the intent to boot the machine anew before anything is done about it.
func (e *Engine) recordOp(ctx context.Context, m *inventory.Machine, boot inventory.Boot, note inventory.Note) error {
	return e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
		intend(m, boot, e.Now())
		return note, nil
	})
}

// intend is what a machine's record says from the intent to boot it on.
func intend(m *inventory.Machine, boot inventory.Boot, now time.Time) {
	m.Boot, m.Op = boot, &inventory.Op{Boot: boot, At: now}
	m.Wish.Want(inventory.PowerOn, false, inventory.ActorProvision, now)
	if m.ByMedium() && boot.RAM() {
		m.Medium.In = now
	}
}

// powerCycle carries out the machine's Op: off, next boot, on. It looks before each half, so that a crash
// in between repeats nothing that can be seen to have happened.
func (e *Engine) powerCycle(ctx context.Context, m *inventory.Machine) error {
	power, err := e.BMC.Power(ctx, *m)
	if err != nil {
		return err
	}
	if m.Op.Off.IsZero() {
		if power != inventory.PowerOff {
			if power, err = e.BMC.SetPower(ctx, *m, "off"); err != nil {
				return err
			}
			e.sawPower(m, "off")
		}
		if err := e.recordPower(ctx, m, power, func(op *inventory.Op, now time.Time) { op.Off = now }); err != nil {
			return err
		}
	}
	if power == inventory.PowerOff {
		if m.Op.Boot != inventory.BootNothing {
			if err := e.orderBoot(ctx, m); err != nil {
				return err
			}
		}
		if power, err = e.BMC.SetPower(ctx, *m, "on"); err != nil {
			return err
		}
		e.sawPower(m, "on")
	}
	return e.recordPower(ctx, m, power, func(op *inventory.Op, now time.Time) { op.On = now })
}

// orderBoot tells the BMC of a machine that is off what its Op boots; a boot medium is put into its drive before. A
// machine without a BMC boots as its firmware is set up: from the network first, where it is told what.
func (e *Engine) orderBoot(ctx context.Context, m *inventory.Machine) error {
	if m.BMC.Protocol.PowerOnly() {
		return nil
	}
	if err := e.fillDrive(ctx, m); err != nil {
		return err
	}
	if err := e.chooseBoot(ctx, m); err != nil {
		return err
	}
	next := NextBoot{Boot: m.Op.Boot, Medium: !m.Op.In.IsZero(), Always: m.Op.Always}
	if err := e.BMC.NextBoot(ctx, *m, next); err != nil {
		return e.dropped(ctx, m, err)
	}
	e.saw(m, inventory.SawOrder, string(m.Op.Boot), "next boot")
	return nil
}

func (e *Engine) recordPower(ctx context.Context, m *inventory.Machine, power inventory.Power, half func(*inventory.Op, time.Time)) error {
	return e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
		now := e.Now()
		if m.Op == nil {
			return inventory.Note{}, errStale
		}
		half(m.Op, now)
		m.Power, m.PowerAt, m.BMC.Seen = power, now, now
		if m.Fault != nil && m.Fault.Step == m.Step {
			m.Fault = nil
		}
		return inventory.Note{Kind: "power", Reason: "power is " + string(power)}, nil
	})
}

// noBoot is the failure of a boot that did not reach the agent: what the evidence says comes before what is
// known anyway.
func (e *Engine) noBoot(ctx context.Context, m *inventory.Machine, reason, remedy string) *Failure {
	if v, ok := e.whyNot(ctx, m); ok {
		reason, remedy = fmt.Sprintf("%s (%s). %s", v.What, v.ID, reason), v.Check
	}
	if m.BMC.Protocol.PowerOnly() {
		remedy += "; it has no BMC: see in its firmware's setup that it boots from the network first, and that it switches on when power comes back"
	}
	return &Failure{Kind: inventory.FaultNoBoot, Reason: reason, Remedy: remedy}
}

// awaitAgentByHand waits for somebody to switch on a machine that has no BMC.
func (e *Engine) awaitAgentByHand(ctx context.Context, m *inventory.Machine) (result, error) {
	if e.Now().Sub(m.Since) < e.Limits.Boot {
		return wait, nil
	}
	return result{}, e.noBoot(ctx, m, "no BMC is known, and no agent came by itself",
		"name its BMC in the manifest, or boot the server from the network by hand")
}
