package webtest

import (
	"context"
	"net/http"
	"strings"

	"socle/api"
	"socle/inventory"
	"socle/inventory/certificate"
)

// accepting is what World keeps for acceptance and certificates.
type accepting struct {
	criteria []inventory.Document
	waivers  []api.Waiver
	issued   []certificate.Certificate
}

// Judge implements web.Acceptance: machines of which something was found are rejected, or waived; those never seen are open.
func (w *World) Judge(_ context.Context, scope api.AcceptanceScope) (api.Acceptance, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := api.Acceptance{Scope: "all", At: w.Now(), Verdict: "accepted", Units: []api.AcceptanceUnit{}}
	named := map[string]bool{}
	if scope.Machines != "" {
		names, err := inventory.ExpandRange(scope.Machines)
		if err != nil {
			return out, api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, err.Error())
		}
		for _, n := range names {
			named[n] = true
		}
	}
	for _, m := range w.machines {
		if scope.Machines != "" && !named[m.Name] || scope.Rack != "" && m.Place.Rack != scope.Rack || m.State == inventory.Retired {
			continue
		}
		u := api.AcceptanceUnit{Machine: m.Name, Serial: m.Identity.Serial, Model: m.Model, Delivery: m.Delivery, Site: m.Place.Site, Rack: m.Place.RackName(), U: m.Place.U, State: string(m.State), Verdict: "accepted", Criteria: "default", Checks: []api.AcceptanceCheck{}}
		check := api.AcceptanceCheck{Name: "state", Verdict: "accepted", Detail: "it is " + string(m.State)}
		if m.State == inventory.Expected {
			check.Verdict, check.Detail = "open", "it was never seen"
		}
		for _, of := range w.findings {
			for _, f := range of.List {
				if of.Machine == m.ID && !f.Minor {
					check = api.AcceptanceCheck{Name: string(f.Source), Verdict: "rejected", Detail: f.Reason, Finding: f.Key()}
				}
			}
		}
		for _, x := range w.waivers {
			if x.Holds && x.Machine == m.Name {
				check.Verdict, check.Waiver = "waived", x.ID
			}
		}
		u.Verdict, u.Checks = check.Verdict, append(u.Checks, check)
		switch u.Verdict {
		case "accepted":
			out.Accepted++
		case "waived":
			out.Waived++
		case "open":
			out.Open++
		default:
			out.Rejected++
		}
		out.Units = append(out.Units, u)
	}
	switch {
	case len(out.Units) == 0:
		return out, api.NewProblem(http.StatusNotFound, api.ErrNotFound, "no machine is of that")
	case out.Rejected > 0:
		out.Verdict = "rejected"
	case out.Open > 0:
		out.Verdict = "open"
	case out.Waived > 0:
		out.Verdict = "waived"
	}
	return out, w.fail
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
		p := api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, "the criteria has 1 errors; nothing was stored")
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
