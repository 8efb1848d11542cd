package redfish

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"socle/internal/secret"
)

const (
	sessionsPath   = root + "/SessionService/Sessions"
	maxSessions    = 16               // a controller has few, and a client that forgets to log out must notice
	sessionTimeout = 30 * time.Minute // without a request
)

// sessions knows who may enter.
type sessions struct {
	user     string
	password secret.Secret
	now      func() time.Time

	mu   sync.Mutex
	next int
	live []session
}

type session struct {
	id    string
	token string
	seen  time.Time
}

func newSessions(user string, password secret.Secret, now func() time.Time) *sessions {
	return &sessions{user: user, password: password, now: now, next: 1}
}

// check compares a login without telling by its time how much of it was right.
func (s *sessions) check(user, password string) bool {
	u := subtle.ConstantTimeCompare([]byte(user), []byte(s.user))
	p := subtle.ConstantTimeCompare([]byte(password), []byte(s.password.Reveal()))
	return u&p == 1
}

func (s *sessions) open() (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	if len(s.live) >= maxSessions {
		return session{}, false
	}
	n := session{id: strconv.Itoa(s.next), token: rand.Text(), seen: s.now()}
	s.next++
	s.live = append(s.live, n)
	return n, true
}

// expire drops what was idle for too long; the caller holds the lock.
func (s *sessions) expire() {
	s.live = slices.DeleteFunc(s.live, func(l session) bool { return s.now().Sub(l.seen) > sessionTimeout })
}

// touch tells whether a token is that of a live session.
func (s *sessions) touch(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	for i := range s.live {
		if subtle.ConstantTimeCompare([]byte(s.live[i].token), []byte(token)) == 1 {
			s.live[i].seen = s.now()
			return true
		}
	}
	return false
}

func (s *sessions) ids() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	var ids []string
	for _, l := range s.live {
		ids = append(ids, l.id)
	}
	return ids
}

func (s *sessions) end(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.live)
	s.live = slices.DeleteFunc(s.live, func(l session) bool { return l.id == id })
	return len(s.live) < n
}

func (s *sessions) endAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live = nil
}

// authorize lets in a session's token or a Basic login (DSP0266, section "Authentication").
func (s *service) authorize(w http.ResponseWriter, r *http.Request) error {
	if !s.faults.Unauthorized.Load() {
		if token := r.Header.Get("X-Auth-Token"); token != "" {
			if s.sessions.touch(token) {
				return nil
			}
			return unauthorized()
		}
		if user, password, ok := r.BasicAuth(); ok && s.sessions.check(user, password) {
			return nil
		}
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="Redfish"`)
	return unauthorized()
}

func (s *service) listSessions(w http.ResponseWriter, r *http.Request) error {
	var paths []string
	for _, id := range s.sessions.ids() {
		paths = append(paths, sessionsPath+"/"+id)
	}
	return collection(sessionsPath, "SessionCollection", "Sessions", paths...)(w, r)
}

func (s *service) login(w http.ResponseWriter, r *http.Request) error {
	var body struct{ UserName, Password string }
	if err := readJSON(r, &body); err != nil {
		return err
	}
	if s.faults.Unauthorized.Load() || !s.sessions.check(body.UserName, body.Password) {
		return problemf(http.StatusUnauthorized, "ResourceAtUriUnauthorized",
			"While accessing the resource at %s, the service received an authorization error: wrong user name or password.", sessionsPath)
	}
	n, ok := s.sessions.open()
	if !ok {
		return problemf(http.StatusServiceUnavailable, "SessionLimitExceeded",
			"The session establishment failed due to the number of simultaneous sessions exceeding the limit of the implementation.")
	}
	w.Header().Set("X-Auth-Token", n.token)
	w.Header().Set("Location", sessionsPath+"/"+n.id)
	writeJSON(w, http.StatusCreated, s.sessionObject(n.id))
	return nil
}

func (s *service) sessionObject(id string) object {
	return object{
		"@odata.id": sessionsPath + "/" + id, "@odata.type": "#Session.v1_3_0.Session",
		"Id": id, "Name": "User Session", "UserName": s.sessions.user, "Password": nil,
	}
}

// sessionResource is one session, which may have ended.
func (s *service) sessionResource(id string) resource {
	return resource{
		get: func(w http.ResponseWriter, r *http.Request) error {
			if !slices.Contains(s.sessions.ids(), id) {
				return notFound(r.URL.Path)
			}
			return fixed(s.sessionObject(id))(w, r)
		},
		delete: func(w http.ResponseWriter, r *http.Request) error {
			if !s.sessions.end(id) {
				return notFound(r.URL.Path)
			}
			w.WriteHeader(http.StatusNoContent)
			return nil
		},
	}
}
