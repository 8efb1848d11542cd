package web

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"sync"
	"time"

	"socle/internal/secret"
)

// Sessions of browsers.
const (
	cookieName    = "__Host-socle"
	plainCookie   = "socle-session" // "__Host-" cookies exist with TLS only
	personIdle    = 12 * time.Hour
	maxPeople     = 1000
	maxFormBytes  = 16 << 10
	csrfFieldName = "csrf"
)

// browser is one session. Its token is shown to the Authenticator with every request, so that a token that is
// revoked closes the session at once.
type browser struct {
	token secret.Secret
	csrf  string
	seen  time.Time
}

// people keeps the sessions of browsers, in memory: after a restart one logs in again. Cookies are kept as
// hashes only.
type people struct {
	now func() time.Time
	mu  sync.Mutex
	all map[[sha256.Size]byte]*browser
}

func newPeople(now func() time.Time) *people {
	return &people{now: now, all: map[[sha256.Size]byte]*browser{}}
}

// start opens a session and returns its cookie's value.
func (p *people) start(token secret.Secret) string {
	id := rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep()
	p.all[sha256.Sum256([]byte(id))] = &browser{token: token, csrf: rand.Text(), seen: p.now()}
	return id
}

// sweep drops idle sessions and, when there are too many, the one that is idle longest.
func (p *people) sweep() {
	var oldest [sha256.Size]byte
	var at time.Time
	for k, b := range p.all {
		if p.now().Sub(b.seen) > personIdle {
			delete(p.all, k)
			continue
		}
		if at.IsZero() || b.seen.Before(at) {
			oldest, at = k, b.seen
		}
	}
	if len(p.all) >= maxPeople {
		delete(p.all, oldest)
	}
}

// find returns the session of a cookie.
func (p *people) find(id string) (browser, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.all[sha256.Sum256([]byte(id))]
	if b == nil || p.now().Sub(b.seen) > personIdle {
		return browser{}, false
	}
	b.seen = p.now()
	return *b, true
}

func (p *people) end(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, sha256.Sum256([]byte(id)))
}

// forged tells whether a form did not come from a page of ours: the token in the form must be the session's,
// and a browser that says where a request comes from must say that it is this site.
func forged(r *http.Request, b browser) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return true
	}
	return subtle.ConstantTimeCompare([]byte(r.PostFormValue(csrfFieldName)), []byte(b.csrf)) != 1
}
