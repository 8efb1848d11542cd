package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"socle/api"
	"socle/inventory"
)

// powerActions are what a person may do to a machine's power.
var powerActions = []string{"on", "off", "cycle", "reset", "soft", "nmi", "status"}

// Power changes or reads a machine's power by its BMC. What is wanted is written down before, the outcome after.
func (e *Engine) Power(ctx context.Context, actor, ref, action string) (inventory.Power, error) {
	m, err := e.find(ctx, ref)
	if err != nil {
		return "", err
	}
	switch {
	case !m.BMC.Known():
		return "", problem(http.StatusConflict, api.ErrConflict, "no BMC of %s is known: name it in the manifest", m.Name)
	case !slices.Contains(powerActions, action):
		return "", problem(http.StatusUnprocessableEntity, api.ErrInvalid, "power action %q: use one of %v", action, powerActions)
	}
	var power inventory.Power
	if action == "status" {
		power, err = e.BMC.Power(ctx, m)
	} else {
		power, err = e.orderPower(ctx, actor, m, action)
	}
	if err != nil {
		return "", asProblem(err)
	}
	_, err = e.Store.Change(ctx, m.ID, actor, func(m *inventory.Machine) (inventory.Note, error) {
		m.Power, m.PowerAt, m.BMC.Seen = power, e.Now(), e.Now()
		return inventory.Note{Kind: "power", Reason: "power is " + string(power)}, nil
	})
	return power, err
}

// orderPower does a person's action. What they want is written down first: whoever finds the power otherwise later,
// or after a crash in between, knows what was meant. When nothing was done, because the BMC cannot or refuses the login,
// what was wanted before still is; after another failure nobody knows what came of it, and nothing counts as wanted until
// somebody says so again.
func (e *Engine) orderPower(ctx context.Context, actor string, m inventory.Machine, action string) (inventory.Power, error) {
	said := e.Now()
	var before inventory.PowerWish
	m, err := e.Store.Change(ctx, m.ID, actor, func(m *inventory.Machine) (inventory.Note, error) {
		before = m.Wish
		switch action {
		case "on", "cycle", "reset":
			m.Wish.Want(inventory.PowerOn, false, actor, said)
		case "off", "soft":
			m.Wish.Want(inventory.PowerOff, action == "soft", actor, said)
		}
		return inventory.Note{Kind: "power", Reason: "power " + action + " ordered"}, nil
	})
	if err != nil {
		return "", err
	}
	power, err := e.BMC.SetPower(ctx, m, action)
	if err == nil {
		e.sawPower(&m, action)
		return power, nil
	}
	var f *Failure
	idle := errors.As(err, &f) && !f.Retry
	_, ferr := e.Store.Change(context.WithoutCancel(ctx), m.ID, actor, func(now *inventory.Machine) (inventory.Note, error) {
		if !now.Wish.Since.Equal(m.Wish.Since) || action == "nmi" {
			return inventory.Note{}, nil // somebody has said something else meanwhile
		}
		if idle {
			before.Policy = now.Wish.Policy
			now.Wish = before
			return inventory.Note{Kind: "power", Reason: "power " + action + " failed: nothing was done"}, nil
		}
		now.Wish.Want(inventory.PowerUnknown, false, actor, said)
		return inventory.Note{Kind: "power", Reason: "power " + action + " failed: it is not known how the power is"}, nil
	})
	if ferr != nil {
		e.Log.Warn("noting that a change of power failed", "machine", m.Name, "err", ferr)
	}
	return power, err
}

// SetPowerPolicy says what is done when the power of a machine is found otherwise than it was wanted last.
func (e *Engine) SetPowerPolicy(ctx context.Context, actor, ref, policy string) (inventory.Machine, error) {
	p, err := inventory.ParsePowerPolicy(policy)
	if err != nil {
		return inventory.Machine{}, problem(http.StatusUnprocessableEntity, api.ErrInvalid, "%v", err)
	}
	m, err := e.find(ctx, ref)
	if err != nil {
		return m, err
	}
	return e.Store.Change(ctx, m.ID, actor, func(m *inventory.Machine) (inventory.Note, error) {
		m.Wish.SetPolicy(p, actor, e.Now())
		reason := "power policy: " + p.String()
		if p == inventory.PowerByDefault {
			reason += fmt.Sprintf(" (%s)", e.powerPolicy(m))
		}
		return inventory.Note{Kind: "power-policy", Reason: reason}, nil
	})
}

