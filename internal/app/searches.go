package app

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"socle/api"
	"socle/inventory"
	"socle/inventory/search"
	"socle/inventory/store"
)

// searches find machines of the store. Saving and forgetting is the store's.
type searches struct {
	*store.Store
	now func() time.Time
}

// Search implements web.Searches.
func (s searches) Search(ctx context.Context, query string) (api.SearchReply, error) {
	query, machines, err := s.ask(ctx, query)
	if err != nil {
		return api.SearchReply{}, err
	}
	out := api.SearchReply{Query: query, Machines: []api.SearchMatch{}}
	var names []string
	for _, m := range machines {
		names = append(names, m.Name)
		x := api.SearchMatch{Name: m.Name, ID: m.ID, State: string(m.State), Role: m.Role, Model: m.Model, Serial: m.Identity.Serial, Place: api.Place(m.Place)}
		if x.Model == "" && m.Facts != nil {
			x.Model = m.Facts.System.Product
		}
		if m.Fault != nil {
			x.Fault = m.Fault.Reason
		}
		if m.Hold != nil {
			x.Hold = m.Hold.Reason
		}
		out.Machines = append(out.Machines, x)
	}
	out.Count, out.Range = len(names), inventory.FoldNames(names)
	return out, nil
}

// Fitting implements web.Searches.
func (s searches) Fitting(ctx context.Context, query string) (map[string]bool, error) {
	_, machines, err := s.ask(ctx, query)
	fits := make(map[string]bool, len(machines))
	for _, m := range machines {
		fits[m.ID] = true
	}
	return fits, err
}

// ask reads a query, which may be the name of a saved one, and finds the machines that fit.
func (s searches) ask(ctx context.Context, query string) (string, []inventory.Machine, error) {
	if name, saved := strings.CutPrefix(strings.TrimSpace(query), "@"); saved {
		q, err := s.SavedQuery(ctx, name)
		if err != nil {
			return "", nil, err
		}
		query = q.Query
	}
	q, err := parseQuery(query)
	if err != nil {
		return "", nil, err
	}
	machines, err := s.Machines(ctx)
	if err != nil {
		return "", nil, err
	}
	found := map[string][]inventory.Finding{}
	if q.Uses("finding") || q.Uses("finding.source") || q.Uses("finding.part") || q.Uses("findings") {
		all, err := s.Findings(ctx, "")
		if err != nil {
			return "", nil, err
		}
		for _, f := range all {
			found[f.Machine] = append(found[f.Machine], f.List...)
		}
	}
	now := s.now()
	return query, slices.DeleteFunc(machines, func(m inventory.Machine) bool {
		return !q.Match(&search.Record{Machine: &m, Findings: found[m.ID], Now: now})
	}), nil
}

// SaveQuery implements web.Searches: only what can be asked is saved.
func (s searches) SaveQuery(ctx context.Context, q inventory.SavedQuery) (inventory.SavedQuery, error) {
	if !inventory.QueryName(q.Name) {
		return q, api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, "the name of a search has up to 64 lower-case letters, digits, dots and lines, and begins with a letter or digit")
	}
	if _, err := parseQuery(q.Query); err != nil {
		return q, err
	}
	return s.Store.SaveQuery(ctx, q)
}

func parseQuery(text string) (search.Query, error) {
	q, err := search.Parse(text)
	var e *search.Error
	if errors.As(err, &e) {
		err = api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, e.Error())
	}
	return q, err
}
