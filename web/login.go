package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"socle/api"
	"socle/internal/secret"
	"socle/web/ui"
)

// admitPerson lets a browser with a session through. done tells that the answer is given already.
func (s *Server) admitPerson(c echo.Context) (done bool, err error) {
	b, ok := s.browser(c)
	if !ok {
		return true, s.sendToLogin(c)
	}
	who, err := s.o.Auth.Authenticate(c.Request().Context(), b.token.Reveal())
	if p := (*api.Problem)(nil); errors.As(err, &p) && p.Status == http.StatusUnauthorized {
		s.endSession(c)
		return true, s.sendToLogin(c)
	}
	if err != nil {
		return false, err
	}
	if m := c.Request().Method; m != http.MethodGet && m != http.MethodHead {
		c.Request().Body = http.MaxBytesReader(c.Response(), c.Request().Body, formBytes(c.Path()))
		if forged(c.Request(), b) {
			return false, newProblem(http.StatusForbidden, "this form did not come from a page of this server; load the page again")
		}
	}
	with(c, actorKey, who)
	return false, nil
}

// formBytes is how large a form may be.
func formBytes(route string) int64 {
	if route == ui.PhotoPath {
		return maxPhotoBytes
	}
	return maxFormBytes
}

// sendToLogin brings a person who opens a page to the login, and answers everything else with 401. Unknown
// paths are no exception: who has no token learns nothing.
func (s *Server) sendToLogin(c echo.Context) error {
	if c.Request().Method == http.MethodGet && wantsPage(c) {
		return c.Redirect(http.StatusSeeOther, "/login?next="+url.QueryEscape(c.Request().URL.RequestURI()))
	}
	return newProblem(http.StatusUnauthorized, "log in first")
}

func (s *Server) cookieName() string {
	if s.o.PlainHTTP {
		return plainCookie
	}
	return cookieName
}

func (s *Server) browser(c echo.Context) (browser, bool) {
	cookie, err := c.Cookie(s.cookieName())
	if err != nil {
		return browser{}, false
	}
	return s.people.find(cookie.Value)
}

func (s *Server) cookie(value string, age int) *http.Cookie {
	return &http.Cookie{Name: s.cookieName(), Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: !s.o.PlainHTTP, SameSite: http.SameSiteStrictMode}
}

func (s *Server) endSession(c echo.Context) {
	if cookie, err := c.Cookie(s.cookieName()); err == nil {
		s.people.end(cookie.Value)
	}
	c.SetCookie(s.cookie("", -1))
}

func (s *Server) loginPage(c echo.Context) error {
	if _, ok := s.browser(c); ok {
		return c.Redirect(http.StatusSeeOther, "/")
	}
	return s.page(c, http.StatusOK, ui.Login{Next: localPath(c.QueryParam("next"))})
}

// login takes the admin token once and hands out a session's cookie for it.
func (s *Server) login(c echo.Context) error {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxFormBytes)
	next := localPath(r.PostFormValue("next"))
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return newProblem(http.StatusForbidden, "log in on this server's own page")
	}
	token := strings.TrimSpace(r.PostFormValue("token"))
	_, err := s.o.Auth.Authenticate(r.Context(), token)
	if p := (*api.Problem)(nil); token == "" || errors.As(err, &p) && p.Status == http.StatusUnauthorized {
		return s.page(c, http.StatusUnauthorized, ui.Login{Next: next, Wrong: true})
	}
	if err != nil {
		return err
	}
	c.SetCookie(s.cookie(s.people.start(secret.New(token)), int(personIdle.Seconds())))
	return c.Redirect(http.StatusSeeOther, next)
}

func (s *Server) logout(c echo.Context) error {
	s.endSession(c)
	return c.Redirect(http.StatusSeeOther, "/login")
}

// localPath takes a path of this server only, so that the login sends nobody elsewhere.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") ||
		strings.ContainsAny(next, "\\\r\n") || strings.HasPrefix(u.Path, "/login") {
		return "/"
	}
	return u.RequestURI()
}
