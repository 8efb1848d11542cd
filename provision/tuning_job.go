package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/riverqueue/river"

	"socle/inventory"
)

// TuningPauses are those of who waits for settings to come into force. Zero values take the defaults.
type TuningPauses struct {
	Tell time.Duration // after which an order that was written down and not told is told again; default 3 min
	Boot time.Duration // between looks after a boot that was ordered; default 15 s
	Idle time.Duration // between looks while nobody boots the machine; default 5 min
	// Lost is how long settings may be neither in force nor waiting, while the firmware comes up; default 10 min.
	Lost time.Duration
}

func (p TuningPauses) withDefaults() TuningPauses {
	for _, d := range []struct {
		value *time.Duration
		byDef time.Duration
	}{{&p.Tell, 3 * time.Minute}, {&p.Boot, 15 * time.Second}, {&p.Idle, 5 * time.Minute}, {&p.Lost, 10 * time.Minute}} {
		if *d.value == 0 {
			*d.value = d.byDef
		}
	}
	return p
}

// bootPatience is how long after a boot that was ordered it is looked often, and how long that may take at all.
const bootPatience = 30 * time.Minute

// tune does the next thing for settings that wait and says when to look again; 0: it is over, or waits for a person.
func (e *Engine) tune(ctx context.Context, id string) (time.Duration, error) {
	for {
		m, err := e.Store.Machine(ctx, id)
		if errors.Is(err, inventory.ErrNotFound) || err == nil && !waitsForSettings(&m) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		again, err := e.tuneOnce(ctx, &m)
		var f *Failure
		switch {
		case errors.Is(err, errStale):
			if err := ctx.Err(); err != nil {
				return 0, err
			}
		case errors.As(err, &f):
			return e.hinderTuning(ctx, &m, f)
		case err != nil || again > 0:
			return again, err
		}
	}
}

// waitsForSettings tells whether there is something to do for a machine's settings.
func waitsForSettings(m *inventory.Machine) bool {
	return m.Tuning != nil && m.Tuning.Stopped.IsZero() && !m.Held()
}

// tuneOnce goes one step on; 0 without an error: look again at once.
func (e *Engine) tuneOnce(ctx context.Context, m *inventory.Machine) (time.Duration, error) {
	t := m.Tuning
	if t.Taken.IsZero() {
		if rest := t.At.Add(e.Pauses.Tell).Sub(e.Now()); rest > 0 {
			return min(rest, e.Pauses.Boot), nil // who ordered it is about to tell it
		}
		if err := e.tellAll(ctx, m); err != nil {
			return 0, err
		}
		return 0, e.taken(ctx, m, t)
	}
	if t.Reboot && m.Op != nil && m.Op.On.IsZero() && m.State.Stable() {
		return e.Pauses.Boot, e.powerCycle(ctx, m)
	}
	diff, busy, err := e.unsettled(ctx, m)
	if err != nil {
		return 0, err
	}
	return e.judge(ctx, m, diff, busy)
}

// tellAll tells the BMC all that was ordered. What it knows already changes nothing.
func (e *Engine) tellAll(ctx context.Context, m *inventory.Machine) (err error) {
	t := m.Tuning
	if len(t.Want) > 0 {
		t.Job, err = e.Firmware.SetBios(ctx, *m, t.Want, t.Job)
	}
	if err == nil && t.SecureBoot != nil {
		err = e.Firmware.SetSecureBoot(ctx, *m, *t.SecureBoot)
	}
	if err == nil && t.Keys != "" {
		err = e.Firmware.ResetKeys(ctx, *m, t.Keys)
	}
	return err
}

// unsettled looks what of an order is not in force, and whether the BMC works at it.
func (e *Engine) unsettled(ctx context.Context, m *inventory.Machine) (diff []inventory.Difference, busy bool, err error) {
	t := m.Tuning
	if len(t.Want) > 0 {
		b, err := e.Firmware.BiosValues(ctx, *m, t.Job)
		if err != nil {
			return nil, false, err
		}
		diff, busy = b.Diff(t.Want), b.Busy
	}
	if t.SecureBoot == nil && t.Keys == "" {
		return diff, busy, nil
	}
	sb, err := e.Firmware.SecureBoot(ctx, *m, false)
	if err == nil {
		diff = append(diff, sb.Diff(t.SecureBoot, t.Keys)...)
	}
	return diff, busy, err
}

