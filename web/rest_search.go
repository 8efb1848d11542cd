package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
	"socle/inventory"
)

// Searches find machines by what is known of them. A query that cannot be read is an *api.Problem that says where; of a
// name that there is not the error is inventory.ErrNotFound.
type Searches interface {
	Search(ctx context.Context, query string) (api.SearchReply, error)
	// Fitting tells which machines fit, by ID.
	Fitting(ctx context.Context, query string) (map[string]bool, error)
	SavedQueries(ctx context.Context) ([]inventory.SavedQuery, error)
	SaveQuery(ctx context.Context, q inventory.SavedQuery) (inventory.SavedQuery, error)
	ForgetQuery(ctx context.Context, actor, name string) error
}

type (
	fleetSearchInput struct {
		Query string `query:"q" maxLength:"2000" doc:"such as model:R650 disk.size>3TB -state:active; @name is a saved one; empty: all machines"`
	}
	namedQuery struct {
		Name string `path:"name" maxLength:"64"`
	}
	saveQueryInput struct {
		Name string `path:"name" maxLength:"64"`
		Body api.SaveQueryRequest
	}
)

func (s *Server) restSearch(a huma.API) {
	register(s, a, get("search", api.PathSearch, "Find machines by what is known of them", "search"), func(ctx context.Context, in *fleetSearchInput) (*body[api.SearchReply], error) {
		r, err := s.o.Searches.Search(ctx, in.Query)
		return &body[api.SearchReply]{r}, err
	})
	register(s, a, get("list-searches", api.PathSearches, "List saved searches", "search"), func(ctx context.Context, _ *none) (*body[api.SavedQueryList], error) {
		all, err := s.o.Searches.SavedQueries(ctx)
		out := api.SavedQueryList{Searches: []api.SavedQuery{}}
		for _, q := range all {
			out.Searches = append(out.Searches, api.SavedQuery(q))
		}
		return &body[api.SavedQueryList]{out}, err
	})
	save := post("save-search", api.PathSearches+"/{name}", "Give a search a name, or another search the name that one has", "search")
	save.Method = http.MethodPut
	register(s, a, save, func(ctx context.Context, in *saveQueryInput) (*body[api.SavedQuery], error) {
		q, err := s.o.Searches.SaveQuery(ctx, inventory.SavedQuery{Name: in.Name, Query: in.Body.Query, Actor: actor(ctx)})
		return &body[api.SavedQuery]{api.SavedQuery(q)}, err
	})
	forget := get("forget-search", api.PathSearches+"/{name}", "Take the name of a saved search away", "search")
	forget.Method, forget.DefaultStatus = http.MethodDelete, http.StatusNoContent
	register(s, a, forget, func(ctx context.Context, in *namedQuery) (*none, error) {
		return nil, s.o.Searches.ForgetQuery(ctx, actor(ctx), in.Name)
	})
}
