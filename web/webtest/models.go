package webtest

import (
	"context"
	"net/http"
	"strings"

	"socle/api"
	"socle/inventory"
)

// PutModel implements web.Models. What has no items is wrong.
func (w *World) PutModel(_ context.Context, actor string, text []byte) (inventory.Document, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, name, _ := strings.Cut(string(text), "name: ")
	name, items, ok := strings.Cut(name, "\n")
	if !ok || !strings.HasPrefix(items, "items:") {
		p := api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, "the model has 1 error; nothing was stored")
		p.Errors = []api.ErrorDetail{{Message: "a model has items"}}
		return inventory.Document{}, p
	}
	d := inventory.Document{Name: name, Version: 1, Text: string(text), Actor: actor, Time: w.Now()}
	for _, other := range w.models {
		if other.Name == name {
			d.Version++
		}
	}
	w.models = append([]inventory.Document{d}, w.models...)
	return d, w.fail
}

// TakeModel implements web.Models.
func (w *World) TakeModel(ctx context.Context, actor, name, ref string) (inventory.Document, error) {
	if _, err := w.Machine(ctx, ref); err != nil {
		return inventory.Document{}, err
	}
	return w.PutModel(ctx, actor, []byte("name: "+name+"\nitems: [] # as in "+ref+"\n"))
}

// Model implements web.Models.
func (w *World) Model(_ context.Context, name string, version int) (inventory.Document, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.document(w.models, name, version)
}

// Models implements web.Models.
func (w *World) Models(context.Context) ([]inventory.Document, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.models, w.fail
}

// CompareModel implements web.Models: a machine whose name begins with hv lacks a DIMM.
func (w *World) CompareModel(ctx context.Context, ref, model string) (inventory.Machine, []inventory.Finding, error) {
	m, err := w.Machine(ctx, ref)
	if err == nil && model != "" {
		_, err = w.Model(ctx, model, 0)
	}
	if err != nil || !strings.HasPrefix(m.Name, "hv") {
		return m, nil, err
	}
	return m, []inventory.Finding{{Source: inventory.FromParts, Kind: inventory.FindMissing, Subject: "DIMM A1", Reason: "DIMM A1: 16.0 GiB ordered, the slot is empty", Remedy: "put one in"}}, nil
}
