package webtest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"socle/api"
	"socle/inventory"
)

// PutMapping implements web.Mappings: the text is "name: NAME" and whatever; without a name it is wrong.
func (w *World) PutMapping(_ context.Context, actor string, text []byte) (inventory.Mapping, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, rest, named := strings.Cut(string(text), "name: ")
	if !named {
		p := api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, "the mapping has 1 error; nothing was stored")
		p.Errors = []api.ErrorDetail{{Message: "name: \"\": use 1 to 64"}}
		return inventory.Mapping{}, p
	}
	name, _, _ := strings.Cut(rest, "\n")
	m := inventory.Mapping{Name: name, Text: string(text), Actor: actor, Time: w.Now()}
	w.mappings = append(w.mappings, m)
	return m, w.fail
}

// Mapping implements web.Mappings.
func (w *World) Mapping(_ context.Context, name string) (inventory.Mapping, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.mappings {
		if m.Name == name {
			return m, w.fail
		}
	}
	return inventory.Mapping{}, fmt.Errorf("mapping %q: %w", name, inventory.ErrNotFound)
}

// Mappings implements web.Mappings.
func (w *World) Mappings(context.Context) ([]inventory.Mapping, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.mappings), w.fail
}

// DeleteMapping implements web.Mappings.
func (w *World) DeleteMapping(ctx context.Context, _, name string) error {
	if _, err := w.Mapping(ctx, name); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mappings = slices.DeleteFunc(w.mappings, func(m inventory.Mapping) bool { return m.Name == name })
	return nil
}

// ImportOrders implements web.Deliveries: one server of the model r650 for each line below the first.
func (w *World) ImportOrders(_ context.Context, actor string, file []byte, o api.OrderImport) (api.ImportReply, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := inventory.Delivery{Number: o.Number, Vendor: o.Vendor, Actor: actor, Time: w.Now(), Lines: []inventory.OrderLine{
		{Line: 1, Model: "r650", Description: "1U server", Quantity: strings.Count(strings.TrimSpace(string(file)), "\n"), UnitPrice: 12345000, Currency: "EUR"},
	}}
	if !o.DryRun {
		w.ordered = append(w.ordered, d)
	}
	return api.ImportReply{DryRun: o.DryRun, Added: []string{o.Number}}, w.fail
}

// Deliveries implements web.Deliveries.
func (w *World) Deliveries(context.Context) ([]inventory.Delivery, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.ordered), w.fail
}
