package provision

import (
	"context"
	"errors"
	"fmt"

	"socle/inventory"
)

// verify looks at one machine's role from outside and writes down what it saw; the machine's own job moves
// it on.
func (e *Engine) verify(ctx context.Context, id string) error {
	m, err := e.Store.Machine(ctx, id)
	if err != nil {
		return err
	}
	if m.State != inventory.Deploying || m.Deployed.PhonedHome.IsZero() || !m.Deployed.Verified.IsZero() || m.Held() {
		return nil
	}
	evidence, err := e.look(ctx, m)
	if err != nil && ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return err // the server stops: look again after the restart
	}
	store := context.WithoutCancel(ctx)
	if err != nil {
		f := &Failure{Kind: inventory.FaultVerify, Step: "verify", Reason: fmt.Sprintf("role %s does not work as seen from outside", m.Role),
			Remedy: "see the machine's console and the evidence; repair and deploy again", Err: err}
		_, err = e.fail(store, &m, f)
		return err
	}
	err = e.change(store, &m, func(m *inventory.Machine) (inventory.Note, error) {
		m.Deployed.Verified, m.Deployed.Evidence = e.Now(), evidence
		return inventory.Note{Kind: "verify", Reason: fmt.Sprintf("role %s works as seen from outside", m.Role)}, nil
	})
	if errors.Is(err, errStale) {
		return nil
	}
	return err
}

func (e *Engine) look(ctx context.Context, m inventory.Machine) ([]string, error) {
	role, _, err := e.roleOf(&m)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, e.Limits.Verify)
	defer cancel()
	return e.Verifier.Verify(ctx, Verification{
		Name: m.Name, Address: m.Address, Role: role, Data: m.Deployed.DataDisks,
		Reboot: func(ctx context.Context) error { return e.rebootOnce(ctx, m.ID) },
		Progress: func(text string) {
			err := e.Store.Append(ctx, inventory.Event{Time: e.Now(), Machine: m.ID, Name: m.Name,
				Actor: inventory.ActorProvision, Kind: "verify", Reason: text})
			if err != nil {
				e.Log.Warn("noting the progress of a verification", "machine", m.Name, "err", err)
			}
		},
	})
}

// rebootOnce takes the power away and gives it back, once for a deployment: the intent is written first, and
// whoever comes after a crash sees by the two halves of the Op what is left to do.
func (e *Engine) rebootOnce(ctx context.Context, id string) error {
	m, err := e.Store.Machine(ctx, id)
	if err != nil {
		return err
	}
	if m.Deployed.Rebooted.IsZero() {
		err := e.change(ctx, &m, func(m *inventory.Machine) (inventory.Note, error) {
			m.Deployed.Rebooted = e.Now()
			intend(m, inventory.BootDisk, m.Deployed.Rebooted)
			return inventory.Note{Kind: "power", Reason: "is rebooted by its BMC, to see whether its role comes back"}, nil
		})
		if err != nil {
			return err
		}
	}
	if m.Op == nil || !m.Op.On.IsZero() {
		return nil
	}
	return e.powerCycle(ctx, &m)
}
