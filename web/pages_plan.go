package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"socle/api"
	"socle/inventory"
	"socle/web/ui"
)

// spreads are what a plan can be spread over, as the API has it.
var spreads = []string{"site", "room", "row", "rack", "feed"}

// maxWanted is how many of a role can be wanted, as the API has it, and maxPlanQuery how long a search may be.
const (
	maxWanted    = 10_000
	maxPlanQuery = 2000
)

// planPage asks what would become of machines. It is a plain form: what is asked is the address, which can be kept and sent.
func (s *Server) planPage(c echo.Context) error {
	saved, err := s.o.Searches.SavedQueries(c.Request().Context())
	if err != nil {
		return err
	}
	q := c.QueryParams()
	p := ui.PlanPage{From: strings.TrimSpace(q.Get("from"))}
	for _, x := range saved {
		p.Saved = append(p.Saved, ui.PlanSaved{Name: x.Name, Query: x.Query, Actor: x.Actor})
	}
	for _, level := range spreads {
		p.Levels = append(p.Levels, ui.PlanLevel{Name: level, On: slices.Contains(q["spread"], level)})
	}
	for _, r := range s.o.Roles {
		p.Roles = append(p.Roles, ui.PlanWish{Role: r.Name, Count: q.Get(ui.WantField(r.Name))})
	}
	status := http.StatusOK
	if len(q) > 0 {
		var problem *api.Problem
		switch err := s.plan(c.Request().Context(), &p); {
		case errors.As(err, &problem) && problem.Status < http.StatusInternalServerError:
			status, p.Problem = problem.Status, problem.Detail
		case errors.Is(err, inventory.ErrNotFound):
			status, p.Problem = http.StatusNotFound, err.Error()
		case err != nil:
			return err
		}
	}
	return s.page(c, status, p.Clean())
}

// plan fills in what the form asks for.
func (s *Server) plan(ctx context.Context, p *ui.PlanPage) error {
	var r api.PlanRequest
	for _, w := range p.Roles {
		if w.Count == "" || w.Count == "0" {
			continue
		}
		n, err := strconv.Atoi(w.Count)
		if err != nil || n < 1 || n > maxWanted {
			return newProblem(http.StatusUnprocessableEntity, fmt.Sprintf("%s: %q is no number from 1 to %d", w.Role, w.Count, maxWanted))
		}
		r.Wants = append(r.Wants, api.RoleCount{Role: w.Role, Count: n})
	}
	for _, l := range p.Levels {
		if l.On {
			r.Spread = append(r.Spread, l.Name)
		}
	}
	if len(p.From) > maxPlanQuery {
		return newProblem(http.StatusUnprocessableEntity, fmt.Sprintf("the search is longer than %d bytes", maxPlanQuery))
	}
	if p.From != "" {
		found, err := s.o.Searches.Search(ctx, p.From)
		if err != nil {
			return err
		}
		if found.Count == 0 {
			return newProblem(http.StatusNotFound, fmt.Sprintf("the search %s finds no machine", p.From))
		}
		for _, m := range found.Machines {
			r.Machines = append(r.Machines, m.ID)
		}
	}
	plan, err := s.o.Planner.Plan(ctx, r)
	if err != nil {
		return err
	}
	p.Asked, p.Plan, p.Of = len(r.Wants) > 0, &plan, len(plan.Chosen)+len(plan.Spare)+len(plan.Unfit)
	return nil
}
