package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"socle/api"
	"socle/inventory"
	"socle/web/ui"
)

// maxScope bounds what a page of verdicts may be asked for, in bytes.
const maxScope = 10000

func (s *Server) acceptancePages() {
	s.echo.GET(ui.AcceptancePath, func(c echo.Context) error { return s.acceptancePage(c, http.StatusOK, "") })
	s.echo.POST(ui.AcceptancePath, s.waiverForm)
}

func scopeOf(c echo.Context) api.AcceptanceScope {
	return api.AcceptanceScope{Machines: c.QueryParam("machines"), Rack: c.QueryParam("rack"), Delivery: c.QueryParam("delivery"), Site: c.QueryParam("site")}
}

// acceptancePage shows what is accepted, and what stands against the rest.
func (s *Server) acceptancePage(c echo.Context, status int, refused string) error {
	if len(c.QueryString()) > maxScope {
		return newProblem(http.StatusUnprocessableEntity, "the scope is longer than 10000 bytes")
	}
	scope := scopeOf(c)
	r, err := s.o.Acceptance.Judge(c.Request().Context(), scope)
	if p := (*api.Problem)(nil); errors.As(err, &p) && p.Status == http.StatusNotFound && scope == (api.AcceptanceScope{}) {
		r, err = api.Acceptance{Scope: "all", At: s.o.Now(), Verdict: "open"}, nil // no machine at all
	}
	if err != nil {
		return err
	}
	p := ui.NewAcceptance(r, scope)
	p.Refused = refused
	return s.page(c, status, p)
}

// waiverForm lets one thing of a machine pass, or no longer. What is refused is said on the same page.
func (s *Server) waiverForm(c echo.Context) error {
	ctx := c.Request().Context()
	var err error
	if id := c.FormValue("withdraw"); id != "" {
		_, err = s.o.Acceptance.WithdrawWaiver(ctx, actor(ctx), id)
	} else {
		err = s.waive(ctx, c)
	}
	if p := (*api.Problem)(nil); errors.As(err, &p) && p.Status == http.StatusUnprocessableEntity {
		return s.acceptancePage(c, p.Status, p.Detail)
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, c.Request().URL.RequestURI())
}

func (s *Server) waive(ctx context.Context, c echo.Context) error {
	r := api.WaiveRequest{Finding: c.FormValue("finding"), Reason: strings.TrimSpace(c.FormValue("reason"))}
	if r.Reason == "" || len(r.Reason) > 2000 {
		return newProblem(http.StatusUnprocessableEntity, "a waiver needs a reason of at most 2000 bytes")
	}
	if day := c.FormValue("until"); day != "" {
		t, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return newProblem(http.StatusUnprocessableEntity, "until is no day such as 2026-12-31")
		}
		r.Until = t.AddDate(0, 0, 1) // the day counts, by the pages' clock
	}
	_, err := s.o.Acceptance.Waive(ctx, actor(ctx), c.FormValue("machine"), r)
	return err
}

// verdictOn is the verdict on one machine, for its page; nil of one that is not judged.
func (s *Server) verdictOn(ctx context.Context, m inventory.Machine) (*ui.Standing, error) {
	if !m.InPlan || m.Name == "" || m.State == inventory.Retired {
		return nil, nil
	}
	r, err := s.o.Acceptance.Judge(ctx, api.AcceptanceScope{Machines: m.Name})
	if p := (*api.Problem)(nil); errors.As(err, &p) || err == nil && len(r.Units) != 1 {
		return nil, nil // it was renamed or removed a moment ago
	}
	if err != nil {
		return nil, err
	}
	return ui.NewStanding(r.Units[0]), nil
}