// judge says of settings that the BMC has taken what became of them.
func (e *Engine) judge(ctx context.Context, m *inventory.Machine, diff []inventory.Difference, busy bool) (time.Duration, error) {
	t, now := m.Tuning, e.Now()
	var lost []string
	for _, d := range diff {
		if d.Pending != d.Want {
			lost = append(lost, fmt.Sprintf("%s is %s and not %s", d.Name, inventory.ShownValue(d.Now), inventory.ShownValue(d.Want)))
		}
	}
	booted := t.Reboot && m.Op != nil && now.Sub(m.Op.On) < bootPatience
	switch {
	case len(diff) == 0 && !busy:
		return 0, e.settled(ctx, m)
	case busy || len(lost) == 0:
		if booted {
			return e.Pauses.Boot, nil
		}
		if t.Reboot && t.Problem == "" {
			return e.Pauses.Idle, e.noteTuning(ctx, m, fmt.Sprintf("they are not in force %v after the boot that was to bring them", bootPatience))
		}
		return e.Pauses.Idle, nil
	case t.Missing.IsZero():
		_, err := e.changeTuning(ctx, m, t, inventory.ActorProvision, func(m *inventory.Machine) (inventory.Note, error) {
			m.Tuning.Missing = now
			return inventory.Note{Kind: "settings", Reason: "the firmware settings wait no more; whether they are in force is looked at again"}, nil
		})
		return min(e.Pauses.Lost, e.Pauses.Boot), err
	case now.Sub(t.Missing) < e.Pauses.Lost:
		return min(e.Pauses.Lost, e.Pauses.Boot), nil
	}
	text := "the BMC took the firmware settings and did not keep them: " + strings.Join(lost, ", ")
	_, err := e.changeTuning(ctx, m, t, inventory.ActorProvision, func(m *inventory.Machine) (inventory.Note, error) {
		m.Tuning.Stopped, m.Tuning.Problem = now, text
		return inventory.Note{Kind: "settings", Reason: text + "; order them again, and look at the machine's console while it boots"}, nil
	})
	e.Log.Warn("firmware settings are lost", "machine", m.Name, "what", text)
	return 0, err
}

// settled forgets settings that are proven to be in force.
func (e *Engine) settled(ctx context.Context, m *inventory.Machine) error {
	_, err := e.changeTuning(ctx, m, m.Tuning, inventory.ActorProvision, func(m *inventory.Machine) (inventory.Note, error) {
		words := m.Tuning.Words()
		m.Tuning = nil
		return inventory.Note{Kind: "settings", Reason: "firmware settings are in force: " + words}, nil
	})
	return err
}

// noteTuning writes down what is in the way of settings.
func (e *Engine) noteTuning(ctx context.Context, m *inventory.Machine, text string) error {
	_, err := e.changeTuning(ctx, m, m.Tuning, inventory.ActorProvision, func(m *inventory.Machine) (inventory.Note, error) {
		m.Tuning.Problem = text
		return inventory.Note{Kind: "settings", Reason: "the firmware settings wait: " + text}, nil
	})
	return err
}

// hinderTuning writes down what is in the way, once, and says when to try again: not at all, when only a person can help.
func (e *Engine) hinderTuning(ctx context.Context, m *inventory.Machine, f *Failure) (time.Duration, error) {
	text := f.Error() + "; " + f.Remedy
	again := e.Pauses.Boot
	if m.Tuning.Problem == text && f.Retry {
		return e.Pauses.Idle, nil
	}
	_, err := e.changeTuning(ctx, m, m.Tuning, inventory.ActorProvision, func(m *inventory.Machine) (inventory.Note, error) {
		m.Tuning.Problem = text
		if !f.Retry {
			m.Tuning.Stopped, again = e.Now(), 0
		}
		return inventory.Note{Kind: "settings", Reason: "the firmware settings wait: " + f.Error()}, nil
	})
	if errors.Is(err, errStale) {
		return time.Millisecond, nil
	}
	return again, err
}

// tuneArgs is "see what became of the settings of this machine's firmware".
type tuneArgs struct {
	Machine string `json:"machine" river:"unique"`
}

// Kind implements river.JobArgs.
func (tuneArgs) Kind() string { return "tune" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (tuneArgs) InsertOpts() river.InsertOpts {
	return endless(river.QueueDefault)
}

type tuneWorker struct{ worker[tuneArgs] }

// Work implements river.Worker.
func (w *tuneWorker) Work(ctx context.Context, job *river.Job[tuneArgs]) error {
	return later(w.engine.tune(ctx, job.Args.Machine))
}

func (e *Engine) queueTuning(ctx context.Context, id string) error {
	return e.insert(ctx, tuneArgs{Machine: id}, "the look at a machine's settings")
}