// powerPolicy is the policy in force: the machine's own, else its role's, else the site's.
func (e *Engine) powerPolicy(m *inventory.Machine) inventory.PowerPolicy {
	var role inventory.Role
	if i := slices.IndexFunc(e.Roles, func(r inventory.Role) bool { return r.Name == m.Role }); i >= 0 {
		role = e.Roles[i]
	}
	return cmp.Or(m.Wish.Policy, role.PowerDrift, e.PowerDrift, inventory.PowerAlarm)
}

// SeePower takes in what a look at a machine's BMC found of its power: see inventory.Machine.SeePower. It says what is
// to be complained of, and when to look again if sooner than usual.
func (e *Engine) SeePower(ctx context.Context, m inventory.Machine, seen inventory.PowerSight) (complaint string, again time.Duration, err error) {
	m, err = e.Store.Change(ctx, m.ID, inventory.ActorHealth, func(m *inventory.Machine) (note inventory.Note, _ error) {
		note, again = m.SeePower(seen, e.powerPolicy(m), e.Now())
		return note, nil
	})
	if err != nil || !m.PowerRests() {
		return "", 0, err
	}
	return m.Wish.Complaint(), again, nil
}

// restorePower sets the power of a machine back that was found otherwise than wanted, when that is due. It looks first;
// that it acts is written down before, and counts whatever comes of it.
func (e *Engine) restorePower(ctx context.Context, m *inventory.Machine) (again time.Duration, moved bool, err error) {
	drift := m.Wish.Drift
	if drift == nil || drift.Next.IsZero() || !m.PowerRests() {
		return 0, false, nil
	}
	if wait := drift.Next.Sub(e.Now()); wait > 0 {
		return wait, false, nil
	}
	want := m.Wish.Power
	power, err := e.BMC.Power(ctx, *m)
	if err != nil || power == want {
		return 0, true, e.endDrift(ctx, m, power, err)
	}
	var act bool
	err = e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
		if m.Wish.Power != want || m.Wish.Drift == nil || !m.PowerRests() {
			return inventory.Note{}, errStale
		}
		if act = m.Restoring(e.Now()); !act {
			return inventory.Note{Kind: "power-drift", Reason: "the power is not set back: " + m.Wish.Drift.Why}, nil
		}
		return inventory.Note{Kind: "power-drift", Reason: fmt.Sprintf("power %s: it is set back, as the policy says (%d within the hour)", want, len(m.Wish.Restored))}, nil
	})
	if err != nil || !act {
		return 0, err == nil, err
	}
	power, failure := e.BMC.SetPower(ctx, *m, string(want))
	if failure == nil {
		e.sawPower(m, string(want))
		return 0, true, e.endDrift(ctx, m, power, nil)
	}
	return 0, true, e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
		if m.Wish.Drift == nil {
			return inventory.Note{}, errStale
		}
		m.Wish.Drift.Failed = failure.Error()
		return inventory.Note{Kind: "power-drift", Reason: "setting the power back failed: " + failure.Error()}, nil
	})
}

// endDrift writes down that the power is as wanted, or that it could not be read: then the next looks decide.
func (e *Engine) endDrift(ctx context.Context, m *inventory.Machine, power inventory.Power, failure error) error {
	return e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
		m.Wish.Drift = nil
		if failure != nil {
			return inventory.Note{Kind: "power-drift", Reason: "the power is not set back, because it cannot be read: " + failure.Error()}, nil
		}
		m.Power, m.PowerAt = power, e.Now()
		return inventory.Note{Kind: "power-drift", Reason: fmt.Sprintf("power is %s again", power)}, nil
	})
}
