package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"socle/api"
	"socle/inventory"
	"socle/inventory/bom"
	"socle/inventory/store"
)

// models keeps the profiles of models, and compares what is in machines with them.
type models struct{ store *store.Store }

// PutModel implements web.Models.
func (m models) PutModel(ctx context.Context, actor string, text []byte) (inventory.Document, error) {
	profile, err := bom.Parse(text)
	if err != nil {
		return inventory.Document{}, documentProblem("model", err)
	}
	return m.store.PutModel(ctx, inventory.Document{Name: profile.Name, Text: string(text), Actor: actor})
}

// documentProblem tells all that is wrong with a document that people wrote.
func documentProblem(what string, err error) *api.Problem {
	p := api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, err.Error())
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		p.Detail = fmt.Sprintf("the %s: %s; nothing was stored", what, inventory.Plural(len(many.Unwrap()), "error"))
		for _, e := range many.Unwrap() {
			p.Errors = append(p.Errors, api.ErrorDetail{Message: e.Error()})
		}
	}
	return p
}

// TakeModel implements web.Models.
func (m models) TakeModel(ctx context.Context, actor, name, ref string) (inventory.Document, error) {
	machine, err := m.seen(ctx, ref)
	if err != nil {
		return inventory.Document{}, err
	}
	text, err := bom.Take(name, *machine.Facts).Text()
	if err != nil {
		return inventory.Document{}, fmt.Errorf("writing the model %s: %w", name, err)
	}
	return m.PutModel(ctx, actor, []byte(text))
}

// seen is a machine into which the agent looked.
func (m models) seen(ctx context.Context, ref string) (inventory.Machine, error) {
	machine, err := m.store.Machine(ctx, ref)
	if err == nil && machine.Facts == nil {
		err = api.NewProblem(http.StatusConflict, api.ErrConflict, fmt.Sprintf("what is in %s is not known: inspect it first", machine.Name))
	}
	return machine, err
}

// Model implements web.Models.
func (m models) Model(ctx context.Context, name string, version int) (inventory.Document, error) {
	return m.store.Model(ctx, name, version)
}

// Models implements web.Models.
func (m models) Models(ctx context.Context) ([]inventory.Document, error) { return m.store.Models(ctx) }

// CompareModel implements web.Models.
func (m models) CompareModel(ctx context.Context, ref, model string) (inventory.Machine, []inventory.Finding, error) {
	machine, err := m.seen(ctx, ref)
	if err != nil {
		return machine, nil, err
	}
	if model == "" {
		model = machine.Model
	}
	if model == "" {
		return machine, nil, api.NewProblem(http.StatusConflict, api.ErrConflict, fmt.Sprintf("which model %s is was not said: import a manifest with a column model, or name one", machine.Name))
	}
	d, err := m.store.Model(ctx, model, 0)
	if err != nil {
		return machine, nil, err
	}
	profile, err := bom.Parse([]byte(d.Text))
	return machine, profile.Compare(*machine.Facts), err
}

// profiles are the newest of all models, by name.
func (m models) profiles(ctx context.Context) (map[string]bom.Profile, error) {
	documents, err := m.store.NewestModels(ctx)
	if err != nil {
		return nil, err
	}
	all := make(map[string]bom.Profile, len(documents))
	for _, d := range documents {
		if all[d.Name], err = bom.Parse([]byte(d.Text)); err != nil {
			return nil, fmt.Errorf("model %s, version %d: %w", d.Name, d.Version, err)
		}
	}
	return all, nil
}

// Source implements assess.Check.
func (models) Source() inventory.FindingSource { return inventory.FromParts }

// Find implements assess.Check. A machine without a model, or whose model has no profile, is not compared; what was found
// when it had one is taken back.
func (m models) Find(ctx context.Context, machines []inventory.Machine) (map[string][]inventory.Finding, error) {
	profiles, err := m.profiles(ctx)
	if err != nil {
		return nil, err
	}
	stored, err := m.store.Findings(ctx, "")
	if err != nil {
		return nil, err
	}
	had := map[string]bool{}
	for _, f := range stored {
		had[f.Machine] = had[f.Machine] || f.Source == inventory.FromParts && len(f.List) > 0
	}
	found := map[string][]inventory.Finding{}
	for _, machine := range machines {
		switch profile, known := profiles[machine.Model]; {
		case !known && had[machine.ID]:
			found[machine.ID] = []inventory.Finding{}
		case known && machine.Facts != nil:
			found[machine.ID] = profile.Compare(*machine.Facts)
		}
	}
	return found, nil
}
