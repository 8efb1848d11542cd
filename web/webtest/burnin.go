package webtest

import (
	"context"
	"strings"

	"socle/api"
	"socle/inventory"
)

// Plans are how machines of the demo's storage model are tested, and a short one; others are not.
func Plans() []inventory.BurnInPlan {
	return []inventory.BurnInPlan{{Model: "SSG-", Tests: []string{"cpu", "memory", "disk"}, Seconds: 3600, Memory: 80},
		{Name: "short", Model: "SSG-", Tests: []string{"disk"}, Seconds: 60, Memory: 10}}
}

// Test implements web.Verbs.
func (w *World) Test(_ context.Context, actor, ref string, r api.TestRequest) (inventory.Machine, error) {
	call := strings.TrimSpace("test " + r.Plan)
	if len(r.WriteDisks) > 0 {
		call += " writing to " + strings.Join(r.WriteDisks, ",") + " of " + r.Serial
	}
	return w.change(call, actor, ref, func(*inventory.Machine) error { return nil })
}

// StopTest implements web.Verbs.
func (w *World) StopTest(_ context.Context, actor, ref string) (inventory.Machine, error) {
	return w.change("stop-test", actor, ref, func(*inventory.Machine) error { return nil })
}
