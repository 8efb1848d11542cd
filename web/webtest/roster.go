package webtest

import (
	"context"

	"socle/inventory"
)

// Roster implements web.Inventory.
func (w *World) Roster(ctx context.Context) ([]inventory.Machine, error) {
	all, err := w.Machines(ctx)
	for i := range all {
		all[i].Facts = nil
	}
	return all, err
}

// OrdersInProgress implements web.Inventory.
func (w *World) OrdersInProgress(context.Context) (map[string]inventory.Order, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[string]inventory.Order{}
	for id, orders := range w.orders {
		for _, o := range orders {
			if newest, known := all[id]; !o.State.Final() && (!known || o.IssuedAt.After(newest.IssuedAt)) {
				all[id] = o
			}
		}
	}
	return all, w.fail
}
