package web

import (
	"bytes"
	"context"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"socle/api"
	"socle/inventory"
	"socle/inventory/sheet"
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

// compareQuery reads what a page of comparisons is of.
func compareQuery(c echo.Context) (api.CompareQuery, error) {
	q := api.CompareQuery{Machines: c.QueryParam("machines"), Rack: c.QueryParam("rack"), Delivery: c.QueryParam("delivery"), All: c.QueryParam("all") != ""}
	if max(len(q.Machines), len(q.Rack), len(q.Delivery)) > maxPlace {
		return q, newProblem(http.StatusUnprocessableEntity, "the range, rack or delivery is longer than 300 bytes")
	}
	return q, nil
}

// comparePage shows ordered, racked and detected beside each other.
func (s *Server) comparePage(c echo.Context) error {
	q, err := compareQuery(c)
	if err != nil {
		return err
	}
	r, err := s.o.Compared.Compare(c.Request().Context(), q)
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, ui.NewCompared(r, q))
}

// compareFile is the same as CSV, whole, for the browser to keep.
func (s *Server) compareFile(c echo.Context) error {
	q, err := compareQuery(c)
	if err != nil {
		return err
	}
	r, err := s.o.Compared.Compare(c.Request().Context(), q)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	header, rows := r.Table()
	if err := sheet.Write(&b, header, rows); err != nil {
		return err
	}
	return attach(c, api.File{Name: "compare.csv", ContentType: "text/csv; charset=utf-8", Body: b.Bytes()})
}
