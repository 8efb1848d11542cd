package bmc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"socle/inventory"
)

// protocol is one way of speaking to a controller. Only one of its sessions is open at a time.
type protocol interface {
	// open logs in for reading.
	open(ctx context.Context, t Target) (reader, error)
	// setPower does On, Off, Reset or Soft, without waiting for the server to follow.
	setPower(ctx context.Context, t Target, a Action) error
	// setBoot sets what overrides the usual order of boot devices.
	setBoot(ctx context.Context, t Target, o Override) error
}

// reader is a session, which mostly reads.
type reader interface {
	power(ctx context.Context) (inventory.Power, error)
	boot(ctx context.Context) (Override, error)
	probe(ctx context.Context) (Info, error)
	watcher
	updater
	hand
	keeper
	drives
	// close logs out, even when ctx has ended.
	close(ctx context.Context)
}

// direct looks, acts if needed, and reads back.
type direct struct {
	opts      Options
	protocols map[inventory.Protocol]protocol
}

func (d *direct) protocol(t Target) (protocol, error) {
	p := d.protocols[t.Protocol]
	if p == nil {
		return nil, fmt.Errorf("%w: unknown protocol %q, use %q, %q, %q or %q", ErrUnsupported, t.Protocol, inventory.IPMI, inventory.Redfish, inventory.PDU, inventory.Webhook)
	}
	return p, nil
}

// read opens a session for the length of f.
func read[T any](ctx context.Context, d *direct, t Target, f func(reader) (T, error)) (T, error) {
	var none T
	p, err := d.protocol(t)
	if err != nil {
		return none, err
	}
	r, err := p.open(ctx, t)
	if err != nil {
		return none, err
	}
	defer r.close(ctx)
	return f(r)
}

func (d *direct) Probe(ctx context.Context, t Target) (Info, error) {
	return read(ctx, d, t, func(r reader) (Info, error) { return r.probe(ctx) })
}

func (d *direct) Power(ctx context.Context, t Target) (inventory.Power, error) {
	return read(ctx, d, t, func(r reader) (inventory.Power, error) { return r.power(ctx) })
}

func (d *direct) SetPower(ctx context.Context, t Target, a Action) (inventory.Power, error) {
	now, err := read(ctx, d, t, func(r reader) (inventory.Power, error) { return a.powered()(r, ctx) })
	if err != nil {
		return inventory.PowerUnknown, err
	}
	switch a {
	case On:
		return d.turn(ctx, t, now, On, inventory.PowerOn)
	case Off:
		return d.turn(ctx, t, now, Off, inventory.PowerOff)
	case Cycle:
		return d.cycle(ctx, t, now)
	case Reset:
		if now != inventory.PowerOn {
			return now, fmt.Errorf("%w: the server is off and cannot be reset; switch it on", ErrUnsupported)
		}
		return d.act(ctx, t, Reset, inventory.PowerOn)
	case NMI:
		return d.interrupt(ctx, t, now)
	case Soft:
		if now == inventory.PowerOff {
			return now, nil
		}
		if err := d.protocols[t.Protocol].setPower(ctx, t, Soft); err != nil {
			return now, err
		}
		return d.Power(ctx, t)
	default:
		return now, fmt.Errorf("%w: unknown power action %q", ErrUnsupported, a)
	}
}

func (d *direct) turn(ctx context.Context, t Target, now inventory.Power, a Action, want inventory.Power) (inventory.Power, error) {
	if now == want {
		return now, nil
	}
	return d.act(ctx, t, a, want)
}

// conflictTries is how often a change is asked for that is answered with a conflict.
const conflictTries = 4

// act does one thing and waits until the power is as it must be then.
func (d *direct) act(ctx context.Context, t Target, a Action, want inventory.Power) (inventory.Power, error) {
	d.opts.Log.Info("changing power", "machine", t.Machine, "bmc", t.Address, "action", string(a))
	for try := 1; ; try++ {
		err := d.protocols[t.Protocol].setPower(ctx, t, a)
		if err == nil {
			break
		}
		// A controller that is at work says so (Launchpad 2162995), or that there is nothing to do.
		if !errors.Is(err, errConflict) || try == conflictTries || pause(ctx, time.Duration(try)*d.opts.OffTime/3) != nil {
			return inventory.PowerUnknown, err
		}
		if p, err := d.Power(ctx, t); err != nil || p == want && a != Reset {
			return p, err
		}
	}
	return until(ctx, d, t, d.opts.Settle, a.powered(), func(p inventory.Power) error {
		if p != want {
			return fmt.Errorf("the power is %s and not %s", p, want)
		}
		return nil
	})
}

// cycle is off and on rather than the protocols' own cycle: that one can be refused, can mean a mere reset, and
// cannot be read back.
func (d *direct) cycle(ctx context.Context, t Target, now inventory.Power) (inventory.Power, error) {
	if now == inventory.PowerOn {
		if p, err := d.act(ctx, t, Off, inventory.PowerOff); err != nil {
			return p, err
		}
		if err := pause(ctx, d.opts.OffTime); err != nil {
			return inventory.PowerOff, err
		}
	}
	return d.act(ctx, t, On, inventory.PowerOn)
}

// until reads in one session until check is content, with growing pauses, for at most settle; then it is
// ErrReadBack. A controller that falls silent meanwhile is asked again in a new session: some restart their
// services when the power changes.
func until[T any](ctx context.Context, d *direct, t Target, settle time.Duration, get func(reader, context.Context) (T, error), check func(T) error) (T, error) {
	start := time.Now()
	end := start.Add(settle)
	wait := 100 * time.Millisecond
	var last T
	var r reader
	defer func() {
		if r != nil {
			r.close(ctx)
		}
	}()
	for {
		var err error
		if r == nil {
			r, err = d.protocols[t.Protocol].open(ctx, t)
		}
		if err == nil {
			if last, err = get(r, ctx); err == nil {
				if err = check(last); err == nil {
					return last, nil
				}
				err = fmt.Errorf("%w: after %v %w", ErrReadBack, time.Since(start).Round(time.Millisecond), err)
			}
		}
		wait = min(wait, time.Until(end)) // the last look is at the very end
		if ctx.Err() != nil || errors.Is(err, ErrAuth) || errors.Is(err, ErrCertificate) || wait <= 0 {
			return last, err
		}
		if r != nil && !errors.Is(err, ErrReadBack) {
			r.close(ctx)
			r = nil
		}
		if pause(ctx, wait) != nil {
			return last, err
		}
		wait = min(2*wait, 2*time.Second)
	}
}

// pause waits, or returns ctx's error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
