package bmc

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// How a controller that does not answer is left alone.
const (
	strikes  = 3           // calls in a row that it does not answer
	longRest = time.Minute // at most; it doubles with each further strike
)

// breaker leaves controllers alone that do not answer: a dead one must not cost every caller the full time-out,
// and one that is overloaded recovers only in peace. When the rest is over, one call goes through to see
// (half-open), and the others are told to wait for it.
type breaker struct {
	rest time.Duration

	mu  sync.Mutex
	ill map[string]*illness // by address; gone as soon as the controller answers
}

type illness struct {
	strikes int
	rest    time.Duration
	until   time.Time
	asking  bool // one call sees whether it is back
}

func newBreaker(rest time.Duration) *breaker {
	return &breaker{rest: rest, ill: map[string]*illness{}}
}

func (b *breaker) call(ctx context.Context, t Target, _ op, next step) (any, error) {
	key := strings.ToLower(t.Address)
	if err := b.admit(key); err != nil {
		return nil, err
	}
	v, err := next(ctx)
	b.judge(key, err)
	return v, err
}

// admit lets a call through or says why not.
func (b *breaker) admit(key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.ill[key]
	switch now := time.Now(); {
	case i == nil || i.strikes < strikes:
		return nil
	case now.Before(i.until):
		return fmt.Errorf("%w: it did not %d times in a row and is left alone for another %v", ErrUnreachable, i.strikes, max(i.until.Sub(now).Round(time.Second), time.Second))
	case i.asking:
		return fmt.Errorf("%w: it did not %d times in a row, and another call is seeing whether it is back", ErrUnreachable, i.strikes)
	default:
		i.asking = true
		return nil
	}
}

// judge takes in how a call went. What the caller gave up says nothing of the controller.
func (b *breaker) judge(key string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.ill[key]
	if i != nil {
		i.asking = false
	}
	switch {
	case errors.Is(err, ErrBusy), errors.Is(err, context.Canceled):
	case err == nil, !errors.Is(err, ErrUnreachable) && !errors.Is(err, context.DeadlineExceeded):
		delete(b.ill, key)
	case i == nil:
		b.ill[key] = &illness{strikes: 1, rest: b.rest}
	default:
		if i.strikes++; i.strikes < strikes {
			return
		}
		// Many fall silent together, with their switch: they are not all asked again at the same moment.
		i.until = time.Now().Add(i.rest - rand.N(i.rest/4+1)) //nolint:gosec // it spreads load, it is no secret
		i.rest = min(2*i.rest, longRest)
	}
}
