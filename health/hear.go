package health

import (
	"context"
	"errors"
	"sync"
	"time"

	"socle/inventory"
)

// ErrDeaf is in the chain of errors of a BMC that does not tell of anything by itself, as far as is known.
var ErrDeaf = errors.New("the BMC tells of no events")

// Ears hear what BMCs tell by themselves. What they tell is no knowledge: it makes a look come sooner, and that is all.
type Ears interface {
	// Hear calls hint whenever a BMC tells of something, until ctx or the BMC's stream ends. Where there is no stream, the
	// BMC is made to post what it tells, to whoever writes hints into the store; then posts is true at once.
	Hear(ctx context.Context, m inventory.Machine, hint func()) (posts bool, err error)
	// Forget makes a BMC post no more.
	Forget(ctx context.Context, m inventory.Machine) error
}

// How often BMCs are heard.
const (
	hintAfter  = 500 * time.Millisecond // what happens to a server is often told in several parts
	hintRest   = 20 * time.Second       // between two such looks at a server, however much its BMC tells
	hintsEvery = time.Second            // between two looks at what was posted
	hintQueue  = 1024
	earAgain   = 20 * time.Second // after a stream has ended
	earRenew   = 30 * time.Minute // after which it is seen whether a BMC still posts
	earRest    = 10 * time.Minute // after a failure
	earDeaf    = 24 * time.Hour   // a new firmware may have learned it
	earsOpen   = 16               // BMCs that are asked for their events at a time
	earsMost   = 1 << 20          // that are heard
)

// ear is what is known of hearing one BMC.
type ear struct {
	quiet context.CancelFunc // ends the hearing; nil: nobody hears it
	due   time.Time          // when it is to be heard again
	posts bool
}

// hint says that a machine should be looked at soon. One that is lost is looked at in its turn.
func (w *Watch) hint(machineID string) {
	select {
	case w.hints <- machineID:
	default:
	}
}

// posted takes the hints of the store.
func (w *Watch) posted(ctx context.Context) {
	for sleep(ctx, hintsEvery) == nil {
		ids, err := w.o.Store.TakeHints(ctx)
		if err != nil && ctx.Err() == nil {
			w.o.Log.Warn("reading which BMCs told of something", "err", err)
		}
		for _, id := range ids {
			w.hint(id)
		}
	}
}

// sooner lets a server be looked at soon, since its BMC has told of something.
func (p *patient) sooner(now time.Time) {
	at := now.Add(hintAfter)
	if rested := p.early.Add(hintRest); rested.After(at) {
		at = rested
	}
	if at.Before(p.due) {
		p.due, p.early = at, at
	}
}

// heard is the end of hearing a BMC, for now.
type heard struct {
	p     *patient
	posts bool
	rest  time.Duration
}

// hear begins to hear a BMC that was well when it was last looked at, unless it is heard.
func (w *Watch) hear(ctx context.Context, inside *sync.WaitGroup, ended chan<- heard, p *patient) {
	if w.o.Ears == nil || p.ear.quiet != nil || !p.well || time.Now().Before(p.ear.due) {
		return
	}
	hearing, quiet := context.WithCancel(ctx)
	p.ear.quiet = quiet
	m := p.machine
	inside.Go(func() {
		defer quiet()
		leave, err := w.ears.Enter(hearing) // a stream that is open gives its place on
		if err != nil {
			return // the end of all
		}
		defer leave()
		posts, err := w.o.Ears.Hear(hearing, m, func() { w.hint(m.ID) })
		h := heard{p: p, posts: posts, rest: earAgain}
		switch {
		case errors.Is(err, ErrDeaf):
			h.rest = earDeaf
		case err != nil:
			h.rest = earRest
			if hearing.Err() == nil {
				w.o.Log.Debug("hearing what a BMC tells", "machine", m.Name, "err", err)
			}
		case posts:
			h.rest = earRenew
		default:
			w.hint(m.ID) // the end of a stream tells something, too
		}
		select {
		case ended <- h:
		case <-ctx.Done():
		}
	})
}

// forget stops hearing a BMC whose machine is looked after no more.
func (w *Watch) forget(ctx context.Context, inside *sync.WaitGroup, p *patient) {
	if p.ear.quiet != nil {
		p.ear.quiet()
	}
	if m := p.machine; p.ear.posts {
		inside.Go(func() {
			if err := w.o.Ears.Forget(ctx, m); err != nil && ctx.Err() == nil {
				w.o.Log.Debug("ending the subscription at a BMC", "machine", m.Name, "err", err)
			}
		})
	}
}
