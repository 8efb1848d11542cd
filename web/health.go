package web

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"

	"socle/api"
)

func (s *Server) health() {
	s.echo.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	s.echo.GET("/readyz", s.readyz)
	if s.o.Metrics != nil {
		s.echo.GET("/metrics", echo.WrapHandler(s.o.Metrics))
	}
}

// readyz tells a load balancer whether requests can be served; the reason for a "no" is in the log.
func (s *Server) readyz(c echo.Context) error {
	if s.o.Ready != nil {
		if err := s.o.Ready(c.Request().Context()); err != nil {
			var p *api.Problem
			if errors.As(err, &p) {
				return p
			}
			s.o.Log.Warn("not ready", slog.Any("error", err), slog.String("req", requestID(c.Request().Context())))
			return newProblem(http.StatusServiceUnavailable, "not ready; the server's log says why")
		}
	}
	return c.String(http.StatusOK, "ready\n")
}
