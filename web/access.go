package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"socle/inventory"
)

// access is who may call a route.
type access int

const (
	person access = iota // a browser with a session; the default, so that a forgotten route is closed
	public               // everybody
	admin                // a bearer token of the API
	agent                // a bearer token of the ramdisk's agent
	seat                 // a bearer token of the API, a guest's, or a browser's session: a console's WebSocket
	guest                // a bearer token of the API or a guest's: what is recorded of a console
)

// publicRoutes are open on purpose: they tell nothing about machines, or take their own proof.
var publicRoutes = map[string]bool{
	"/healthz":                    true,
	"/readyz":                     true,
	"/metrics":                    true, // counts only; bind the listener to where Prometheus is
	"/api/openapi.json":           true,
	"/api/openapi.yaml":           true,
	"/api/openapi-3.0.json":       true,
	"/api/openapi-3.0.yaml":       true,
	"/login":                      true, // takes the token itself
	"/assets/*":                   true,
	"/agent/v1/session":           true, // takes the boot token in its body
	"/agent/v1/phone-home/:token": true, // takes the phone-home token in its path
	toldRoute:                     true, // takes the proof in its path
}

// accessOf tells who may call a path; route is the router's pattern, path is what was asked for.
func accessOf(route, path string) access {
	switch {
	case publicRoutes[route]:
		return public
	case route == consoleRoute:
		return seat
	case strings.HasPrefix(route, consoleRoute+"/") && route != consoleRoute+guestsPath:
		return guest
	case strings.HasPrefix(path, "/api/"):
		return admin
	case strings.HasPrefix(path, "/agent/"):
		return agent
	default:
		return person
	}
}

type ctxKey int

const (
	actorKey ctxKey = iota
	sessionKey
	requestKey
)

// actor is the name of who called, for the history.
func actor(ctx context.Context) string {
	a, _ := ctx.Value(actorKey).(Actor)
	return a.Name
}

// agentSession is the boot that called.
func agentSession(c echo.Context) inventory.Session {
	s, _ := c.Request().Context().Value(sessionKey).(inventory.Session)
	return s
}

func with(c echo.Context, key ctxKey, value any) {
	r := c.Request()
	c.SetRequest(r.WithContext(context.WithValue(r.Context(), key, value)))
}

// guard is the middleware that lets a request through to its handler, or not.
func (s *Server) guard(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		var err error
		switch accessOf(c.Path(), c.Request().URL.Path) {
		case public:
		case admin:
			err = s.admitAdmin(c)
		case agent:
			err = s.admitAgent(c)
		case seat:
			err = s.admitConsole(c)
		case guest:
			err = s.admitGuest(c, bearer(c.Request()))
		case person:
			done, perr := s.admitPerson(c)
			if done {
				return perr
			}
			err = perr
		}
		if err != nil {
			return err
		}
		return next(c)
	}
}

func (s *Server) admitAdmin(c echo.Context) error {
	token := bearer(c.Request())
	if token == "" {
		return newProblem(http.StatusUnauthorized, `send the admin token in the header "Authorization: Bearer …"`)
	}
	who, err := s.o.Auth.Authenticate(c.Request().Context(), token)
	if err != nil {
		return err
	}
	with(c, actorKey, who)
	return nil
}

func (s *Server) admitAgent(c echo.Context) error {
	token := bearer(c.Request())
	if token == "" || s.o.Agents == nil {
		return newProblem(http.StatusUnauthorized, `send the session's token in the header "Authorization: Bearer …"`)
	}
	session, err := s.o.Agents.Session(c.Request().Context(), token)
	if err != nil {
		return err
	}
	with(c, sessionKey, session)
	return nil
}

// bearer is the token of a request, or "" (RFC 6750, section 2.1).
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get(echo.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "bearer") || len(token) > 512 {
		return ""
	}
	return strings.TrimSpace(token)
}
