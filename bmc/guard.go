package bmc

import (
	"context"
	"time"

	"socle/internal/secret"
)

// op is what the guards know of a call.
type op struct {
	doing string        // in words, to be followed by the name of the server: "reading the power of"
	limit time.Duration // how long it may take, waiting included
	hide  secret.Secret // a secret of the call besides the target's password
	power bool          // it is about the power, which a server without a BMC has too
	// anonymous calls log in nowhere.
	anonymous bool
}

// step is a call, or what is left of it inside a guard.
type step func(ctx context.Context) (any, error)

// guard is one rule that every call to a controller obeys: it calls next or gives a reason why not. A new verb
// of the driver gets all of them without another line.
type guard interface {
	call(ctx context.Context, t Target, o op, next step) (any, error)
}

// call runs f inside all guards.
func call[T any](ctx context.Context, d *Driver, t Target, o op, f func(context.Context) (T, error)) (T, error) {
	next := step(func(ctx context.Context) (any, error) { return f(ctx) })
	for i := len(d.guards) - 1; i >= 0; i-- {
		g, inner := d.guards[i], next
		next = func(ctx context.Context) (any, error) { return g.call(ctx, t, o, inner) }
	}
	v, err := next(ctx)
	typed, _ := v.(T) // nothing, when a guard let nothing through
	return typed, err
}
