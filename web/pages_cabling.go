package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"socle/api"
	"socle/web/ui"
)

// maxPlace bounds the name of a rack that a page is asked for.
const maxPlace = 300

// cablingPage shows what is planned and heard at each port, of all machines or of those of a rack, and which plugs to move.
func (s *Server) cablingPage(c echo.Context) error {
	ctx, rack := c.Request().Context(), c.QueryParam("rack")
	if len(rack) > maxPlace {
		return newProblem(http.StatusUnprocessableEntity, "the name of the rack is longer than 300 bytes")
	}
	r, err := s.o.Cabling.CheckCabling(ctx, "")
	if err != nil {
		return err
	}
	if rack != "" {
		all, err := s.o.Inventory.Roster(ctx)
		if err != nil {
			return err
		}
		in := map[string]bool{}
		for _, m := range all {
			in[strings.ToLower(m.Name)] = m.Place.InRack(rack)
		}
		r.Ports = slices.DeleteFunc(slices.Clone(r.Ports), func(p api.CablePort) bool { return !in[strings.ToLower(p.Server)] })
		r.Unknown = nil // nobody knows in which rack they are to be
	}
	return s.page(c, http.StatusOK, ui.NewCabling(r, rack))
}
