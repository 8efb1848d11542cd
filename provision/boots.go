package provision

import (
	"context"
	"fmt"
	"time"

	"socle/api"
	"socle/inventory"
)

// bootTokenTTL is how long a boot may take from its script to the agent's first word.
const bootTokenTTL = 30 * time.Minute

// BootPlan is what a machine that asks shall boot.
type BootPlan struct {
	Target  inventory.Boot
	Machine string   // ID
	Name    string   // for people
	Params  []string // kernel parameters of the ramdisk
}

// PlanBoot says what the machine with this identity shall boot now. One that nobody knows becomes a
// discovered machine on hold, and boots the ramdisk to be looked at. A token is made for a ramdisk only, and
// proves that one boot. server is the base URL at which the machine reaches the API.
func (e *Engine) PlanBoot(ctx context.Context, seen inventory.Identity, server string) (BootPlan, error) {
	m, _, err := e.Store.Recognise(ctx, seen, inventory.ActorBoot)
	if err != nil {
		return BootPlan{}, err
	}
	if m.State == inventory.Expected {
		if m, err = e.sighted(ctx, m, seen); err != nil {
			return BootPlan{}, err
		}
	}
	p := BootPlan{Target: m.Boot, Machine: m.ID, Name: m.Name}
	if p.Target != inventory.BootRamdisk && p.Target != inventory.BootRescue {
		return p, nil
	}
	token, err := e.Store.NewToken(ctx, inventory.TokenSpec{Kind: inventory.TokenBoot, Machine: m.ID, Subject: m.Name, TTL: bootTokenTTL})
	if err != nil {
		return BootPlan{}, fmt.Errorf("making the boot token of %s: %w", m.Name, err)
	}
	p.Params = []string{
		api.ParamServer + "=" + server,
		api.ParamCA + "=" + e.CAFingerprint,
		api.ParamToken + "=" + token.Reveal(),
	}
	return p, nil
}

// sighted moves an expected machine on that asked for a boot before anybody looked for it.
func (e *Engine) sighted(ctx context.Context, m inventory.Machine, seen inventory.Identity) (inventory.Machine, error) {
	return e.Store.Change(ctx, m.ID, inventory.ActorBoot, func(m *inventory.Machine) (inventory.Note, error) {
		m.Identity, m.SeenAt = m.Identity.Merge(seen), e.Now()
		if m.State != inventory.Expected {
			return inventory.Note{Kind: "boot", Reason: "asks what to boot"}, nil
		}
		if err := m.Move(inventory.Discovered, e.Now()); err != nil {
			return inventory.Note{}, err
		}
		return inventory.Note{Kind: "state", Reason: "asks what to boot"}, nil
	})
}
