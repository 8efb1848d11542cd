package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"socle/api"
	"socle/inventory"
	"socle/web/ui"
)

// How much of the history a page shows.
const (
	overviewEvents = 60
	machineEvents  = 100
	pageEvidence   = 100
)

func (s *Server) pages() {
	e := s.echo
	e.GET("/", s.overview)
	e.GET("/machines/:ref", s.machinePage)
	e.GET("/outliers", s.outliersPage)
	e.GET(ui.ComparePath, s.comparePage)
	e.GET(ui.CompareFilePath, s.compareFile)
	e.GET(ui.ClaimsPath, s.claimsPage)
	e.GET(ui.ClaimsFilePath, s.claimsFile)
	e.GET(ui.PlanPath, s.planPage)
	e.GET("/cabling", s.cablingPage)
	e.POST("/machines/:ref/:verb", s.machineForm)
	if s.o.Consoles != nil {
		e.GET("/machines/:ref/console", s.consolePage)
		e.GET("/machines/:ref/console/recordings/:id", s.replayPage)
	}
	e.GET("/deliveries", s.deliveriesPage)
	s.placePages()
	s.aislePages()
	s.acceptancePages()
	s.testPages()
	s.certificatePages()
	e.POST("/buildout", s.buildOutForm)
	e.GET("/live", s.live)
	e.GET("/login", s.loginPage)
	e.POST("/login", s.login)
	e.POST("/logout", s.logout)
	e.GET("/assets/*", echo.WrapHandler(http.StripPrefix("/assets/", s.ui.Assets())))
}

// page renders one of ui's pages, whole or not at all.
func (s *Server) page(c echo.Context, status int, data ui.Page) error {
	var b bytes.Buffer
	frame := ui.Frame{Version: s.o.Version, Now: s.o.Now()}
	if session, ok := s.browser(c); ok {
		frame.CSRF, frame.Actor = session.csrf, actor(c.Request().Context())
	}
	if err := s.ui.Render(&b, frame, data); err != nil {
		return err
	}
	return c.HTMLBlob(status, b.Bytes())
}

// errorPage is a problem for people.
func (s *Server) errorPage(c echo.Context, p *api.Problem) {
	if err := s.page(c, p.Status, ui.NewProblem(p, requestID(c.Request().Context()))); err != nil {
		s.o.Log.Error("rendering the error page", slog.Any("error", err))
		s.sendProblem(c, p)
	}
}

// wantsPage tells a browser's navigation from a program's call.
func wantsPage(c echo.Context) bool {
	path := c.Request().URL.Path
	return strings.Contains(c.Request().Header.Get("Accept"), "text/html") &&
		!strings.HasPrefix(path, "/api/") && !strings.HasPrefix(path, "/agent/")
}

func (s *Server) overview(c echo.Context) error {
	ctx := c.Request().Context()
	all, err := s.o.Inventory.Roster(ctx)
	if err != nil {
		return err
	}
	fixtures, err := s.o.Places.Fixtures(ctx)
	if err != nil {
		return err
	}
	orders, err := s.o.Inventory.OrdersInProgress(ctx)
	if err != nil {
		return err
	}
	events, err := s.latest(ctx, "", overviewEvents)
	if err != nil {
		return err
	}
	f := ui.Filter{State: c.QueryParam("state"), Text: strings.TrimSpace(c.QueryParam("q"))}
	if f.Text != "" {
		f.Fits, err = s.o.Searches.Fitting(ctx, f.Text)
		if p := (*api.Problem)(nil); errors.As(err, &p) {
			f.Wrong = p.Detail
		} else if errors.Is(err, inventory.ErrNotFound) {
			f.Wrong = "there is no saved search of this name"
		} else if err != nil {
			return err
		}
	}
	ordered, err := s.o.Deliveries.Deliveries(ctx)
	if err != nil {
		return err
	}
	o := ui.NewOverview(all, fixtures, orders, events, f, s.o.Now())
	_, o.NotSeen = inventory.Follow(ordered, all)
	if o.Wrong, err = s.wrong(ctx, all); err != nil {
		return err
	}
	return s.page(c, http.StatusOK, o)
}

