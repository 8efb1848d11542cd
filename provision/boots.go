package provision

import (
	"context"
	"fmt"

	"socle/api"
	"socle/inventory"
)

// BootPlan is what a machine that asks shall boot.
type BootPlan struct {
	Target  inventory.Boot
	Machine string   // ID
	Name    string   // for people
	Params  []string // kernel parameters of the ramdisk
}

// PlanBoot says what the machine with this identity shall boot now. One that nobody knows becomes a
// discovered machine on hold, and boots the ramdisk to be looked at. A token is made for a ramdisk only, and
// proves that one boot. The view answers where it can; whoever is new in any way is decided in the database.
// server is the base URL at which the machine reaches the API.
func (e *Engine) PlanBoot(ctx context.Context, seen inventory.Identity, server string) (BootPlan, error) {
	if e.View != nil {
		if s, ok := e.View.Recognise(seen); ok && s.State != inventory.Expected {
			return e.bootPlan(s, seen, server)
		}
	}
	m, _, err := e.Store.Recognise(ctx, seen, inventory.ActorBoot)
	if err != nil {
		return BootPlan{}, err
	}
	if m.State == inventory.Expected {
		if m, err = e.sighted(ctx, m, seen); err != nil {
			return BootPlan{}, err
		}
	}
	return e.bootPlan(m.Sketch(), seen, server)
}

// bootPlan is the plan of a machine, with a token where it boots the ramdisk.
func (e *Engine) bootPlan(s inventory.Sketch, seen inventory.Identity, server string) (BootPlan, error) {
	p := BootPlan{Target: s.Boot, Machine: s.ID, Name: s.Name}
	if !p.Target.RAM() {
		return p, nil
	}
	claim := bootClaim{machine: s.ID, boot: bootOf(s.BootedAt), issued: e.Now()}
	if len(seen.NICMACs) == 1 {
		claim.mac = seen.NICMACs[0]
	}
	token, err := newBootToken(e.signer, claim)
	if err != nil {
		return BootPlan{}, fmt.Errorf("making the boot token of %s: %w", s.Name, err)
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
