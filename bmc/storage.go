package bmc

import (
	"context"
	"fmt"
	"strings"

	"socle/inventory"
)

// storer is a session that can see to drives and volumes.
type storer interface {
	// storage lists the controllers with what is behind them, and the serial of the server.
	storage(ctx context.Context) (serial string, all []inventory.Storage, err error)
	// store does what a task says, to drives and a volume that were found just now.
	store(ctx context.Context, t inventory.StorageTask, at inventory.Storage, drives []inventory.Drive) (job string, err error)
	// outcome tells whether a job is over, and as an error that it failed.
	outcome(ctx context.Context, job string) (over bool, err error)
}

// storing calls f where the protocol knows drives.
func storing[T any](r reader, f func(storer) (T, error)) (T, error) {
	s, ok := r.(storer)
	if !ok {
		var none T
		return none, fmt.Errorf("%w: IPMI has no words for drives; give this BMC the protocol redfish in the manifest if it speaks that", ErrUnsupported)
	}
	return f(s)
}

// Storage lists the storage controllers of a server, with their drives and volumes.
func (d *Driver) Storage(ctx context.Context, t Target) ([]inventory.Storage, error) {
	return call(ctx, d, t, op{doing: "listing the drives of", limit: d.opts.VitalsTimeout}, func(ctx context.Context) ([]inventory.Storage, error) {
		return read(ctx, d.plain, t, func(r reader) ([]inventory.Storage, error) {
			return storing(r, func(s storer) ([]inventory.Storage, error) {
				_, all, err := s.storage(ctx)
				return all, err
			})
		})
	})
}

// Store carries out a task on drives or a volume, once and without trying again, and returns the controller's job for
// it; empty: it is done. In the same session it looks first, and refuses with inventory.ErrTarget when the server, a drive or the
// volume is not the one that the task names.
func (d *Driver) Store(ctx context.Context, t Target, task inventory.StorageTask) (job string, err error) {
	return call(ctx, d, t, op{doing: "changing the drives (" + string(task.Kind) + ") of", limit: d.opts.WriteTimeout}, func(ctx context.Context) (string, error) {
		return read(ctx, d.plain, t, func(r reader) (string, error) {
			return storing(r, func(s storer) (string, error) {
				serial, all, err := s.storage(ctx)
				if err != nil {
					return "", err
				}
				if serial == "" || !strings.EqualFold(serial, task.Serial) {
					return "", fmt.Errorf("%w: its server has serial %q and not %q", inventory.ErrTarget, serial, task.Serial)
				}
				at, drives, err := task.Find(all)
				if err != nil {
					return "", err
				}
				d.opts.Log.Warn("changing drives", "machine", t.Machine, "bmc", t.Address, "what", string(task.Kind), "drives", task.Drives, "volume", task.Volume)
				return s.store(ctx, task, at, drives)
			})
		})
	})
}

// Stored is what came of a task: whether it is over, and what the drives are like then.
type Stored struct {
	Over    bool
	Failed  string // why it failed, as the controller says; empty: it did not
	Storage []inventory.Storage
}

// StoreOutcome looks what came of a task by the job that Store returned.
func (d *Driver) StoreOutcome(ctx context.Context, t Target, job string) (Stored, error) {
	return call(ctx, d, t, op{doing: "looking at the drives of", limit: d.opts.VitalsTimeout}, func(ctx context.Context) (Stored, error) {
		return read(ctx, d.plain, t, func(r reader) (Stored, error) {
			return storing(r, func(s storer) (st Stored, err error) {
				if st.Over, err = s.outcome(ctx, job); err != nil {
					if fatal(err) || ctx.Err() != nil {
						return st, err
					}
					st.Over, st.Failed = true, clean(err.Error(), t.Password)
				}
				if st.Over {
					_, st.Storage, err = s.storage(ctx)
				}
				return st, err
			})
		})
	})
}
