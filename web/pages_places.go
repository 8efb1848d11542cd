package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"socle/api"
	"socle/inventory"
	"socle/inventory/elevation"
	"socle/web/ui"
)

func (s *Server) placePages() {
	s.echo.GET("/places", s.placesPage)
	s.echo.GET(ui.RackPath, func(c echo.Context) error {
		return s.rackPage(c, http.StatusOK, ui.RackPage{Racked: c.QueryParam("racked")})
	})
	s.echo.POST(ui.RackPath, func(c echo.Context) error { return s.rackForm(c, c.FormValue("code")) })
	s.echo.POST(ui.PhotoPath, s.photoForm)
	s.echo.GET(ui.LabelsPath, s.labelsPage)
}

// placesPage lists the racks.
func (s *Server) placesPage(c echo.Context) error {
	list, err := s.listPlaces(c.Request().Context(), nil)
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, ui.NewPlaces(list.Body))
}

// rackPage shows what stands in a rack, what is still wrong there, and who comes next.
func (s *Server) rackPage(c echo.Context, status int, p ui.RackPage) error {
	e, r, err := s.elevation(c.Request().Context(), c.QueryParam("rack"))
	if errors.Is(err, inventory.ErrNotFound) || errors.Is(err, inventory.ErrAmbiguous) {
		return newProblem(http.StatusNotFound, err.Error())
	}
	if err != nil {
		return err
	}
	p.Fill(e, r.SVG(elevation.Drawing{Faces: []string{inventory.Front, inventory.Rear}, Heads: true}))
	return s.page(c, status, p)
}

// rackForm writes down that a server was racked, by what a scanner typed. What is refused is said on the same page.
func (s *Server) rackForm(c echo.Context, code string) error {
	rack := c.QueryParam("rack")
	r, err := s.rackMachine(c.Request().Context(), api.RackingRequest{Rack: rack, Code: strings.TrimSpace(code)})
	var p *api.Problem
	if errors.As(err, &p) && (p.Status == http.StatusNotFound || p.Status == http.StatusConflict) {
		return s.rackPage(c, p.Status, ui.RackPage{Refused: p.Detail})
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, ui.RackPath+"?"+url.Values{"rack": {rack}, "racked": {r.Machine}}.Encode())
}
