package web

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
)

// Planner says what would become of machines; nothing moves. What cannot be planned is an *api.Problem.
type Planner interface {
	Plan(ctx context.Context, r api.PlanRequest) (api.Plan, error)
}

type planInput struct{ Body api.PlanRequest }

func (s *Server) restPlan(a huma.API) {
	op := post("plan", api.PathPlan, "What if: which machines would get which roles, what is spare, and why the others cannot; nothing moves", "plan")
	op.MaxBodyBytes = maxOrder
	register(s, a, op, func(ctx context.Context, in *planInput) (*body[api.Plan], error) {
		p, err := s.o.Planner.Plan(ctx, in.Body)
		return &body[api.Plan]{p}, err
	})
}
