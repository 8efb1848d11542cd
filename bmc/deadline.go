package bmc

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// deadline ends every call in time. The libraries do not all obey their context: the call runs in a goroutine
// of its own, and its caller is answered at the deadline whether the library has returned or not. What is
// left behind ends soon, because its connections and processes are bound to the context as well.
type deadline struct{}

func (deadline) call(ctx context.Context, _ Target, o op, next step) (any, error) {
	return within(ctx, o.limit, next)
}

// margin is how much earlier the inside has to end than the caller is answered, so that it can say itself
// what it was waiting for.
const margin = 100 * time.Millisecond

// within calls f and returns when f does or the time is up, whichever comes first.
func within(ctx context.Context, limit time.Duration, f step) (any, error) {
	type result struct {
		value any
		err   error
	}
	start := time.Now()
	if at, ok := ctx.Deadline(); ok {
		limit = min(limit, at.Sub(start))
	}
	outer, cancelOuter := context.WithTimeout(ctx, limit)
	defer cancelOuter()
	inner, cancelInner := context.WithTimeout(ctx, limit-min(margin, limit/10))
	done := make(chan result, 1)
	go func() { // owned by this call: inner ends it
		defer cancelInner()
		var r result
		defer func() {
			if p := recover(); p != nil { // foreign answers have made libraries panic
				r.err = fmt.Errorf("the BMC's answer broke the library that reads it: %v", p)
			}
			done <- r
		}()
		r.value, r.err = f(inner)
	}()
	var r result
	select {
	case r = <-done:
	case <-outer.Done():
		cancelInner()
		r.err = outer.Err()
	}
	over := ctx.Err() != nil || errors.Is(inner.Err(), context.DeadlineExceeded) || errors.Is(r.err, context.DeadlineExceeded)
	if r.err != nil && over && sentinelFree(r.err) {
		r.err = timedOut(ctx, limit, r.err)
	}
	return r.value, r.err
}

func sentinelFree(err error) bool {
	for _, r := range remedies {
		if errors.Is(err, r.kind) {
			return false
		}
	}
	return true
}

// timedOut says whether the caller gave up or the controller was too slow.
func timedOut(ctx context.Context, limit time.Duration, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("stopped: %w", context.Cause(ctx))
	}
	return fmt.Errorf("%w: not done within %v%w", ErrUnreachable, limit.Round(time.Millisecond), quiet{err})
}

// quiet keeps an error in the chain whose text would only repeat that the time is up.
type quiet struct{ error }

func (quiet) Error() string { return "" }
func (q quiet) Unwrap() error {
	return q.error
}
