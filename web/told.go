package web

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"socle/api"
)

// Told takes what BMCs tell by themselves: text is an event of Redfish. A proof that is not that machine's is an
// *api.Problem with status 404.
type Told interface {
	Told(ctx context.Context, machineID, proof string, text []byte) error
}

// maxTold is how much of a BMC's event is read, in bytes.
const maxTold = 64 << 10

// told takes the events that BMCs post. They bring no token but what is in the path.
func (s *Server) told(c echo.Context) error {
	text, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, maxTold))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return newProblem(http.StatusRequestEntityTooLarge, "an event has at most 64 KiB")
	}
	if err != nil {
		return newProblem(http.StatusBadRequest, "the event could not be read")
	}
	if err := s.o.Told.Told(c.Request().Context(), c.Param("machine"), c.Param("proof"), text); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// toldRoute is where BMCs post.
const toldRoute = api.PathBMCEvents + "/:machine/:proof"
