package webtest

import (
	"context"
	"net/http"
	"strings"

	"socle/api"
	"socle/inventory"
	"socle/inventory/acceptance"
	"socle/inventory/certificate"
	"socle/web"
)

// accepting is what World keeps for acceptance and certificates.
type accepting struct {
	criteria []inventory.Document
	waivers  []api.Waiver
	issued   []certificate.Certificate
}

// Judge implements web.Acceptance: machines of which something was found are rejected, or waived; those never seen are open.
func (w *World) Judge(ctx context.Context, scope api.AcceptanceScope) (api.Acceptance, error) {
	r, err := w.report(ctx, scope)
	return web.AcceptanceOut(r), err
}

func (w *World) report(_ context.Context, in api.AcceptanceScope) (none acceptance.Report, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	scope := acceptance.Scope{Kind: acceptance.OfAll}
	named := map[string]bool{}
	if in.Machines != "" {
		scope = acceptance.Scope{Kind: acceptance.OfMachines, Name: in.Machines}
		names, err := inventory.ExpandRange(in.Machines)
		if err != nil {
			return none, api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, err.Error())
		}
		for _, n := range names {
			named[n] = true
		}
	}
	if in.Rack != "" {
		scope = acceptance.Scope{Kind: acceptance.OfRack, Name: in.Rack}
	}
	var units []acceptance.Unit
	for _, m := range w.machines {
		if in.Machines != "" && !named[m.Name] || in.Rack != "" && !m.Place.InRack(in.Rack) || m.State == inventory.Retired {
			continue
		}
		units = append(units, w.unit(m))
	}
	if len(units) == 0 {
		return none, api.NewProblem(http.StatusNotFound, api.ErrNotFound, "no machine is of that")
	}
	return acceptance.NewReport(scope, w.Now(), units, nil), w.fail
}

// unit judges one machine. The caller holds the lock.
func (w *World) unit(m inventory.Machine) acceptance.Unit {
	check := acceptance.Check{Name: "state", Verdict: acceptance.Accepted, Detail: "it is " + string(m.State)}
	if m.State == inventory.Expected {
		check.Verdict, check.Detail = acceptance.Open, "it was never seen"
	}
	for _, of := range w.findings {
		for _, f := range of.List {
			if of.Machine == m.ID && !f.Minor {
				check = acceptance.Check{Name: string(f.Source), Verdict: acceptance.Rejected, Detail: f.Reason, Finding: f.Key()}
			}
		}
	}
	for _, x := range w.waivers {
		if x.Holds && x.Machine == m.Name {
			check.Verdict, check.Waiver = acceptance.Waived, &acceptance.Waiver{ID: x.ID, Machine: x.Machine, Reason: x.Reason, By: x.Actor, At: x.Time.UTC()}
		}
	}
	return acceptance.Unit{ID: m.ID, Name: m.Name, Serial: m.Identity.Serial, Model: m.Model, Delivery: m.Delivery, Site: m.Place.Site, Rack: m.Place.RackName(), U: m.Place.U,
		State: m.State, Verdict: check.Verdict, Criteria: "default", Checks: []acceptance.Check{check}}
}

// Waive implements web.Acceptance.
func (w *World) Waive(ctx context.Context, actor, ref string, r api.WaiveRequest) (api.Waiver, error) {
	m, err := w.Machine(ctx, ref)
	if err != nil {
		return api.Waiver{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, of := range w.findings {
		for _, f := range of.List {
			if of.Machine == m.ID && f.Key() == r.Finding {
				x := api.Waiver{ID: "w" + m.Name, Machine: m.Name, Reason: r.Reason, Actor: actor, Time: w.Now(), Until: r.Until, Holds: true, Finding: api.Finding{Machine: m.Name, Reason: f.Reason}}
				w.waivers = append(w.waivers, x)
				return x, w.fail
			}
		}
	}
	return api.Waiver{}, api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, "it was not found of "+m.Name)
}

// WithdrawWaiver implements web.Acceptance.
func (w *World) WithdrawWaiver(_ context.Context, actor, id string) (api.Waiver, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.waivers {
		if x := &w.waivers[i]; x.ID == id {
			x.Holds, x.WithdrawnBy, x.WithdrawnAt = false, actor, w.Now()
			return *x, w.fail
		}
	}
	return api.Waiver{}, inventory.ErrNotFound
}

// Waivers implements web.Acceptance.
func (w *World) Waivers(context.Context) ([]api.Waiver, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.waivers, w.fail
}

// PutCriteria implements web.Acceptance. What does not begin with a name is wrong.
func (w *World) PutCriteria(_ context.Context, actor string, text []byte) (inventory.Document, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name, ok := strings.CutPrefix(string(text), "name: ")
	if name, _, _ = strings.Cut(name, "\n"); !ok {
		p := api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, "the criteria has 1 error; nothing was stored")
		p.Errors = []api.ErrorDetail{{Message: "criteria have a name"}}
		return inventory.Document{}, p
	}
	d := inventory.Document{Name: name, Version: 1 + len(w.criteria), Text: string(text), Actor: actor, Time: w.Now()}
	w.criteria = append([]inventory.Document{d}, w.criteria...)
	return d, w.fail
}

// Criteria implements web.Acceptance.
func (w *World) Criteria(_ context.Context, name string, version int) (inventory.Document, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.document(w.criteria, name, version)
}

// AllCriteria implements web.Acceptance.
func (w *World) AllCriteria(context.Context) ([]inventory.Document, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.criteria, w.fail
}
