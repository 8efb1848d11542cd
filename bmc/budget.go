package bmc

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// budget bounds the calls to each controller: some freeze under a burst of commands and stay so until somebody
// pulls their plug. A call waits for its turn in the budget; one that would wait beyond its time is refused.
type budget struct {
	burst int
	pace  time.Duration

	mu sync.Mutex
	by map[string]*rate.Limiter // by address
}

func newBudget(burst int, pace time.Duration) *budget {
	return &budget{burst: burst, pace: pace, by: map[string]*rate.Limiter{}}
}

func (b *budget) call(ctx context.Context, t Target, _ op, next step) (any, error) {
	if err := b.limiter(strings.ToLower(t.Address)).Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w: it was called %d times in short order, and one call every %v is what it gets now", ErrBusy, b.burst, b.pace)
	}
	return next(ctx)
}

// manyLimiters is how many are kept; beyond it, those that are full again are forgotten.
const manyLimiters = 4096

func (b *budget) limiter(key string) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.by[key]
	if l == nil {
		if len(b.by) >= manyLimiters {
			for k, l := range b.by {
				if l.Tokens() >= float64(b.burst) {
					delete(b.by, k)
				}
			}
		}
		l = rate.NewLimiter(rate.Every(b.pace), b.burst)
		b.by[key] = l
	}
	return l
}
