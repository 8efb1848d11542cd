package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"socle/api"
	"socle/inventory"
)

func (e *Engine) inspectSteps() []step {
	return []step{
		{"boot-ramdisk", e.bootRamdisk},
		{"read-facts", e.readFacts},
		{"eject-medium", e.ejectMedium}, // not before the agent has got the answer to its first word
		{"match-role", e.matchRole},
	}
}

// readFacts has the agent look at the hardware, unless what it saw in this boot is known already.
func (e *Engine) readFacts(ctx context.Context, m *inventory.Machine) (result, error) {
	s, err := e.agent(ctx, m)
	if errors.Is(err, inventory.ErrNotFound) {
		return wait, nil
	}
	if err != nil {
		return result{}, err
	}
	if m.Facts != nil && !m.FactsAt.Before(s.StartedAt) {
		return done, nil
	}
	_, r, err := e.order(ctx, m, s, work{kind: api.OrderInspect})
	return r, err
}

// matchRole finds the machine's role by the rules, and makes it ready, or has it tested first.
func (e *Engine) matchRole(ctx context.Context, m *inventory.Machine) (result, error) {
	if m.Facts == nil {
		return wait, nil
	}
	role, why, err := e.roleOf(m)
	if err != nil {
		return result{}, err
	}
	if _, _, err := role.Disks(*m.Facts); err != nil {
		return result{}, noDisk(err)
	}
	return done, e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
		m.Role = role.Name
		return e.testOrReady(m, why)
	})
}

// roleOf is the role that a person ordered, or the one that the rules find.
func (e *Engine) roleOf(m *inventory.Machine) (inventory.Role, string, error) {
	name := m.Intent.Role
	if name == "" {
		name = m.Role
	}
	if name != "" {
		for _, r := range e.Roles {
			if r.Name == name {
				return r, "role " + name + " was ordered", nil
			}
		}
		return inventory.Role{}, "", &Failure{Kind: inventory.FaultNoRole, Reason: fmt.Sprintf("role %q is not in the configuration", name),
			Remedy: "add the role to `roles` in the configuration, or order another one"}
	}
	role, reasons, err := inventory.Classify(e.Roles, *m.Facts)
	if err != nil {
		return inventory.Role{}, "", &Failure{Kind: inventory.FaultNoRole, Reason: err.Error(),
			Remedy: "correct the rules of the roles in the configuration, or deploy with an explicit role"}
	}
	return role, fmt.Sprintf("fits role %s (%s)", role.Name, strings.Join(reasons, "; ")), nil
}

func noDisk(err error) error {
	return &Failure{Kind: inventory.FaultNoDisk, Reason: err.Error(),
		Remedy: "check that all disks are seated and seen by the firmware, or change the role's disk rules, then inspect again"}
}
