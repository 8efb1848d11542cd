package webtest

import (
	"context"
	"fmt"

	"socle/api"
	"socle/inventory"
	"socle/inventory/floor"
	"socle/inventory/sheet/xlsx"
)

// Fixtures implements web.Places.
func (w *World) Fixtures(context.Context) ([]inventory.Fixture, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fixtures, w.fail
}

// ImportFixtures implements web.Places: what is right is added.
func (w *World) ImportFixtures(_ context.Context, _ string, file []byte, dryRun bool) (api.ImportReply, error) {
	src, err := xlsx.Open("floor plan", file)
	if err != nil {
		return api.ImportReply{}, err
	}
	all, err := floor.Read(src)
	out := api.ImportReply{DryRun: dryRun}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range all {
		out.Added = append(out.Added, f.Title())
		out.Changes = append(out.Changes, api.ImportChange{Line: f.Line, Machine: f.Title(), Added: true})
		if !dryRun {
			w.fixtures = append(w.fixtures, f.Fixture)
		}
	}
	return out, err
}

// Rackings implements web.Places.
func (w *World) Rackings(context.Context) (map[string]inventory.Racking, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[string]inventory.Racking{}
	for id, r := range w.rackings {
		all[id] = r
	}
	return all, w.fail
}

// SaveRacking implements web.Places.
func (w *World) SaveRacking(ctx context.Context, id, actor string) (inventory.Racking, error) {
	m, err := w.Machine(ctx, id)
	if err != nil {
		return inventory.Racking{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if r, there := w.rackings[id]; there && r.Place == m.Place {
		return r, fmt.Errorf("by %s: %w", r.Actor, inventory.ErrRacked)
	}
	if w.rackings == nil {
		w.rackings = map[string]inventory.Racking{}
	}
	w.rackings[id] = inventory.Racking{Machine: id, Place: m.Place, Actor: actor, Time: w.Now()}
	w.calls = append(w.calls, actor+" racked "+m.Name)
	w.tick()
	return w.rackings[id], nil
}
