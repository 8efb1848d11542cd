package provision

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"socle/api"
	"socle/inventory"
)

// find reads a machine by name, serial or ID for a person's verb.
func (e *Engine) find(ctx context.Context, ref string) (inventory.Machine, error) {
	m, err := e.Store.Machine(ctx, ref)
	if errors.Is(err, inventory.ErrNotFound) {
		return m, problem(http.StatusNotFound, api.ErrNotFound, "no machine has the name, serial or ID %q", ref)
	}
	if errors.Is(err, inventory.ErrAmbiguous) {
		return m, problem(http.StatusConflict, api.ErrConflict, "%q: %v; use the ID", ref, err)
	}
	return m, err
}

// act is a person's change of one machine.
func (e *Engine) act(ctx context.Context, actor, ref string, fn func(*inventory.Machine) (inventory.Note, error)) (inventory.Machine, error) {
	m, err := e.find(ctx, ref)
	if err != nil {
		return m, err
	}
	m, err = e.Store.Change(ctx, m.ID, actor, fn)
	if errors.Is(err, inventory.ErrTransition) {
		return m, problem(http.StatusConflict, api.ErrConflict, "%v", err)
	}
	if err == nil { // what was tried to boot it under another order counts no more
		err = e.Store.ForgetTries(ctx, m.Identity.NICMACs, false)
	}
	return m, err
}

// Hold keeps Socle's hands off a machine.
func (e *Engine) Hold(ctx context.Context, actor, ref, reason string) (inventory.Machine, error) {
	if strings.TrimSpace(reason) == "" {
		return inventory.Machine{}, problem(http.StatusUnprocessableEntity, api.ErrInvalid, "say why the machine is held")
	}
	return e.act(ctx, actor, ref, func(m *inventory.Machine) (inventory.Note, error) {
		m.Hold = &inventory.Hold{Reason: reason, Actor: actor, Since: e.Now()}
		return inventory.Note{Kind: "hold", Reason: reason}, nil
	})
}

// Release lets Socle go on, and clears the fault that a person has seen to. The time on hold does not count
// against the deadline.
func (e *Engine) Release(ctx context.Context, actor, ref string) (inventory.Machine, error) {
	return e.act(ctx, actor, ref, func(m *inventory.Machine) (inventory.Note, error) {
		if m.Held() && !m.Deadline.IsZero() {
			m.Deadline = m.Deadline.Add(e.Now().Sub(m.Hold.Since))
		}
		m.Hold, m.Fault = nil, nil
		return inventory.Note{Kind: "release", Reason: "released"}, nil
	})
}

// Inspect looks at a machine's hardware again, and says by which way its ramdisk is booted from then on.
func (e *Engine) Inspect(ctx context.Context, actor, ref string, r api.InspectRequest) (inventory.Machine, error) {
	return e.inspect(ctx, actor, ref, r, inventory.Intent{})
}

// inspect reads the hardware again; when tests follow, they are as the intent says.
func (e *Engine) inspect(ctx context.Context, actor, ref string, r api.InspectRequest, intent inventory.Intent) (inventory.Machine, error) {
	way, err := e.way(r)
	if err != nil {
		return inventory.Machine{}, err
	}
	return e.act(ctx, actor, ref, func(m *inventory.Machine) (inventory.Note, error) {
		if m.Held() {
			return inventory.Note{}, held(m)
		}
		if err := way(m); err != nil {
			return inventory.Note{}, err
		}
		m.Fault, m.FactsAt = nil, m.CreatedAt // what was seen before does not count
		if m.State == inventory.Ready {
			if err := m.Move(inventory.Inspecting, e.Now()); err != nil {
				return inventory.Note{}, err
			}
		} else if m.State != inventory.Expected && m.State != inventory.Discovered {
			return inventory.Note{}, problem(http.StatusConflict, api.ErrConflict, "%s is %s: only an expected, discovered or ready machine can be inspected", m.Name, m.State)
		}
		intent.State, intent.Actor = inventory.Ready, actor
		m.Intent = intent
		reason := "inspect" + map[bool]string{true: ", by virtual media"}[m.ByMedium()]
		if len(intent.Disks) > 0 {
			reason += fmt.Sprintf(", then write to the disks %s of the server %s, which destroys what is on them", strings.Join(intent.Disks, ", "), intent.Serial)
		}
		return inventory.Note{Kind: "intent", Reason: reason}, nil
	})
}

