package bmc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"socle/inventory"
)

// NMI interrupts the server's processors, so that its operating system writes a crash dump, where it is set up to.
const NMI Action = "nmi"

// fatal tells errors after which the session is of no more use.
func fatal(err error) bool {
	return errors.Is(err, ErrAuth) || errors.Is(err, ErrCertificate) || errors.Is(err, ErrUnreachable) || errors.Is(err, ErrBusy)
}

// change does something in one session.
func (d *Driver) change(ctx context.Context, t Target, o op, f func(context.Context, reader) error) error {
	o.limit = d.opts.WriteTimeout
	_, err := call(ctx, d, t, o, func(ctx context.Context) (struct{}, error) {
		return read(ctx, d.plain, t, func(r reader) (struct{}, error) { return struct{}{}, f(ctx, r) })
	})
	return err
}

// Locator tells whether the locator light is on; LocatorUnknown when the controller cannot say.
func (d *Driver) Locator(ctx context.Context, t Target) (inventory.Locator, error) {
	return call(ctx, d, t, op{doing: "reading the locator light of", limit: d.opts.ReadTimeout}, func(ctx context.Context) (inventory.Locator, error) {
		return read(ctx, d.plain, t, func(r reader) (inventory.Locator, error) { return r.locator(ctx) })
	})
}

// Locate switches the locator light on or off, and reads back what it shows. A time that IPMI can hold (255 s) is
// given to the controller too, which then switches the light off by itself; for a longer one, and over Redfish, the
// caller has to call again. Zero is without end.
func (d *Driver) Locate(ctx context.Context, t Target, on bool, last time.Duration) (inventory.Locator, error) {
	doing := "switching off the locator light of"
	want := inventory.LocatorOff
	if on {
		doing, want = "switching on the locator light of", inventory.LocatorOn
	}
	return call(ctx, d, t, op{doing: doing, limit: d.opts.WriteTimeout}, func(ctx context.Context) (inventory.Locator, error) {
		_, err := read(ctx, d.plain, t, func(r reader) (bool, error) { return r.locate(ctx, on, last) })
		if err != nil {
			return inventory.LocatorUnknown, err
		}
		return until(ctx, d.plain, t, d.opts.BootSettle, reader.locator, func(l inventory.Locator) error {
			if l != want && l != inventory.LocatorUnknown {
				return fmt.Errorf("the locator light is %s and not %s", l, want)
			}
			return nil
		})
	})
}

// ResetBMC makes the controller itself start again and waits until it answers, at most for ResetTimeout. The server
// goes on. Other calls to this controller wait meanwhile.
func (d *Driver) ResetBMC(ctx context.Context, t Target) error {
	_, err := call(ctx, d, t, op{doing: "restarting the BMC of", limit: d.opts.ResetTimeout}, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, d.plain.resetBMC(ctx, t)
	})
	return err
}

func (d *direct) resetBMC(ctx context.Context, t Target) error {
	d.opts.Log.Info("restarting BMC", "machine", t.Machine, "bmc", t.Address)
	_, err := read(ctx, d, t, func(r reader) (struct{}, error) { return struct{}{}, r.restart(ctx) })
	if err != nil {
		return err
	}
	return d.back(ctx, t)
}

// back waits until a controller has been away and answers again. One that was never seen to be away counts as back
// after AwayTime: some are gone for less than a second. While it starts, a controller may refuse a login that is
// right: that is borne once, after a while, and no more, since it could be counted as a wrong one.
func (d *direct) back(ctx context.Context, t Target) error {
	start, away, refused := time.Now(), false, 0
	for {
		limit, cancel := context.WithTimeout(ctx, d.opts.ReadTimeout)
		_, err := d.Power(limit, t)
		cancel()
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("%w: it took the order to restart and is not back", ErrUnreachable)
		case err == nil && (away || time.Since(start) >= d.opts.AwayTime):
			return nil
		case errors.Is(err, ErrCertificate):
			return err
		case errors.Is(err, ErrAuth):
			if refused++; refused >= maxRefused {
				return err
			}
			if err := pause(ctx, d.opts.AwayTime); err != nil {
				return err
			}
		case err != nil:
			away = true
		}
		if err := pause(ctx, d.opts.AwayTime/20); err != nil {
			return fmt.Errorf("%w: it took the order to restart and is not back", ErrUnreachable)
		}
	}
}

// interrupt does NMI.
func (d *direct) interrupt(ctx context.Context, t Target, now inventory.Power) (inventory.Power, error) {
	if now != inventory.PowerOn {
		return now, fmt.Errorf("%w: the server is off and cannot be interrupted; switch it on", ErrUnsupported)
	}
	d.opts.Log.Info("interrupting", "machine", t.Machine, "bmc", t.Address)
	return read(ctx, d, t, func(r reader) (inventory.Power, error) {
		if err := r.nmi(ctx); err != nil {
			return now, err
		}
		return r.power(ctx)
	})
}
