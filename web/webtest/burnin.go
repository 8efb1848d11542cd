package webtest

import (
	"context"

	"socle/inventory"
)

// Test implements web.Verbs.
func (w *World) Test(_ context.Context, actor, ref string) (inventory.Machine, error) {
	return w.change("test", actor, ref, func(*inventory.Machine) error { return nil })
}

// StopTest implements web.Verbs.
func (w *World) StopTest(_ context.Context, actor, ref string) (inventory.Machine, error) {
	return w.change("stop-test", actor, ref, func(*inventory.Machine) error { return nil })
}
