package bmc

import (
	"context"
	"errors"
	"fmt"
	"io"

	"socle/inventory"
)

// FirmwareFile is what a controller is to install.
type FirmwareFile struct {
	Name string // of the file; some controllers look at it
	URL  string // where the controller can fetch it; empty: nowhere
	// Open opens the file and tells its size in bytes, for controllers that do not fetch; nil: they cannot have it.
	Open func() (io.ReadSeekCloser, int64, error)
}

// TaskState is how a controller's long job stands.
type TaskState string

// The states of a task.
const (
	TaskRunning TaskState = "running"
	TaskPending TaskState = "pending" // it waits, mostly for the server's next boot
	TaskDone    TaskState = "done"
	TaskFailed  TaskState = "failed"
	TaskGone    TaskState = "gone" // the controller knows nothing of it any more: many forget tasks when they restart
)

// Task is a controller's long job (DMTF schema Task).
type Task struct {
	Path    string // by which it is asked for; empty: there is none
	State   TaskState
	Percent int
	Text    string // what the controller says of it
}

// updater is a session that can see to the firmware.
type updater interface {
	// managerHealth is that of the controller itself.
	managerHealth(ctx context.Context) (inventory.Health, error)
	// startUpdate orders the installation and returns the path of its task; empty: the controller names none.
	startUpdate(ctx context.Context, f FirmwareFile) (string, error)
	// task looks at a task; of an empty path, at the newest one that is not over.
	task(ctx context.Context, path string) (Task, error)
}

// LookAtFirmware reads in one session whose server it is, its power, its firmware, and how the controller itself is.
func (d *Driver) LookAtFirmware(ctx context.Context, t Target) (inventory.FirmwareLook, error) {
	return call(ctx, d, t, op{doing: "looking at the firmware of", limit: d.opts.VitalsTimeout}, func(ctx context.Context) (inventory.FirmwareLook, error) {
		return read(ctx, d.plain, t, func(r reader) (l inventory.FirmwareLook, err error) {
			info, err := r.probe(ctx)
			if err == nil {
				l.Power, err = r.power(ctx)
			}
			if err == nil {
				l.Components, err = r.firmware(ctx)
			}
			if err == nil {
				l.Health, err = r.managerHealth(ctx)
			}
			l.Vendor, l.Model, l.Serial = info.Vendor, info.Model, info.Serial
			return l, expelled(r, err)
		})
	})
}

// StartUpdate orders a controller to install firmware, and returns the task by which it can be followed; empty when the
// controller has none. It fetches the file where it can, else the file is pushed. What runs afterwards has to be looked at:
// this is the order alone. It is not repeated here, since the first one may be under way.
func (d *Driver) StartUpdate(ctx context.Context, t Target, f FirmwareFile) (task string, err error) {
	return call(ctx, d, t, op{doing: "updating firmware of", limit: d.opts.UpdateTimeout}, func(ctx context.Context) (string, error) {
		d.opts.Log.Info("updating firmware", "machine", t.Machine, "bmc", t.Address, "file", f.Name, "url", f.URL)
		return read(ctx, d.plain, t, func(r reader) (string, error) { return r.startUpdate(ctx, f) })
	})
}

// Task looks at a task of a controller; of an empty path, at the newest one that is not over: that has no path when
// there is none.
func (d *Driver) Task(ctx context.Context, t Target, path string) (Task, error) {
	return call(ctx, d, t, op{doing: "following a task of", limit: d.opts.ReadTimeout}, func(ctx context.Context) (Task, error) {
		return read(ctx, d.plain, t, func(r reader) (Task, error) {
			k, err := r.task(ctx, path)
			k.Text = clean(k.Text, t.Password)
			return k, expelled(r, err)
		})
	})
}

// expelled tells a controller that forgets a session, since it restarts, from one that refuses a login.
func expelled(r reader, err error) error {
	s, ok := r.(*redfishReader)
	if !ok || !errors.Is(err, ErrAuth) || errors.Is(err, errForbidden) {
		return err
	}
	if _, none := s.client.GetSession(); none != nil {
		return err // each question is a login
	}
	return fmt.Errorf("%w: it let us in and forgot it: it may be restarting", ErrUnreachable)
}

// AwaitBMC waits until a controller that restarts by itself answers again, at most for ResetTimeout. One that was not seen
// to be away counts as back after AwayTime.
func (d *Driver) AwaitBMC(ctx context.Context, t Target) error {
	_, err := call(ctx, d, t, op{doing: "waiting for the BMC of", limit: d.opts.ResetTimeout}, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, d.plain.back(ctx, t)
	})
	return err
}
