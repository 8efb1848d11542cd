package web

import (
	"net/http"
	"net/url"
	"regexp"

	"github.com/labstack/echo/v4"

	"socle/api"
	"socle/console"
	"socle/web/ui"
)

// pageHits is how many found lines the console's page shows.
const pageHits = 200

// consolePage is a machine's console, with what was recorded of it.
func (s *Server) consolePage(c echo.Context) error {
	ctx := c.Request().Context()
	m, err := s.o.Inventory.Machine(ctx, c.Param("ref"))
	if err != nil {
		return err
	}
	st, list, err := s.o.Consoles.Recordings(ctx, m.ID)
	if err != nil {
		return consoleProblem(err)
	}
	var recordings []ui.Recording
	for _, r := range list {
		recordings = append(recordings, ui.Recording{ID: r.ID, Start: r.Start, End: r.End, Bytes: r.Bytes, Open: st != nil && st.Current == r.ID})
	}
	query := c.QueryParam("q")
	if len(query) > 500 {
		return newProblem(http.StatusUnprocessableEntity, "the text to search for is longer than 500 bytes")
	}
	var hits []ui.Hit
	// A page that keeps itself fresh asks for itself again and again: what was found stays as it is, and is not searched,
	// and written down, once more.
	if query != "" && c.Request().Header.Get("Sec-Fetch-Dest") != "empty" {
		found, err := s.o.Consoles.Search(ctx, actor(ctx), m.ID, regexp.MustCompile("(?i)"+regexp.QuoteMeta(query)), pageHits)
		if err != nil {
			return consoleProblem(err)
		}
		for _, h := range found {
			hits = append(hits, ui.Hit{Time: h.Time, Line: h.Line})
		}
	}
	socket := api.PathMachines + "/" + url.PathEscape(m.ID) + api.PathConsole
	return s.page(c, http.StatusOK, ui.NewConsole(m, socket, recordings, query, hits))
}

// replayPage is a recording for the page, as asciicast.
func (s *Server) replayPage(c echo.Context) error {
	ctx := c.Request().Context()
	r, err := s.o.Consoles.Replay(ctx, actor(ctx), c.Param("ref"), c.Param("id"))
	if err != nil {
		return consoleProblem(err)
	}
	defer func() { _ = r.Close() }()
	c.Response().Header().Set(echo.HeaderContentType, castType)
	_ = console.WriteCast(c.Response(), r, c.Param("ref")) // the page is gone, or the recording ends early
	return nil
}
