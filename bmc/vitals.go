package bmc

import (
	"context"
	"fmt"
	"time"

	"socle/inventory"
)

// Bounds of what one controller may tell: one that lies must not fill the memory.
const (
	maxSensors    = 512
	maxLogEntries = 1000 // of one reading; the next goes on where it ended
	maxComponents = 256
)

// watcher is what a session reads of how the server is.
type watcher interface {
	// sensors reads every sensor and every part that can fail, with their thresholds.
	sensors(ctx context.Context) ([]inventory.Sensor, error)
	// watts is what the server draws; nil when the controller does not measure it.
	watts(ctx context.Context) (*float64, error)
	// eventLog reads what has come since the mark, the oldest first and maxLogEntries at most. With the zero mark
	// and newest it reads only the last entry, to begin there.
	eventLog(ctx context.Context, since inventory.LogMark, newest bool) ([]inventory.LogEntry, inventory.LogMark, error)
	firmware(ctx context.Context) ([]inventory.Component, error)
	locator(ctx context.Context) (inventory.Locator, error)
}

// powered is a session whose protocol tells what power supplies are.
type powered interface {
	// powerSupplies are those that the sensors named, with what they are; none before sensors was called.
	powerSupplies() []inventory.Supply
}

// hand is what a session changes besides power and boot.
type hand interface {
	// locate switches the locator light. With a time the light may be left to go out by itself, where the protocol
	// knows that; it says whether it will.
	locate(ctx context.Context, on bool, last time.Duration) (byItself bool, err error)
	clearLog(ctx context.Context) error
	// restart makes the controller start again; the server goes on.
	restart(ctx context.Context) error
	nmi(ctx context.Context) error
}

// Sensors reads all sensors of a server, and the health of its parts that have none.
func (d *Driver) Sensors(ctx context.Context, t Target) ([]inventory.Sensor, error) {
	return call(ctx, d, t, op{doing: "reading the sensors of", limit: d.opts.VitalsTimeout}, func(ctx context.Context) ([]inventory.Sensor, error) {
		return read(ctx, d.plain, t, func(r reader) ([]inventory.Sensor, error) { return r.sensors(ctx) })
	})
}

// PowerDraw reads what the server draws at this moment, in watts.
func (d *Driver) PowerDraw(ctx context.Context, t Target) (float64, error) {
	return call(ctx, d, t, op{doing: "reading the power draw of", limit: d.opts.ReadTimeout}, func(ctx context.Context) (float64, error) {
		w, err := read(ctx, d.plain, t, func(r reader) (*float64, error) { return r.watts(ctx) })
		if err == nil && w == nil {
			err = fmt.Errorf("%w: it does not measure what its server draws", ErrUnsupported)
		}
		if err != nil {
			return 0, err
		}
		return *w, nil
	})
}

// EventLog reads the controller's own log from a mark on, the oldest entries first, and where to go on. It reads at
// most 1000 entries at a time: there are more when it returned as many.
func (d *Driver) EventLog(ctx context.Context, t Target, since inventory.LogMark) ([]inventory.LogEntry, inventory.LogMark, error) {
	type part struct {
		entries []inventory.LogEntry
		mark    inventory.LogMark
	}
	p, err := call(ctx, d, t, op{doing: "reading the event log of", limit: d.opts.VitalsTimeout}, func(ctx context.Context) (part, error) {
		return read(ctx, d.plain, t, func(r reader) (p part, err error) {
			p.entries, p.mark, err = r.eventLog(ctx, since, false)
			return p, err
		})
	})
	return p.entries, p.mark, err
}

// ClearLog empties the controller's own log. What was in it is gone.
func (d *Driver) ClearLog(ctx context.Context, t Target) error {
	return d.change(ctx, t, op{doing: "clearing the event log of"}, func(ctx context.Context, r reader) error { return r.clearLog(ctx) })
}

// Firmware lists the firmware of the server with the versions that run.
func (d *Driver) Firmware(ctx context.Context, t Target) ([]inventory.Component, error) {
	return call(ctx, d, t, op{doing: "reading the firmware of", limit: d.opts.VitalsTimeout}, func(ctx context.Context) ([]inventory.Component, error) {
		return read(ctx, d.plain, t, func(r reader) ([]inventory.Component, error) { return r.firmware(ctx) })
	})
}

// Vitals reads in one session all that tells how a server is: for a poller. Of the log it reads what has come since
// the mark, and with the zero mark only where it ends. What a controller cannot tell is missing and named in Notes;
// it is an error when it can tell nothing.
func (d *Driver) Vitals(ctx context.Context, t Target, since inventory.LogMark) (inventory.Vitals, error) {
	return call(ctx, d, t, op{doing: "looking after", limit: d.opts.VitalsTimeout, power: true}, func(ctx context.Context) (inventory.Vitals, error) {
		return read(ctx, d.plain, t, func(r reader) (inventory.Vitals, error) { return vitals(ctx, t, r, since) })
	})
}

func vitals(ctx context.Context, t Target, r reader, since inventory.LogMark) (v inventory.Vitals, err error) {
	if v.Power, err = r.power(ctx); err != nil {
		return v, err // the one that every controller can tell
	}
	v.Mark = since
	if t.Protocol.PowerOnly() {
		return v, nil
	}
	for _, part := range []struct {
		name string
		read func() error
	}{
		{"sensors", func() (err error) { v.Sensors, err = r.sensors(ctx); return err }},
		{"power draw", func() (err error) { v.Watts, err = r.watts(ctx); return err }},
		{"locator light", func() (err error) { v.Locator, err = r.locator(ctx); return err }},
		{"event log", func() (err error) {
			entries, mark, err := r.eventLog(ctx, since, since.IsZero())
			if err == nil {
				v.Mark = mark
			}
			if !since.IsZero() {
				v.Log = entries
			}
			return err
		}},
		{"neighbours", func() (err error) {
			if l, ok := r.(listener); ok {
				v.Heard, err = l.heard(ctx)
			}
			return err
		}},
	} {
		if err := part.read(); ctx.Err() != nil {
			return v, ctx.Err()
		} else if fatal(err) {
			return v, err
		} else if err != nil {
			v.Notes = append(v.Notes, part.name+": "+clean(err.Error(), t.Password))
		}
	}
	if p, ok := r.(powered); ok {
		v.PSUs = p.powerSupplies()
	}
	return v, nil
}
