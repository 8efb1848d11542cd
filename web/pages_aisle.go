package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"socle/api"
	"socle/inventory/offline"
	"socle/web/ui"
)

func (s *Server) aislePages() {
	s.echo.GET(ui.ConflictsPath, func(c echo.Context) error { return s.conflictsPage(c, http.StatusOK, "") })
	s.echo.POST(ui.ConflictsPath, s.conflictForm)
}

// conflictsPage shows what waits for a decision, both sides of it, and what was decided.
func (s *Server) conflictsPage(c echo.Context, status int, refused string) error {
	l, err := s.conflicts(c.Request().Context())
	if err != nil {
		return err
	}
	return s.page(c, status, ui.NewConflicts(l, refused))
}

// conflictForm decides a conflict. Why it cannot be decided so is said on the same page.
func (s *Server) conflictForm(c echo.Context) error {
	d := api.Decision{Take: c.FormValue("take"), Reason: strings.TrimSpace(c.FormValue("reason"))}
	if d.Take != string(offline.Mine) && d.Take != string(offline.Theirs) || len(d.Reason) > 500 {
		return newProblem(http.StatusUnprocessableEntity, "take mine or theirs, with a reason of at most 500 bytes")
	}
	_, err := s.decide(c.Request().Context(), c.FormValue("id"), d)
	if p := (*api.Problem)(nil); errors.As(err, &p) && p.Status == http.StatusConflict {
		return s.conflictsPage(c, p.Status, p.Detail)
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, ui.ConflictsPath)
}