// Deploy brings a machine to work in a role, whatever lies between. It destroys what is on the disks, so the
// serial number must be the machine's.
func (e *Engine) Deploy(ctx context.Context, actor, ref string, r api.DeployRequest) (inventory.Machine, error) {
	return e.act(ctx, actor, ref, func(m *inventory.Machine) (inventory.Note, error) {
		return e.intendActive(m, actor, r.Role, r.Serial, true)
	})
}

func held(m *inventory.Machine) error {
	return problem(http.StatusConflict, api.ErrHeld, "%s is on hold by %s: %s; release it first", m.Name, m.Hold.Actor, m.Hold.Reason)
}

// intendActive makes a deployment the machine's intent. An active machine is deployed anew only on a
// person's word for this very machine.
func (e *Engine) intendActive(m *inventory.Machine, actor, role, serial string, again bool) (inventory.Note, error) {
	if m.Held() {
		return inventory.Note{}, held(m)
	}
	if serial == "" || !strings.EqualFold(serial, m.Serial()) {
		return inventory.Note{}, problem(http.StatusConflict, api.ErrSerial, "serial %q was confirmed, %s has %q: nothing was done", serial, m.Name, m.Serial())
	}
	if role != "" && !e.hasRole(role) {
		return inventory.Note{}, problem(http.StatusUnprocessableEntity, api.ErrInvalid, "there is no role %q in the configuration", role)
	}
	switch m.State {
	case inventory.Deploying:
		return inventory.Note{}, problem(http.StatusConflict, api.ErrConflict, "%s is being deployed already", m.Name)
	case inventory.Active:
		if !again {
			return inventory.Note{}, problem(http.StatusConflict, api.ErrConflict, "%s is active already", m.Name)
		}
		if err := m.Move(inventory.Deploying, e.Now()); err != nil {
			return inventory.Note{}, err
		}
		m.Deployed = inventory.Deployment{}
	case inventory.Retired, inventory.Erasing, inventory.Rescuing:
		return inventory.Note{}, problem(http.StatusConflict, api.ErrConflict, "%s is %s", m.Name, m.State)
	}
	m.Fault = nil
	m.Intent = inventory.Intent{State: inventory.Active, Role: role, Actor: actor, Serial: m.Serial()}
	if role != "" {
		m.Role = role
	}
	return inventory.Note{Kind: "intent", Reason: strings.TrimSpace("deploy " + role)}, nil
}

func (e *Engine) hasRole(name string) bool {
	return slices.ContainsFunc(e.Roles, func(r inventory.Role) bool { return r.Name == name })
}

// BuildOut brings machines of the plan to work; with no names, all that are not yet. The plan's serial
// numbers are what was confirmed by whoever imported it.
func (e *Engine) BuildOut(ctx context.Context, actor string, r api.BuildOutRequest) (api.BuildOutReply, error) {
	var reply api.BuildOutReply
	refs := r.Machines
	if len(refs) == 0 {
		machines, err := e.Store.Roster(ctx)
		if err != nil {
			return reply, err
		}
		for _, m := range machines {
			if m.InPlan && m.State != inventory.Active && m.State != inventory.Retired && m.Intent.State != inventory.Active {
				refs = append(refs, m.ID)
			}
		}
	}
	for _, ref := range refs {
		m, err := e.act(ctx, actor, ref, func(m *inventory.Machine) (inventory.Note, error) {
			if !m.InPlan {
				return inventory.Note{}, problem(http.StatusConflict, api.ErrConflict, "it is in no manifest: deploy it by name and serial")
			}
			return e.intendActive(m, actor, "", m.Serial(), false)
		})
		var p *api.Problem
		switch {
		case errors.As(err, &p):
			reply.Skipped = append(reply.Skipped, ref+": "+p.Detail)
		case err != nil:
			return reply, err
		default:
			reply.Started = append(reply.Started, m.Name)
		}
	}
	return reply, nil
}
