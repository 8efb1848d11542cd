package web

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
)

// Compared puts beside each other what was ordered, racked and detected. What cannot be asked for is an *api.Problem.
type Compared interface {
	Compare(ctx context.Context, q api.CompareQuery) (api.Comparison, error)
}

func (s *Server) restCompare(a huma.API) {
	register(s, a, get("compare", api.PathCompare, "Compare what was ordered, racked and detected: servers, their places and their parts", "findings"),
		func(ctx context.Context, in *api.CompareQuery) (*body[api.Comparison], error) {
			out, err := s.o.Compared.Compare(ctx, *in)
			return &body[api.Comparison]{out}, err
		})
}
