package web

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"

	"socle/api"
)

// Bounds on what an agent sends. Facts of a machine with a thousand disks fit many times.
const (
	maxSession = 64 << 10
	maxFacts   = 8 << 20
	maxReport  = 1 << 20
	maxLinks   = 256 << 10
	maxWait    = time.Minute
)

func (s *Server) agentRoutes() {
	g := s.echo.Group("/agent/v1")
	g.POST("/session", s.agentSession)
	g.POST("/facts", s.agentFacts)
	g.POST("/links", s.agentLinks)
	g.GET("/orders/next", s.agentNext)
	g.POST("/orders/:order/report", s.agentReport)
	g.POST("/orders/:order/partner", s.agentPartner)
	g.POST("/phone-home/:token", s.phoneHome)
	g.GET("/images/:digest/index", s.imageIndex)
	g.HEAD("/images/:digest/index", s.imageIndex)
	g.GET("/chunks/:sha256", s.chunk)
	g.HEAD("/chunks/:sha256", s.chunk)
}

// agentSession proves a boot and hands out the session's token.
func (s *Server) agentSession(c echo.Context) error {
	var req api.SessionRequest
	if err := decode(c, maxSession, &req); err != nil {
		return err
	}
	reply, err := s.o.Agents.OpenSession(c.Request().Context(), req, remote(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, reply)
}

func (s *Server) agentFacts(c echo.Context) error {
	var post api.FactsPost
	if err := decode(c, maxFacts, &post); err != nil {
		return err
	}
	if err := s.o.Agents.PostFacts(c.Request().Context(), agentSession(c), post); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// agentLinks hears what is plugged in now.
func (s *Server) agentLinks(c echo.Context) error {
	var post api.LinksPost
	if err := decode(c, maxLinks, &post); err != nil {
		return err
	}
	if err := s.o.Agents.PostLinks(c.Request().Context(), agentSession(c), post); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// agentNext is the long poll: an order, or 204 when none came in the time that the agent wants to wait.
func (s *Server) agentNext(c echo.Context) error {
	wait, err := waitOf(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.untilDrain(c.Request().Context())
	defer cancel()
	order, err := s.o.Agents.NextOrder(ctx, agentSession(c), wait)
	if err != nil {
		if ctx.Err() != nil && c.Request().Context().Err() == nil {
			return c.NoContent(http.StatusNoContent) // the server drains: the agent asks again
		}
		return err
	}
	if order == nil {
		return c.NoContent(http.StatusNoContent)
	}
	return c.JSON(http.StatusOK, order)
}

// waitOf is how long an agent waits for an answer; the connection is given so much time.
func waitOf(c echo.Context) (time.Duration, error) {
	wait := 30 * time.Second
	if text := c.QueryParam("wait"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return 0, newProblem(http.StatusBadRequest, `wait is not a duration such as "30s"`)
		}
		wait = min(d, maxWait)
	}
	allow(c, wait+writeTimeout)
	return wait, nil
}

// agentPartner is the long poll of an agent that needs another server to test the network with.
func (s *Server) agentPartner(c echo.Context) error {
	var req api.PartnerRequest
	if err := decode(c, maxSession, &req); err != nil {
		return err
	}
	wait, err := waitOf(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.untilDrain(c.Request().Context())
	defer cancel()
	p, err := s.o.Agents.Partner(ctx, agentSession(c), c.Param("order"), req, remote(c), wait)
	switch {
	case err != nil:
		return err
	case p == nil:
		return c.NoContent(http.StatusNoContent)
	}
	return c.JSON(http.StatusOK, p)
}

func (s *Server) agentReport(c echo.Context) error {
	var report api.Report
	if err := decode(c, maxReport, &report); err != nil {
		return err
	}
	if err := s.o.Agents.Report(c.Request().Context(), agentSession(c), c.Param("order"), report); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// phoneHome hears that a deployed system is up, or could not set up its role. A body that cannot be read, like
// the form of cloud-init's own module, says no more than that it is up: the call matters most.
func (s *Server) phoneHome(c echo.Context) error {
	token := c.Param("token")
	if token == "" || len(token) > 512 {
		return newProblem(http.StatusUnauthorized, "this is no phone-home token")
	}
	var call api.PhoneHome
	if err := decode(c, maxReport, &call); err != nil {
		call = api.PhoneHome{}
	}
	if err := s.o.PhoneHome.PhoneHome(c.Request().Context(), token, call, remote(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// decode reads one JSON value of at most limit bytes. Unknown fields are taken: a newer agent may say more.
func decode(c echo.Context, limit int64, v any) error {
	r := c.Request()
	d := json.NewDecoder(http.MaxBytesReader(c.Response(), r.Body, limit))
	err := d.Decode(v)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = errors.New("something follows the JSON value")
		}
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return newProblem(http.StatusRequestEntityTooLarge, err.Error())
	}
	return newProblem(http.StatusBadRequest, "reading the request's JSON: "+err.Error())
}

// remote is the peer's address, without a zone and without the mapping of IPv4 into IPv6.
func remote(c echo.Context) netip.Addr {
	ap, err := netip.ParseAddrPort(c.Request().RemoteAddr)
	if err != nil {
		return netip.Addr{} // a listener without addresses, as in tests
	}
	return ap.Addr().Unmap()
}
