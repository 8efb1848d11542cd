package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"socle/paper/scan"
	"socle/web/ui"
)

// Pictures of labels, which phones send: one of a whole camera has 3 to 15 MB.
const (
	maxPhotoBytes = 20 << 20
	maxPhotos     = 2 // are read at a time
	photoPatience = 5 * time.Second
)

// readCode is the answer to a script that sent a frame of a camera.
type readCode struct {
	Code string `json:"code"` // empty: there is none in the picture
}

// photoForm reads the code on a picture. A script gets the code; a form is done as if the code had been typed.
func (s *Server) photoForm(c echo.Context) error {
	code, err := s.photo(c)
	if !wantsPage(c) && (err == nil || errors.Is(err, scan.ErrNoCode)) {
		return c.JSON(http.StatusOK, readCode{code})
	}
	if errors.Is(err, scan.ErrNoCode) || errors.Is(err, scan.ErrNoPicture) {
		if !wantsPage(c) {
			return newProblem(http.StatusUnprocessableEntity, err.Error())
		}
		return s.rackPage(c, http.StatusUnprocessableEntity, ui.RackPage{Refused: err.Error()})
	}
	if err != nil {
		return err
	}
	return s.rackForm(c, code)
}

// photo is the code on the picture of a form.
func (s *Server) photo(c echo.Context) (string, error) {
	ctx, cancel := context.WithTimeout(c.Request().Context(), photoPatience)
	defer cancel()
	select {
	case s.photos <- struct{}{}:
		defer func() { <-s.photos }()
	case <-ctx.Done():
		return "", newProblem(http.StatusServiceUnavailable, "others are scanning: try again")
	}
	f, _, err := c.Request().FormFile("picture")
	if err != nil {
		return "", newProblem(http.StatusUnprocessableEntity, "send a picture of at most 20 MB in the field picture")
	}
	defer func() { _ = f.Close() }()
	picture, err := io.ReadAll(f)
	if err != nil {
		return "", err
	}
	return scan.Read(picture)
}
