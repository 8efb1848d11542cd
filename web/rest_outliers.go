package web

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
)

// Outliers compares machines with their peers. A range that is none is an *api.Problem.
type Outliers interface {
	Outliers(ctx context.Context, q api.OutlierQuery) (api.OutlierReport, error)
}

type outliersInput struct {
	Machines string `query:"machines" maxLength:"10000" doc:"a range of names, r1u[1-40]; empty: all"`
	Metric   string `query:"metric" maxLength:"128" doc:"dotted name, or its beginning; empty: all"`
}

func (s *Server) restOutliers(a huma.API) {
	register(s, a, get("list-outliers", api.PathOutliers, "Compare machines with their peers: who has other parts, is slower or unstable", "findings"),
		func(ctx context.Context, in *outliersInput) (*body[api.OutlierReport], error) {
			r, err := s.o.Outliers.Outliers(ctx, api.OutlierQuery{Machines: in.Machines, Metric: in.Metric})
			return &body[api.OutlierReport]{r}, err
		})
}
