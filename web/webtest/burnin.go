package webtest

import (
	"context"

	"socle/inventory"
)

// Plans are how machines of the demo's storage model are tested; others are not.
func Plans() []inventory.BurnInPlan {
	return []inventory.BurnInPlan{{Model: "SSG-", Tests: []string{"cpu", "memory", "disk"}, Seconds: 3600, Memory: 80}}
}

// Test implements web.Verbs.
func (w *World) Test(_ context.Context, actor, ref string) (inventory.Machine, error) {
	return w.change("test", actor, ref, func(*inventory.Machine) error { return nil })
}

// StopTest implements web.Verbs.
func (w *World) StopTest(_ context.Context, actor, ref string) (inventory.Machine, error) {
	return w.change("stop-test", actor, ref, func(*inventory.Machine) error { return nil })
}
