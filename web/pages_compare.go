package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"socle/api"
	"socle/inventory"
	"socle/web/ui"
)

// wrong counts the machines of which something was found that stands against acceptance.
func (s *Server) wrong(ctx context.Context, machines []inventory.Machine) (n int, err error) {
	found, err := s.o.Findings.Findings(ctx, "")
	if err != nil {
		return 0, err
	}
	stands := map[string]bool{}
	for _, f := range found {
		stands[f.Machine] = stands[f.Machine] || slices.ContainsFunc(f.List, func(x inventory.Finding) bool { return !x.Minor })
	}
	for _, m := range machines {
		if stands[m.ID] {
			n++
		}
	}
	return n, nil
}

// comparePage shows ordered, racked and detected beside each other.
func (s *Server) comparePage(c echo.Context) error {
	q := api.CompareQuery{Machines: c.QueryParam("machines"), Rack: c.QueryParam("rack"), Delivery: c.QueryParam("delivery"), All: c.QueryParam("all") != ""}
	if len(cmp.Or(q.Machines, q.Rack, q.Delivery)) > maxPlace {
		return newProblem(http.StatusUnprocessableEntity, "the range, rack or delivery is longer than 300 bytes")
	}
	r, err := s.o.Compared.Compare(c.Request().Context(), q)
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, ui.NewCompared(r, q))
}
