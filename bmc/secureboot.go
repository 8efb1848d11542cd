package bmc

import (
	"context"
	"fmt"

	"socle/inventory"
)

// secured is a session that can see to Secure Boot.
type secured interface {
	// secureBoot reads the state, and with keys what is in the databases.
	secureBoot(ctx context.Context, keys bool) (inventory.SecureBoot, error)
	setSecureBoot(ctx context.Context, on bool) error
	resetKeys(ctx context.Context, k inventory.KeyReset) error
}

// securing calls f where the protocol knows Secure Boot.
func securing[T any](r reader, f func(secured) (T, error)) (T, error) {
	s, ok := r.(secured)
	if !ok {
		var none T
		return none, fmt.Errorf("%w: IPMI has no words for Secure Boot; give this BMC the protocol redfish in the manifest if it speaks that", ErrUnsupported)
	}
	return f(s)
}

// SecureBoot reads the state of Secure Boot, and with keys also what is in its databases, where the BMC shows them.
func (d *Driver) SecureBoot(ctx context.Context, t Target, keys bool) (inventory.SecureBoot, error) {
	return call(ctx, d, t, op{doing: "reading the Secure Boot state of", limit: d.opts.VitalsTimeout}, func(ctx context.Context) (inventory.SecureBoot, error) {
		return read(ctx, d.plain, t, func(r reader) (inventory.SecureBoot, error) {
			return securing(r, func(s secured) (inventory.SecureBoot, error) { return s.secureBoot(ctx, keys) })
		})
	})
}

// SetSecureBoot switches Secure Boot on or off for the boots from the next one on, and reads back what is to be.
func (d *Driver) SetSecureBoot(ctx context.Context, t Target, on bool) error {
	return d.secure(ctx, t, "switching Secure Boot of", func(ctx context.Context, s secured) error { return s.setSecureBoot(ctx, on) }, func(sb inventory.SecureBoot) error {
		if sb.Enabled != on {
			return fmt.Errorf("it shows Secure Boot as %s at the next boot", map[bool]string{true: "enabled", false: "disabled"}[sb.Enabled])
		}
		return nil
	})
}

// ResetKeys does something to all keys of Secure Boot. It is done at the next boot by some controllers and at once by
// others, so that only the mode at a later look tells.
func (d *Driver) ResetKeys(ctx context.Context, t Target, k inventory.KeyReset) error {
	return d.secure(ctx, t, "resetting the Secure Boot keys of", func(ctx context.Context, s secured) error { return s.resetKeys(ctx, k) }, nil)
}

// secure changes something of Secure Boot and looks whether the check is content.
func (d *Driver) secure(ctx context.Context, t Target, doing string, f func(context.Context, secured) error, check func(inventory.SecureBoot) error) error {
	_, err := call(ctx, d, t, op{doing: doing, limit: d.opts.WriteTimeout}, func(ctx context.Context) (struct{}, error) {
		d.opts.Log.Info(doing, "machine", t.Machine, "bmc", t.Address)
		err := d.plain.insist(ctx, func() error {
			_, err := read(ctx, d.plain, t, func(r reader) (struct{}, error) {
				return securing(r, func(s secured) (struct{}, error) { return struct{}{}, f(ctx, s) })
			})
			return err
		})
		if err != nil || check == nil {
			return struct{}{}, err
		}
		_, err = until(ctx, d.plain, t, d.opts.BootSettle, func(r reader, ctx context.Context) (inventory.SecureBoot, error) {
			return securing(r, func(s secured) (inventory.SecureBoot, error) { return s.secureBoot(ctx, false) })
		}, check)
		return struct{}{}, err
	})
	return err
}