func (s *Server) machinePage(c echo.Context) error {
	ctx := c.Request().Context()
	m, err := s.o.Inventory.Machine(ctx, c.Param("ref"))
	if err != nil {
		return err
	}
	orders, err := s.o.Inventory.Orders(ctx, m.ID)
	if err != nil {
		return err
	}
	events, err := s.latest(ctx, m.ID, timingEvents)
	if err != nil {
		return err
	}
	evidence, err := s.evidence(ctx, m.ID, pageEvidence)
	if err != nil {
		return err
	}
	why, err := s.judge(ctx, m)
	if err != nil {
		return err
	}
	condition, alarms, samples, err := s.wellbeing(ctx, m)
	if err != nil {
		return err
	}
	found, err := s.o.Findings.Findings(ctx, m.ID)
	if err != nil {
		return err
	}
	standing, err := s.verdictOn(ctx, m)
	if err != nil {
		return err
	}
	moves, err := s.moves(ctx, m)
	if err != nil {
		return err
	}
	var findings []inventory.Finding
	for _, f := range found {
		findings = append(findings, f.List...)
	}
	inventory.SortFindings(findings)
	in := ui.MachineInput{
		Condition: condition, Alarms: alarms, Samples: samples, Findings: findings,
		Why: why, Standing: standing, Moves: moves,
		Tests:   s.testsOf(&m, orders, found),
		Machine: m, Orders: orders, Order: unfinished(orders), Evidence: evidence, Roles: s.o.Roles,
		Phases: phases(events, orders, s.o.Now()), Events: events[max(0, len(events)-machineEvents):],
	}
	return s.page(c, http.StatusOK, ui.NewMachine(in, s.o.Now()))
}

// machineForm does what a button on the machine's page says.
func (s *Server) machineForm(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), powerTimeout)
	defer cancel()
	r, ref, who := c.Request(), c.Param("ref"), actor(ctx)
	var err error
	switch verb := c.Param("verb"); verb {
	case "deploy":
		_, err = s.o.Verbs.Deploy(ctx, who, ref, api.DeployRequest{Role: r.PostFormValue("role"), Serial: strings.TrimSpace(r.PostFormValue("serial"))})
	case "hold":
		reason := strings.TrimSpace(r.PostFormValue("reason"))
		if reason == "" || len(reason) > 500 {
			return newProblem(http.StatusUnprocessableEntity, "a hold needs a reason of at most 500 bytes")
		}
		_, err = s.o.Verbs.Hold(ctx, who, ref, reason)
	case "release":
		_, err = s.o.Verbs.Release(ctx, who, ref)
	case "inspect":
		_, err = s.o.Verbs.Inspect(ctx, who, ref, api.InspectRequest{})
	case "test":
		request := api.TestRequest{Plan: r.PostFormValue("plan"), Serial: strings.TrimSpace(r.PostFormValue("serial")), WriteDisks: r.PostForm["disk"]}
		if request.Serial != "" && len(request.WriteDisks) == 0 {
			return newProblem(http.StatusUnprocessableEntity, "no disk was chosen to be written to")
		}
		_, err = s.o.Verbs.Test(ctx, who, ref, request)
	case "stop-test":
		_, err = s.o.Verbs.StopTest(ctx, who, ref)
	case "power":
		action := r.PostFormValue("action")
		if !isPowerAction(action) {
			return newProblem(http.StatusUnprocessableEntity, fmt.Sprintf("%q is no power action", action))
		}
		_, err = s.o.Power.Power(ctx, who, ref, action)
	case "locate":
		err = s.locateForm(ctx, who, ref, r.PostFormValue("light"))
	default:
		return newProblem(http.StatusNotFound, fmt.Sprintf("%q is nothing that can be done with a machine", verb))
	}
	if err != nil {
		return err
	}
	page := "/machines/" + url.PathEscape(ref)
	if r.PostFormValue("back") == "tests" {
		page += "/tests"
	}
	return c.Redirect(http.StatusSeeOther, page)
}

func isPowerAction(a string) bool {
	switch a {
	case "on", "off", "cycle", "reset", "soft", "nmi", "status":
		return true
	}
	return false
}

func (s *Server) buildOutForm(c echo.Context) error {
	if _, err := s.o.Verbs.BuildOut(c.Request().Context(), actor(c.Request().Context()), api.BuildOutRequest{}); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/")
}

// deliveriesPage shows what was ordered and how much of it has come.
func (s *Server) deliveriesPage(c echo.Context) error {
	all, notSeen, err := s.deliveries(c.Request().Context())
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, ui.NewDeliveries(all, notSeen))
}
