package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"socle/api"
	"socle/inventory"
)

// problem is an error answer in huma's eyes: it has a status and a media type.
type problem struct{ *api.Problem }

// GetStatus implements huma.StatusError.
func (p problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p problem) ContentType(string) string { return api.ContentTypeProblem }

// MarshalJSON writes the problem itself.
func (p problem) MarshalJSON() ([]byte, error) { return json.Marshal(p.Problem) }

// codes are the stable codes of the statuses that arise here and not behind the interfaces.
var codes = map[int]string{
	http.StatusBadRequest:            api.ErrInvalid,
	http.StatusUnauthorized:          api.ErrUnauthorized,
	http.StatusForbidden:             api.ErrForbidden,
	http.StatusNotFound:              api.ErrNotFound,
	http.StatusConflict:              api.ErrConflict,
	http.StatusServiceUnavailable:    api.ErrUnavailable,
	http.StatusInternalServerError:   api.ErrInternal,
	http.StatusInsufficientStorage:   api.ErrUnavailable,
	http.StatusUpgradeRequired:       "upgrade-required",
	http.StatusMethodNotAllowed:      "method-not-allowed",
	http.StatusNotAcceptable:         "not-acceptable",
	http.StatusRequestTimeout:        "timeout",
	http.StatusRequestEntityTooLarge: "too-large",
	http.StatusUnsupportedMediaType:  "unsupported-media-type",
	http.StatusUnprocessableEntity:   api.ErrInvalid,
}

// newProblem makes a problem with the code of its status.
func newProblem(status int, detail string) *api.Problem {
	code := codes[status]
	if code == "" {
		code = api.ErrInvalid
	}
	return api.NewProblem(status, code, detail)
}

// problemOf turns any error into what is sent. Errors of the server itself are logged here, and only here.
func (s *Server) problemOf(ctx context.Context, err error) *api.Problem {
	var (
		p  *api.Problem
		he *echo.HTTPError
		se huma.StatusError
	)
	switch {
	case errors.As(err, &p):
		return complete(p)
	case errors.As(err, &he):
		return newProblem(he.Code, echoDetail(he))
	case errors.As(err, &se):
		return newProblem(se.GetStatus(), se.Error())
	case errors.Is(err, inventory.ErrNotFound):
		return newProblem(http.StatusNotFound, err.Error())
	case errors.Is(err, inventory.ErrAmbiguous), errors.Is(err, inventory.ErrWhich), errors.Is(err, inventory.ErrWhichRack), errors.Is(err, inventory.ErrTransition):
		return newProblem(http.StatusConflict, err.Error())
	case errors.Is(err, inventory.ErrNoToken), errors.Is(err, inventory.ErrSessionEnded):
		return newProblem(http.StatusUnauthorized, err.Error())
	case errors.Is(err, inventory.ErrNoRoom):
		s.o.Log.ErrorContext(ctx, "request failed", slog.Any("error", err), slog.String("req", requestID(ctx)))
		return newProblem(http.StatusInsufficientStorage, inventory.ErrNoRoom.Error())
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return newProblem(http.StatusServiceUnavailable, "the request was cancelled")
	case errors.Is(err, context.DeadlineExceeded):
		s.o.Log.WarnContext(ctx, "request took too long", slog.Any("error", err), slog.String("req", requestID(ctx)))
		return newProblem(http.StatusServiceUnavailable, "the server took too long; try again. Request id "+requestID(ctx))
	}
	s.o.Log.ErrorContext(ctx, "request failed", slog.Any("error", err), slog.String("req", requestID(ctx)))
	return newProblem(http.StatusInternalServerError,
		fmt.Sprintf("something failed inside the server; its log says more under request id %s", requestID(ctx)))
}

// complete fills what a problem made elsewhere left empty, without touching the original.
func complete(p *api.Problem) *api.Problem {
	c := *p
	if c.Status < 400 || c.Status > 599 {
		c.Status = http.StatusInternalServerError
	}
	if c.Title == "" {
		c.Title = http.StatusText(c.Status)
	}
	if c.Code == "" {
		c.Code = codes[c.Status]
	}
	return &c
}

// echoDetail says what the router refused, in words.
func echoDetail(he *echo.HTTPError) string {
	switch he.Code {
	case http.StatusNotFound:
		return "there is nothing under this path"
	case http.StatusMethodNotAllowed:
		return "this path does not take this method"
	}
	return strings.ToLower(fmt.Sprint(he.Message))
}

// handleError is echo's last resort: every error of a handler ends here, as a problem or, for people, a page.
func (s *Server) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		return // the answer is under way; the connection's end tells the client
	}
	p := s.problemOf(c.Request().Context(), err)
	if wantsPage(c) {
		s.errorPage(c, p)
		return
	}
	s.sendProblem(c, p)
}

func (s *Server) sendProblem(c echo.Context, p *api.Problem) {
	if p.Status == http.StatusUnauthorized {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="socle"`)
	}
	body, err := json.Marshal(p)
	if err == nil {
		err = c.Blob(p.Status, api.ContentTypeProblem, body)
	}
	if err != nil {
		s.o.Log.Debug("sending a problem", slog.Any("error", err))
	}
}

// asProblem is huma's transformer: what huma itself refuses becomes a problem with a code.
func asProblem(_ huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := newProblem(m.Status, m.Detail)
	for _, e := range m.Errors {
		if e != nil {
			p.Errors = append(p.Errors, api.ErrorDetail{Message: e.Message, Location: e.Location, Value: brief(e.Value)})
		}
	}
	return p, nil
}

// brief shows a refused value without sending a megabyte back.
func brief(v any) string {
	if v == nil {
		return ""
	}
	const most = 200
	text := fmt.Sprint(v)
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
