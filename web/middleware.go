package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// contentPolicy lets a page load its own style sheet, script and pictures, talk to its own server, and nothing else.
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// requestTimeout bounds every request but streams, long polls, downloads and imports.
const requestTimeout = 30 * time.Second

// headers are on every answer.
func headers(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if c.IsTLS() {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if h.Get("Cache-Control") == "" {
			h.Set("Cache-Control", "no-store")
		}
		return next(c)
	}
}

// identify gives the request an id by which the log and the client's error meet. A client's own id is not
// taken: it would write into the log.
func identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := rand.Text()[:12]
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		with(c, requestKey, id)
		return next(c)
	}
}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey).(string)
	return id
}

// contain turns a panic of a handler into a 500; the process and the other requests go on.
func (s *Server) contain(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v) // net/http's own way to end a connection
			}
			s.o.Log.Error("handler panicked", slog.String("route", c.Path()), slog.Any("panic", v),
				slog.String("req", requestID(c.Request().Context())), slog.String("stack", string(debug.Stack())))
			err = fmt.Errorf("handling %s: panic", c.Path())
		}()
		return next(c)
	}
}

// long tells the routes that may take longer than requestTimeout, and bound themselves.
func long(path string) bool {
	return path == "/api/v1/events/stream" || path == "/live" || path == "/api/v1/manifests" || strings.HasPrefix(path, "/api/v1/keyring/") ||
		strings.HasPrefix(path, "/agent/v1/chunks/") || strings.HasPrefix(path, "/agent/v1/orders/next") ||
		strings.HasSuffix(path, "/power") || strings.HasSuffix(path, "/locate") || strings.Contains(path, "/bmc/") || strings.HasSuffix(path, "/bmc") || isConsole(path)
}

// deadline bounds a request, reading it and answering it.
func deadline(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if long(c.Request().URL.Path) {
			allow(c, 0) // whatever the connection's last request left behind
			return next(c)
		}
		ctx, cancel := context.WithTimeout(c.Request().Context(), requestTimeout)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		allow(c, requestTimeout+5*time.Second)
		return next(c)
	}
}

// allow lets the connection be read from and written to for so long from now; 0 is for ever. The end of the
// time to read also ends the request's context, so it may not come before the work is done. Writers that
// have no deadlines, as those of tests, have none.
func allow(c echo.Context, d time.Duration) {
	rc := http.NewResponseController(c.Response().Writer)
	var end time.Time
	if d > 0 {
		end = time.Now().Add(d)
	}
	_ = rc.SetReadDeadline(end)
	_ = rc.SetWriteDeadline(end)
}

// unescape decodes the parameters of a path: the router leaves them as they came when there is an escaped slash.
func unescape(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().URL.RawPath == "" {
			return next(c)
		}
		values := c.ParamValues()
		for i, v := range values {
			plain, err := url.PathUnescape(v)
			if err != nil {
				return newProblem(http.StatusBadRequest, "the path has a wrong escape")
			}
			values[i] = plain
		}
		c.SetParamValues(values...)
		return next(c)
	}
}
