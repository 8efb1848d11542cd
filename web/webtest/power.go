package webtest

import (
	"context"

	"socle/inventory"
)

// Power implements web.Power.
func (w *World) Power(_ context.Context, actor, ref, action string) (inventory.Power, error) {
	m, err := w.change("power "+action, actor, ref, func(m *inventory.Machine) error {
		switch action {
		case "on", "cycle", "reset":
			m.Power = inventory.PowerOn
		case "off", "soft":
			m.Power = inventory.PowerOff
		}
		return nil
	})
	return m.Power, err
}

// SetPowerPolicy implements web.Power.
func (w *World) SetPowerPolicy(_ context.Context, actor, ref, policy string) (inventory.Machine, error) {
	return w.change("power policy "+policy, actor, ref, func(m *inventory.Machine) error {
		p, err := inventory.ParsePowerPolicy(policy)
		m.Wish.SetPolicy(p, actor, w.Now())
		return err
	})
}
