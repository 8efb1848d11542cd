package redfish

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	sessionService = root + "/SessionService"
	sessionsPath   = sessionService + "/Sessions"
)

// sessions are those that are open; the controller's lock guards them.
type sessions struct {
	last    int
	live    []session
	timeout time.Duration // without a request; 0: 30 minutes
}

type session struct {
	id      string
	token   string
	account *account
	seen    time.Time
}

func (s *sessions) idle() time.Duration {
	if s.timeout == 0 {
		return 30 * time.Minute
	}
	return s.timeout
}

func (s *sessions) expire(now time.Time) {
	s.live = slices.DeleteFunc(s.live, func(l session) bool { return now.Sub(l.seen) > s.idle() })
}

// touch returns the live session of a token.
func (s *sessions) touch(token string, now time.Time) (session, bool) {
	s.expire(now)
	for i := range s.live {
		if subtle.ConstantTimeCompare([]byte(s.live[i].token), []byte(token)) == 1 {
			s.live[i].seen = now
			return s.live[i], true
		}
	}
	return session{}, false
}

func (s *sessions) end(id string) bool {
	n := len(s.live)
	s.live = slices.DeleteFunc(s.live, func(l session) bool { return l.id == id })
	return len(s.live) < n
}

func (s *sessions) endOf(x *account) {
	s.live = slices.DeleteFunc(s.live, func(l session) bool { return l.account == x })
}

func (s *sessions) endAll() { s.live = nil }

// Sessions counts the open sessions.
func (b *BMC) Sessions() int {
	n := 0
	b.locked(func() { b.sessions.expire(b.now()); n = len(b.sessions.live) })
	return n
}

// authorize lets in a session's token or a Basic login (DSP0266, section "Authentication").
func (b *BMC) authorize(c *call) (*account, error) {
	if b.has(c, Unauthorized) {
		return nil, c.stranger()
	}
	if token := c.Header.Get("X-Auth-Token"); token != "" {
		s, ok := b.sessions.touch(token, b.now())
		if ok && b.has(c, DropSession) {
			b.sessions.end(s.id)
			ok = false
		}
		if !ok {
			return nil, unauthorized()
		}
		c.session = s.id
		return s.account, nil
	}
	if user, password, ok := c.BasicAuth(); ok {
		if x, ok := b.login(c, user, password); ok {
			return x, nil
		}
	}
	return nil, c.stranger()
}

func (c *call) stranger() error {
	c.w.Header().Set("WWW-Authenticate", `Basic realm="Redfish"`)
	return unauthorized()
}

// login is check with the faults and the log.
func (b *BMC) login(c *call, user, password string) (*account, bool) {
	x, ok := b.accounts.check(user, password, b.now())
	if ok && b.has(c, LockOut) {
		x.lock(b.now())
		ok = false
	}
	return x, ok
}

func sessionRoutes() map[string]route {
	return map[string]route{
		sessionService: {get: func(b *BMC, _ *call) (object, error) {
			return resource(sessionService, "SessionService.v1_1_8", "SessionService", "Session Service").with(object{
				"ServiceEnabled": true, "SessionTimeout": int(b.sessions.idle().Seconds()), "Sessions": link(sessionsPath), "Status": healthy(),
			}), nil
		}, patch: patchSessionService},
		sessionsPath: {get: listSessions, post: openSession, openPost: true},
		// DSP0266 lets clients log in at .../Sessions/Members as well.
		sessionsPath + "/Members": {post: openSession, openPost: true},
		sessionsPath + "/{}":      {get: getSession, delete: endSession, own: true},
	}
}

func patchSessionService(b *BMC, c *call) error {
	var body struct{ SessionTimeout *int }
	if err := c.decode(&body); err != nil {
		return err
	}
	if body.SessionTimeout == nil {
		return noOperation()
	}
	if n := *body.SessionTimeout; n < 30 || n > 86400 { // the bounds of the schema
		return problemf(http.StatusBadRequest, "PropertyValueOutOfRange", "The value %d for the property SessionTimeout is not in the supported range of acceptable values.", n).about("#/SessionTimeout")
	}
	b.sessions.timeout = time.Duration(*body.SessionTimeout) * time.Second
	return nil
}

func listSessions(b *BMC, _ *call) (object, error) {
	b.sessions.expire(b.now())
	var paths []string
	for _, l := range b.sessions.live {
		paths = append(paths, sessionsPath+"/"+l.id)
	}
	return collection(sessionsPath, "SessionCollection", "Sessions", paths...), nil
}

func openSession(b *BMC, c *call) (*reply, error) {
	var body struct{ UserName, Password string }
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	refused := b.has(c, Unauthorized)
	var x *account
	if !refused {
		var ok bool
		x, ok = b.login(c, body.UserName, body.Password)
		refused = !ok
	}
	if refused {
		return nil, problemf(http.StatusUnauthorized, "ResourceAtUriUnauthorized",
			"While accessing the resource at %s, the service received an authorization error: wrong user name or password.", sessionsPath)
	}
	b.sessions.expire(b.now())
	if len(b.sessions.live) >= b.shape.Sessions {
		return nil, problemf(http.StatusServiceUnavailable, "SessionLimitExceeded",
			"The session establishment failed due to the number of simultaneous sessions exceeding the limit of the implementation.")
	}
	b.sessions.last++
	n := session{id: strconv.Itoa(b.sessions.last), token: rand.Text(), account: x, seen: b.now()}
	b.sessions.live = append(b.sessions.live, n)
	c.name = x.name
	return &reply{
		status: http.StatusCreated, body: sessionObject(n), location: sessionsPath + "/" + n.id, header: [2]string{"X-Auth-Token", n.token},
	}, nil
}

func sessionObject(s session) object {
	return resource(sessionsPath+"/"+s.id, "Session.v1_3_0", s.id, "User Session").with(object{"UserName": s.account.name, "Password": nil})
}

func (b *BMC) sessionOf(c *call) (session, error) {
	b.sessions.expire(b.now())
	if i := slices.IndexFunc(b.sessions.live, func(l session) bool { return l.id == c.ids[0] }); i >= 0 {
		return b.sessions.live[i], nil
	}
	return session{}, notFound(c.URL.Path)
}

func getSession(b *BMC, c *call) (object, error) {
	s, err := b.sessionOf(c)
	if err != nil {
		return nil, err
	}
	return sessionObject(s), nil
}

func endSession(b *BMC, c *call) error {
	s, err := b.sessionOf(c)
	if err != nil {
		return err
	}
	if s.account != c.user && !slices.Contains(privileges(c.user.role), "ConfigureManager") {
		return problemf(http.StatusForbidden, "InsufficientPrivilege", "There are insufficient privileges for the account or credentials associated with the current session to perform the requested operation.")
	}
	b.sessions.end(s.id)
	return nil
}
