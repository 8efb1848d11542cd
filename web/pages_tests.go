package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"socle/api"
	"socle/inventory"
	"socle/web/ui"
)

func (s *Server) testPages() {
	s.echo.GET("/machines/:ref/tests", s.runsPage)
	s.echo.GET(ui.TestsPath, s.testsPage)
}

// testsOf is what a page shows of a machine's tests. Orders are the newest first.
func (s *Server) testsOf(m *inventory.Machine, orders []inventory.Order, found []inventory.Findings) ui.TestsInput {
	in := ui.TestsInput{Orders: orders, Found: found, Choices: inventory.BurnInChoices(s.o.BurnIn, m)}
	find := inventory.OwnBurnIn
	if m.State == inventory.Testing {
		find = inventory.BurnInFor
	}
	if plan, ok := find(s.o.BurnIn, m); ok {
		in.Plan = &plan
	} else {
		in.Unsure = m.Facts == nil && len(s.o.BurnIn) > 0
	}
	return in
}

// runsPage shows what tests measured of one machine, over all runs and beside its peers.
func (s *Server) runsPage(c echo.Context) error {
	ctx := c.Request().Context()
	metric := strings.TrimSpace(c.QueryParam("metric"))
	if len(metric) > maxMetric {
		return newProblem(http.StatusUnprocessableEntity, "the name of the metric is longer than 128 bytes")
	}
	m, err := s.o.Inventory.Machine(ctx, c.Param("ref"))
	if err != nil {
		return err
	}
	orders, err := s.o.Inventory.Orders(ctx, m.ID)
	if err != nil {
		return err
	}
	found, err := s.o.Findings.Findings(ctx, m.ID)
	if err != nil {
		return err
	}
	in := ui.RunsInput{Machine: m, Tests: s.testsOf(&m, orders, found), Metric: metric}
	all, err := s.o.Measured.Measurements(ctx, inventory.MeasurementFilter{Machine: m.ID})
	if err != nil {
		return err
	}
	for _, x := range all {
		if metric == "" || x.Metric == metric || strings.HasPrefix(x.Metric, metric+".") {
			in.Measured = append(in.Measured, x)
		}
	}
	if in.Peers, err = s.peersOf(ctx, m, in.Measured, metric); err != nil {
		return err
	}
	return s.page(c, http.StatusOK, ui.NewRuns(in, s.o.Now()))
}

// peersOf compares a machine with others, when there is something to compare.
func (s *Server) peersOf(ctx context.Context, m inventory.Machine, measured []inventory.Measurement, metric string) (api.OutlierReport, error) {
	if len(measured) == 0 || m.Name == "" {
		return api.OutlierReport{}, nil
	}
	r, err := s.o.Outliers.Outliers(ctx, api.OutlierQuery{Machines: m.Name, Metric: metric})
	if p := (*api.Problem)(nil); errors.As(err, &p) {
		return api.OutlierReport{}, nil // a name that is no range
	}
	return r, err
}

// maxFilter bounds what the list of tests may be asked for, in bytes.
const maxFilter = 1000

// testsPage shows all machines that are under test, and how the last tests of the others went.
func (s *Server) testsPage(c echo.Context) error {
	ctx := c.Request().Context()
	if len(c.QueryString()) > maxFilter {
		return newProblem(http.StatusUnprocessableEntity, "the filter is longer than 1000 bytes")
	}
	in := ui.TestListInput{Plans: s.o.BurnIn, Filter: ui.TestFilter{Rack: c.QueryParam("rack"), Model: c.QueryParam("model"), Show: c.QueryParam("show")}}
	if in.Filter.Show != "" && !slices.Contains(ui.TestShows, in.Filter.Show) {
		return newProblem(http.StatusUnprocessableEntity, fmt.Sprintf("show is none of %s", strings.Join(ui.TestShows, ", ")))
	}
	var err error
	if in.Machines, err = s.o.Inventory.Roster(ctx); err != nil {
		return err
	}
	if in.Orders, err = s.o.Inventory.OrdersInProgress(ctx); err != nil {
		return err
	}
	if in.Found, err = s.o.Findings.Findings(ctx, ""); err != nil {
		return err
	}
	return s.page(c, http.StatusOK, ui.NewTestList(in))
}
