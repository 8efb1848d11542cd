package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"regexp"
	"time"

	"socle/api"
	"socle/bmc"
	"socle/console"
	"socle/internal/config"
	"socle/inventory"
	"socle/inventory/store"
)

// consoles finds the machines to the consoles, and writes down who did what there.
type consoles struct {
	desk    *console.Desk
	archive *console.Archive
	store   *store.Store
	bmcs    *bmcs
	log     *slog.Logger
}

func (k *kit) makeConsoles() (*consoles, error) {
	c := k.config.Console
	archive, err := console.OpenArchive(filepath.Join(k.config.DataDir, "consoles"), int64(c.RecordingMiB)<<20)
	if err != nil {
		return nil, err
	}
	all := &consoles{archive: archive, store: k.store, bmcs: k.bmcs, log: k.log}
	all.desk = console.New(console.Options{Dialer: all, Journal: all, Archive: archive, RecordInput: c.RecordInput, Log: k.log})
	return all, nil
}

// tasks are the parts of the server that keep consoles.
func (c *consoles) tasks(o config.Console) []Task {
	tasks := []Task{{"consoles", c.desk.Run}}
	if o.Record == config.RecordAlways {
		tasks = append(tasks, Task{"recording of consoles", c.keepAll})
	}
	return tasks
}

// keepEvery is how soon a machine that is new gets its recording.
const keepEvery = 30 * time.Second

// keepAll holds the console of every machine open whose BMC is known.
func (c *consoles) keepAll(ctx context.Context) error {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		all, err := c.store.Roster(ctx)
		if err != nil && ctx.Err() == nil {
			c.log.Warn("looking which consoles to record", "err", err)
		} else if err == nil {
			var list []console.Machine
			for _, m := range all {
				if m.BMC.Known() && !m.BMC.Protocol.PowerOnly() && m.State != inventory.Retired {
					list = append(list, console.Machine{ID: m.ID, Name: m.Name})
				}
			}
			c.desk.Keep(list)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Dial implements console.Dialer.
func (c *consoles) Dial(ctx context.Context, m console.Machine, take bool) (console.Line, error) {
	now, err := c.store.Machine(ctx, m.ID) // its BMC may have changed
	if err != nil {
		return nil, err
	}
	if !now.BMC.Known() {
		return nil, fmt.Errorf("%w: no BMC of %s is known: name it in the manifest", console.ErrHopeless, m.Name)
	}
	t, err := c.bmcs.target(ctx, now)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", console.ErrHopeless, err)
	}
	l, err := c.bmcs.driver.Console(ctx, t, take)
	switch {
	case err == nil:
		return line{l}, nil
	case errors.Is(err, bmc.ErrHeld):
		return nil, as(console.ErrHeld, err)
	case errors.Is(err, bmc.ErrAuth), errors.Is(err, bmc.ErrCertificate), errors.Is(err, bmc.ErrUnsupported):
		return nil, as(console.ErrHopeless, err)
	}
	return nil, err
}

// as gives an error another kind and keeps its text.
func as(kind, err error) error { return kindOf{err, kind} }

type kindOf struct {
	error
	kind error
}

func (k kindOf) Is(target error) bool { return target == k.kind }
func (k kindOf) Unwrap() error        { return k.error }

// line is a console of package bmc, whose errors are those of package console.
type line struct{ bmc.Console }

func (l line) Read(p []byte) (int, error) {
	n, err := l.Console.Read(p)
	if errors.Is(err, bmc.ErrTaken) {
		err = as(console.ErrTaken, err)
	}
	return n, err
}

func (l line) Write(p []byte) (int, error) {
	n, err := l.Console.Write(p)
	if errors.Is(err, bmc.ErrLineDown) {
		err = console.ErrLineDown
	}
	return n, err
}

// Note implements console.Journal.
func (c *consoles) Note(ctx context.Context, m console.Machine, actor, what string) {
	err := c.store.Append(context.WithoutCancel(ctx), inventory.Event{Machine: m.ID, Name: m.Name, Actor: actor, Kind: "console", Reason: what})
	if err != nil {
		c.log.Error("writing down who used a console", "machine", m.Name, "actor", actor, "what", what, "err", err)
	}
}

func (c *consoles) machine(ctx context.Context, ref string) (console.Machine, error) {
	m, err := c.store.Machine(ctx, ref)
	return console.Machine{ID: m.ID, Name: m.Name}, err
}

// Join implements web.Consoles.
func (c *consoles) Join(ctx context.Context, actor, ref string, want console.Want) (*console.Seat, error) {
	m, err := c.store.Machine(ctx, ref)
	if err != nil {
		return nil, err
	}
	if !m.BMC.Known() {
		return nil, api.NewProblem(http.StatusConflict, api.ErrConflict, fmt.Sprintf("no BMC of %s is known: name it in the manifest", m.Name))
	}
	return c.desk.Join(ctx, console.Machine{ID: m.ID, Name: m.Name}, actor, want)
}

// Recordings implements web.Consoles.
func (c *consoles) Recordings(ctx context.Context, ref string) (*console.Status, []console.Recording, error) {
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
func (c *consoles) Search(ctx context.Context, actor, ref string, pattern *regexp.Regexp, limit int) ([]console.Hit, error) {
	m, err := c.machine(ctx, ref)
	if err != nil {
		return nil, err
	}
	c.Note(ctx, m, actor, fmt.Sprintf("searched the console's recordings for %q", pattern))
	return c.archive.Search(ctx, m.ID, pattern, limit)
}

// Replay implements web.Consoles.
func (c *consoles) Replay(ctx context.Context, actor, ref, id string) (*console.Reader, error) {
	m, err := c.machine(ctx, ref)
	if err != nil {
		return nil, err
	}
	r, err := c.archive.Open(m.ID, id)
	if err == nil {
		c.Note(ctx, m, actor, "opened the console's recording of "+r.Start.Format(time.RFC3339))
	}
	return r, err
}

// Guest implements web.Guests.
func (c *consoles) Guest(ctx context.Context, bearer string) (name, machineID string, err error) {
	t, err := c.store.Token(ctx, inventory.TokenConsole, bearer)
	if errors.Is(err, inventory.ErrNoToken) {
		return "", "", api.NewProblem(http.StatusUnauthorized, api.ErrUnauthorized, "unknown, expired or revoked token")
	}
	return t.Subject, t.Machine, err
}

// Grant implements web.Guests.
func (c *consoles) Grant(ctx context.Context, actor, ref, name string, ttl time.Duration) (api.GuestReply, error) {
	m, err := c.machine(ctx, ref)
	if err != nil {
		return api.GuestReply{}, err
	}
	token, err := c.store.NewToken(ctx, inventory.TokenSpec{Kind: inventory.TokenConsole, Machine: m.ID, Subject: name, TTL: ttl})
	if err != nil {
		return api.GuestReply{}, err
	}
	expires := time.Now().Add(ttl).UTC().Truncate(time.Second)
	c.Note(ctx, m, actor, fmt.Sprintf("gave %q the console until %s", name, expires.Format(time.RFC3339)))
	return api.GuestReply{Token: token.Reveal(), Expires: expires}, nil
}

// Revoke implements web.Guests.
func (c *consoles) Revoke(ctx context.Context, actor, ref string) error {
	m, err := c.machine(ctx, ref)
	if err != nil {
		return err
	}
	if err = c.store.RevokeTokens(ctx, inventory.TokenConsole, m.ID); err == nil {
		c.Note(ctx, m, actor, "ended the guests' tokens for the console")
	}
	return err
}
