package webtest

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"socle/api"
	"socle/console"
)

// Consoles are consoles in memory: each server greets, and answers with what is typed.
type Consoles struct {
	world   *World
	desk    *console.Desk
	archive *console.Archive
	revoked bool // the guest's token
}

// newConsoles makes the consoles of a world, which live as long as the test.
func newConsoles(w *World) *Consoles {
	archive, err := console.OpenArchive(filepath.Join(w.Dir, "consoles"), 0)
	if err != nil {
		panic(err) // the folder is a test's own
	}
	c := &Consoles{world: w, archive: archive}
	c.desk = console.New(console.Options{Dialer: c, Journal: c, Archive: archive})
	return c
}

// Dial implements console.Dialer.
func (c *Consoles) Dial(_ context.Context, m console.Machine, _ bool) (console.Line, error) {
	l := &echo{out: make(chan []byte, 64), done: make(chan struct{})}
	l.out <- []byte("\x1b[2J\x1b[H\x1b[1;32m" + m.Name + "\x1b[0m login: ")
	return l, nil
}

// Note implements console.Journal.
func (c *Consoles) Note(_ context.Context, m console.Machine, actor, what string) {
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	c.world.calls = append(c.world.calls, actor+" "+what+" of "+m.Name)
}

func (c *Consoles) machine(ctx context.Context, ref string) (console.Machine, error) {
	m, err := c.world.Machine(ctx, ref)
	return console.Machine{ID: m.ID, Name: m.Name}, err
}

// Join implements web.Consoles.
func (c *Consoles) Join(ctx context.Context, actor, ref string, want console.Want) (*console.Seat, error) {
	m, err := c.machine(ctx, ref)
	if err != nil {
		return nil, err
	}
	return c.desk.Join(ctx, m, actor, want)
}

// Recordings implements web.Consoles.
func (c *Consoles) Recordings(ctx context.Context, ref string) (*console.Status, []console.Recording, error) {
	m, err := c.machine(ctx, ref)
	if err != nil {
		return nil, nil, err
	}
	list, err := c.archive.List(m.ID)
	if st, open := c.desk.Status(m.ID); open {
		return &st, list, err
	}
	return nil, list, err
}

// Search implements web.Consoles.
func (c *Consoles) Search(ctx context.Context, _, ref string, pattern *regexp.Regexp, limit int) ([]console.Hit, error) {
	m, err := c.machine(ctx, ref)
	if err != nil {
		return nil, err
	}
	return c.archive.Search(ctx, m.ID, pattern, limit)
}

// Replay implements web.Consoles.
func (c *Consoles) Replay(ctx context.Context, _, ref, id string) (*console.Reader, error) {
	m, err := c.machine(ctx, ref)
	if err != nil {
		return nil, err
	}
	return c.archive.Open(m.ID, id)
}

// echo is a line whose server answers with what it hears.
type echo struct {
	out  chan []byte
	done chan struct{}
	once sync.Once
	rest []byte
}

func (e *echo) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		select {
		case e.rest = <-e.out:
		case <-e.done:
			return 0, io.EOF
		}
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

func (e *echo) Write(p []byte) (int, error) {
	select {
	case e.out <- append([]byte(nil), p...):
		return len(p), nil
	case <-e.done:
		return 0, io.EOF
	}
}

func (e *echo) Break() error { _, err := e.Write([]byte("<break>")); return err }
func (e *echo) Lost() uint64 { return 0 }
func (e *echo) Close() error { e.once.Do(func() { close(e.done) }); return nil }

// GuestToken opens the console of hv01 until it is revoked.
const GuestToken = "guest-token-of-the-test"

// Guest implements web.Guests.
func (c *Consoles) Guest(ctx context.Context, bearer string) (string, string, error) {
	m, err := c.machine(ctx, "hv01")
	if err != nil {
		return "", "", err
	}
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	if bearer != GuestToken || c.revoked {
		return "", "", api.NewProblem(http.StatusUnauthorized, api.ErrUnauthorized, "this token is not known")
	}
	return "gerda", m.ID, nil
}

// Grant implements web.Guests.
func (c *Consoles) Grant(ctx context.Context, actor, ref, name string, ttl time.Duration) (api.GuestReply, error) {
	m, err := c.machine(ctx, ref)
	if err != nil {
		return api.GuestReply{}, err
	}
	c.Note(ctx, m, actor, "gave "+name+" the console")
	return api.GuestReply{Token: GuestToken, Expires: c.world.Now().Add(ttl)}, nil
}

// Revoke implements web.Guests.
func (c *Consoles) Revoke(ctx context.Context, actor, ref string) error {
	m, err := c.machine(ctx, ref)
	if err != nil {
		return err
	}
	c.Note(ctx, m, actor, "took the guests' tokens back")
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	c.revoked = true
	return nil
}
