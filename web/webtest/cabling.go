package webtest

import (
	"context"
	"fmt"

	"socle/api"
	"socle/inventory"
)

// Cable sets what the comparison of the cabling plan answers.
func (w *World) Cable(r api.CableReport) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cabling = r
}

// Answering sets what is called after each answer of a comparison, with the range that was asked for.
func (w *World) Answering(fn func(machines string)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answered = fn
}

// ImportCabling implements web.Cabling.
func (w *World) ImportCabling(_ context.Context, actor string, file []byte, whole, dryRun bool) (api.CableImport, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, fmt.Sprintf("%s imports a cabling plan of %d bytes, whole %v, dry run %v", actor, len(file), whole, dryRun))
	return api.CableImport{DryRun: dryRun, Changes: []api.CableChange{}}, w.fail
}

// CablePlan implements web.Cabling.
func (w *World) CablePlan(_ context.Context, machines string) (api.CablePlan, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := api.CablePlan{Cables: []api.Cable{}}
	for _, p := range w.cabling.Ports {
		if p.Plan != nil {
			out.Cables = append(out.Cables, *p.Plan)
		}
	}
	w.calls = append(w.calls, fmt.Sprintf("cabling of %q", machines))
	return out, w.fail
}

// CheckCabling implements web.Cabling.
func (w *World) CheckCabling(_ context.Context, machines string) (api.CableReport, error) {
	w.mu.Lock()
	w.calls = append(w.calls, fmt.Sprintf("check of the cabling of %q", machines))
	r, err, answered := w.cabling, w.fail, w.answered
	w.mu.Unlock()
	if answered != nil {
		answered(machines)
	}
	return r, err
}

// PostLinks implements web.Agents.
func (w *World) PostLinks(_ context.Context, s inventory.Session, links api.LinksPost) error {
	for _, l := range links.Links {
		w.note("agent links " + s.ID + " " + l.Words())
	}
	return nil
}
