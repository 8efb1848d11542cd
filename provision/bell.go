package provision

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Times of the bell.
const (
	bellEvery = 2 * time.Second       // looks for what another replica did
	bellPause = 10 * time.Millisecond // between two looks: a thousand commits are seen at once
	bellTime  = 10 * time.Second      // that a look may take
)

// bellSource tells who has orders that wait.
type bellSource interface {
	Subscribe() (changes <-chan struct{}, cancel func())
	OrdersSince(ctx context.Context, num int64) (sessions []string, last int64, err error)
	EndedSince(ctx context.Context, at time.Time) (sessions []string, err error)
}

// bell wakes agents that wait for orders, each for its own. Without it every agent would have to look at every commit:
// with thousands of them that is all that the database would do. One goroutine looks for all, as long as anybody waits.
type bell struct {
	source bellSource
	log    *slog.Logger
	now    func() time.Time

	mu      sync.Mutex
	waiting map[string]map[chan struct{}]struct{} // by session
	quit    chan struct{}                         // closed when nobody waits any more; nil: nobody does
}

func newBell(source bellSource, log *slog.Logger, now func() time.Time) *bell {
	return &bell{source: source, log: log, now: now, waiting: map[string]map[chan struct{}]struct{}{}}
}

// wait returns what rings when there may be an order for a session, or the session has ended. Who waits looks once by
// itself, after this call. cancel ends it.
func (b *bell) wait(ctx context.Context, session string) (ring <-chan struct{}, cancel func()) {
	c := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting[session] == nil {
		b.waiting[session] = map[chan struct{}]struct{}{}
	}
	b.waiting[session][c] = struct{}{}
	if b.quit == nil {
		b.quit = make(chan struct{})
		changes, stop := b.source.Subscribe() // before the first look, so that nothing is missed
		go b.run(context.WithoutCancel(ctx), changes, stop, b.quit)
	}
	return c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if delete(b.waiting[session], c); len(b.waiting[session]) == 0 {
			delete(b.waiting, session)
		}
		if len(b.waiting) == 0 {
			close(b.quit)
			b.quit = nil
		}
	}
}

// run looks and rings until quit is closed.
func (b *bell) run(ctx context.Context, changes <-chan struct{}, stop func(), quit <-chan struct{}) {
	defer stop()
	tick := time.NewTicker(bellEvery)
	defer tick.Stop()
	breath := time.NewTimer(0)
	defer breath.Stop()
	var last int64
	for {
		since := b.now()
		if n, err := b.look(ctx, last); err == nil {
			last = n
		} else {
			b.log.Debug("looking which agents have orders", "err", err)
		}
		breath.Reset(bellPause)
		select {
		case <-quit:
			return
		case <-breath.C:
		}
		select {
		case <-quit:
			return
		case <-changes:
		case <-tick.C:
			if err := b.lookEnded(ctx, since.Add(-2*bellEvery)); err != nil {
				b.log.Debug("looking which sessions have ended", "err", err)
			}
		}
	}
}

// look rings for the sessions that got orders after the one with a number, and returns the number to go on from.
func (b *bell) look(ctx context.Context, after int64) (last int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, bellTime)
	defer cancel()
	sessions, last, err := b.source.OrdersSince(ctx, after)
	if err == nil {
		b.ring(sessions)
	}
	return last, err
}

func (b *bell) lookEnded(ctx context.Context, at time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, bellTime)
	defer cancel()
	sessions, err := b.source.EndedSince(ctx, at)
	if err == nil {
		b.ring(sessions)
	}
	return err
}

func (b *bell) ring(sessions []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range sessions {
		for c := range b.waiting[s] {
			select {
			case c <- struct{}{}:
			default: // it rings already
			}
		}
	}
}
