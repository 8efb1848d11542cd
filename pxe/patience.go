package pxe

import (
	"context"
	"sync"
	"time"
)

// patience is a context that ends after a time, like context.WithTimeout, but makes its timer when somebody waits for
// it. Nearly all boot decisions come from memory, and nobody waits.
type patience struct {
	context.Context
	until time.Time

	mu     sync.Mutex
	timed  context.Context
	cancel context.CancelFunc
}

func withPatience(ctx context.Context, d time.Duration) *patience {
	return &patience{Context: ctx, until: time.Now().Add(d)}
}

// Deadline implements context.Context.
func (p *patience) Deadline() (time.Time, bool) {
	if d, ok := p.Context.Deadline(); ok && d.Before(p.until) {
		return d, true
	}
	return p.until, true
}

// Done implements context.Context.
func (p *patience) Done() <-chan struct{} { return p.inner().Done() }

// Err implements context.Context.
func (p *patience) Err() error {
	p.mu.Lock()
	timed := p.timed
	p.mu.Unlock()
	switch {
	case timed != nil:
		return timed.Err()
	case p.Context.Err() != nil:
		return p.Context.Err()
	case !time.Now().Before(p.until):
		return p.inner().Err()
	default:
		return nil
	}
}

func (p *patience) inner() context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timed == nil {
		p.timed, p.cancel = context.WithDeadline(p.Context, p.until)
	}
	return p.timed
}

// end gives back what was made; nobody must wait any more.
func (p *patience) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timed == nil {
		p.timed, p.cancel = ended, func() {}
	}
	p.cancel()
}

// ended is a context that has ended.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()
