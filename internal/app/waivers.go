package app

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"socle/api"
	"socle/inventory"
	"socle/inventory/acceptance"
	"socle/web"
)

// Waive implements web.Acceptance. Only what stands against a machine now can be waived.
func (a acceptances) Waive(ctx context.Context, actor, ref string, r api.WaiveRequest) (api.Waiver, error) {
	now := a.now()
	bad := func(format string, args ...any) error {
		return api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, fmt.Sprintf(format, args...))
	}
	if strings.TrimSpace(r.Reason) == "" {
		return api.Waiver{}, bad("say why it may pass: whoever reads the certificate has to understand it")
	}
	if !r.Until.IsZero() && !r.Until.After(now) {
		return api.Waiver{}, bad("until %s lies in the past", r.Until.Format("2006-01-02 15:04"))
	}
	m, err := a.store.Machine(ctx, ref)
	if err != nil {
		return api.Waiver{}, err
	}
	found, err := a.store.Findings(ctx, m.ID)
	if err != nil {
		return api.Waiver{}, err
	}
	var keys []string
	for _, of := range found {
		for _, f := range of.List {
			if f.Key() == r.Finding {
				w, err := a.store.Waive(ctx, acceptance.Waiver{MachineID: m.ID, Machine: m.Name, Finding: f, Reason: strings.TrimSpace(r.Reason), By: actor, Until: r.Until})
				return waiverOut(w, m, w.Holds(now)), err
			}
			if !f.Minor {
				keys = append(keys, fmt.Sprintf("%q", f.Key()))
			}
		}
	}
	if len(keys) == 0 {
		return api.Waiver{}, bad("nothing was found of %s that could be waived", m.Name)
	}
	return api.Waiver{}, bad("%q was not found of %s; what stands against it: %s", r.Finding, m.Name, strings.Join(keys, ", "))
}

// WithdrawWaiver implements web.Acceptance.
func (a acceptances) WithdrawWaiver(ctx context.Context, actor, id string) (api.Waiver, error) {
	w, err := a.store.WithdrawWaiver(ctx, id, actor)
	return waiverOut(w, inventory.Machine{Name: w.Machine}, false), err
}

// Waivers implements web.Acceptance.
func (a acceptances) Waivers(ctx context.Context) ([]api.Waiver, error) {
	all, err := a.store.Waivers(ctx, "")
	if err != nil {
		return nil, err
	}
	roster, err := a.store.Roster(ctx)
	if err != nil {
		return nil, err
	}
	machines := map[string]inventory.Machine{}
	for _, m := range roster {
		machines[m.ID] = m
	}
	out := make([]api.Waiver, 0, len(all))
	for _, w := range all {
		m, known := machines[w.MachineID]
		if !known {
			m.Name = w.Machine
		}
		out = append(out, waiverOut(w, m, w.Holds(a.now())))
	}
	return out, nil
}

func waiverOut(w acceptance.Waiver, m inventory.Machine, holds bool) api.Waiver {
	out := api.Waiver{ID: w.ID, Machine: m.Name, Finding: web.FindingOut(m, w.Finding), Reason: w.Reason, Actor: w.By, Time: w.At, Until: w.Until, Holds: holds}
	if w.Withdrawn != nil {
		out.WithdrawnBy, out.WithdrawnAt = w.Withdrawn.By, w.Withdrawn.At
	}
	return out
}

// PutCriteria implements web.Acceptance.
func (a acceptances) PutCriteria(ctx context.Context, actor string, text []byte) (inventory.Document, error) {
	c, err := acceptance.Parse(text)
	if err != nil {
		return inventory.Document{}, documentProblem("criteria", err)
	}
	return a.store.PutCriteria(ctx, inventory.Document{Name: c.Name, Text: string(text), Actor: actor})
}

// Criteria implements web.Acceptance.
func (a acceptances) Criteria(ctx context.Context, name string, version int) (inventory.Document, error) {
	return a.store.Criteria(ctx, name, version)
}

// AllCriteria implements web.Acceptance.
func (a acceptances) AllCriteria(ctx context.Context) ([]inventory.Document, error) {
	return a.store.AllCriteria(ctx, false)
}
