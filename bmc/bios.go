package bmc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"socle/inventory"
)

// tuner is a session that can see to the settings of the server's firmware. IPMI has no words for them.
type tuner interface {
	// bios reads all settings, and whether a job that setBios has returned is over; empty: there is none. Without the
	// registry it reads the values alone.
	bios(ctx context.Context, job string, registry bool) (inventory.Bios, error)
	// setBios orders settings for the next boot, instead of those of a job that it returned earlier. The job is the
	// controller's own; empty: it needs none.
	setBios(ctx context.Context, want inventory.Values, replaces string) (job string, err error)
	// pendingBios reads what is in force and what waits for the next boot.
	pendingBios(ctx context.Context) (now, pending inventory.Values, err error)
}

// tuning calls f where the protocol knows settings.
func tuning[T any](r reader, f func(tuner) (T, error)) (T, error) {
	t, ok := r.(tuner)
	if !ok {
		var none T
		return none, fmt.Errorf("%w: IPMI has no words for settings; give this BMC the protocol redfish in the manifest if it speaks that", ErrUnsupported)
	}
	return f(t)
}

// Bios reads the settings of the server's firmware with what may be in them. A job is one that SetBios has returned, to
// learn whether it is over; else empty.
func (d *Driver) Bios(ctx context.Context, t Target, job string) (inventory.Bios, error) {
	return d.bios(ctx, t, job, true)
}

// BiosValues is Bios without what may be in the settings, which is most of what there is to read.
func (d *Driver) BiosValues(ctx context.Context, t Target, job string) (inventory.Bios, error) {
	return d.bios(ctx, t, job, false)
}

func (d *Driver) bios(ctx context.Context, t Target, job string, registry bool) (inventory.Bios, error) {
	return call(ctx, d, t, op{doing: "reading the firmware settings of", limit: d.opts.VitalsTimeout}, func(ctx context.Context) (inventory.Bios, error) {
		return read(ctx, d.plain, t, func(r reader) (inventory.Bios, error) {
			return tuning(r, func(s tuner) (inventory.Bios, error) { return s.bios(ctx, job, registry) })
		})
	})
}

// SetBios orders settings for the server's next boot and reads back that they wait for it, or are in force already. The
// values are those that inventory.Bios.Check returns. It replaces an order of which it returned the job, where the
// controller does not take two. It reboots nothing.
func (d *Driver) SetBios(ctx context.Context, t Target, want inventory.Values, replaces string) (job string, err error) {
	return call(ctx, d, t, op{doing: "setting the firmware of", limit: d.opts.WriteTimeout}, func(ctx context.Context) (string, error) {
		d.opts.Log.Info("setting firmware", "machine", t.Machine, "bmc", t.Address, "settings", slices.Sorted(maps.Keys(want)))
		err := d.plain.insist(ctx, func() error {
			job, err = read(ctx, d.plain, t, func(r reader) (string, error) {
				return tuning(r, func(s tuner) (string, error) { return s.setBios(ctx, want, replaces) })
			})
			return err
		})
		if err != nil {
			return "", err
		}
		_, err = until(ctx, d.plain, t, d.opts.BootSettle, unapplied(want), func(missing []string) error {
			if len(missing) > 0 {
				return fmt.Errorf("it shows no change of %s for the next boot", strings.Join(missing, ", "))
			}
			return nil
		})
		return job, err
	})
}

// unapplied reads which settings are neither in force nor waiting for the next boot as they are wanted.
func unapplied(want inventory.Values) func(reader, context.Context) ([]string, error) {
	return func(r reader, ctx context.Context) ([]string, error) {
		return tuning(r, func(s tuner) ([]string, error) {
			now, pending, err := s.pendingBios(ctx)
			if err != nil {
				return nil, err
			}
			var missing []string
			for _, name := range slices.Sorted(maps.Keys(want)) {
				next, waits := pending[name]
				if !waits {
					next = now[name]
				}
				if next != want[name] {
					missing = append(missing, name)
				}
			}
			return missing, nil
		})
	}
}

// insist asks for a change again that is answered with a conflict: a controller that is at work says so, and stops.
func (d *direct) insist(ctx context.Context, f func() error) error {
	for try := 1; ; try++ {
		err := f()
		if !errors.Is(err, errConflict) || try == conflictTries || pause(ctx, time.Duration(try)*d.opts.OffTime/3) != nil {
			return err
		}
	}
}
