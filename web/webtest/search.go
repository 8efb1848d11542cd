package webtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"socle/api"
	"socle/inventory"
	"socle/inventory/search"
)

// Search implements web.Searches.
func (w *World) Search(ctx context.Context, query string) (api.SearchReply, error) {
	machines, err := w.Machines(ctx)
	if err != nil {
		return api.SearchReply{}, err
	}
	fits, err := w.Fitting(ctx, query)
	out := api.SearchReply{Query: query, Machines: []api.SearchMatch{}}
	var names []string
	for _, m := range machines {
		if fits[m.ID] {
			names = append(names, m.Name)
			out.Machines = append(out.Machines, api.SearchMatch{Name: m.Name, ID: m.ID, State: string(m.State)})
		}
	}
	out.Count, out.Range = len(names), inventory.FoldNames(names)
	return out, err
}

// Fitting implements web.Searches.
func (w *World) Fitting(ctx context.Context, query string) (map[string]bool, error) {
	machines, err := w.Machines(ctx)
	if err != nil {
		return nil, err
	}
	if name, saved := strings.CutPrefix(query, "@"); saved {
		w.mu.Lock()
		q, known := w.queries[name]
		w.mu.Unlock()
		if query = q.Query; !known {
			return nil, fmt.Errorf("reading the search %q: %w", name, inventory.ErrNotFound)
		}
	}
	q, err := search.Parse(query)
	if e := (*search.Error)(nil); errors.As(err, &e) {
		return nil, api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, e.Error())
	}
	fits := map[string]bool{}
	for _, m := range machines {
		fits[m.ID] = q.Match(&search.Record{Machine: &m, Now: w.Now()})
	}
	return fits, err
}

// SavedQueries implements web.Searches.
func (w *World) SavedQueries(context.Context) (all []inventory.SavedQuery, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(w.queries)) {
		all = append(all, w.queries[name])
	}
	return all, w.fail
}

// SaveQuery implements web.Searches.
func (w *World) SaveQuery(_ context.Context, q inventory.SavedQuery) (inventory.SavedQuery, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.queries == nil {
		w.queries = map[string]inventory.SavedQuery{}
	}
	w.queries[q.Name] = q
	return q, w.fail
}

// ForgetQuery implements web.Searches.
func (w *World) ForgetQuery(_ context.Context, _, name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.queries[name]; !known {
		return fmt.Errorf("forgetting the search %q: %w", name, inventory.ErrNotFound)
	}
	delete(w.queries, name)
	return w.fail
}
