package provision

import (
	"context"
	"errors"
	"fmt"
	"time"

	"socle/inventory"
)

// pause is how long a waiting step sleeps when nothing wakes it. A report, a session or a verb does.
// It grows with the time in a state, up to mostPause: of a thousand machines that boot at once each look costs the
// others some of theirs.
const (
	pause     = 2 * time.Second
	mostPause = 15 * time.Second
)

// stretch is how long a step sleeps that has waited for so long.
func stretch(after, waited time.Duration) time.Duration {
	if after != pause {
		return after // it knows when to look
	}
	return min(max(pause, waited/8), mostPause)
}

// errStale says that the machine is not any more what the step looked at: look again.
var errStale = errors.New("machine changed meanwhile")

// result is what a step has to say: finished, or look again later.
type result struct {
	done  bool
	after time.Duration
}

var (
	done = result{done: true}
	wait = result{after: pause}
)

// step is one part of a transient state. It looks first and acts only if needed.
type step struct {
	name string
	run  func(ctx context.Context, m *inventory.Machine) (result, error)
}

// advance does what is next for one machine and says when to look again; 0: when something changes.
func (e *Engine) advance(ctx context.Context, id string) (time.Duration, error) {
	for {
		m, err := e.Store.Machine(ctx, id)
		if errors.Is(err, inventory.ErrNotFound) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		now := e.Now()
		if m.Held() {
			return 0, nil
		}
		if f := m.Fault; f != nil && f.RetryAt.After(now) && !m.Overdue(now) {
			return f.RetryAt.Sub(now), nil
		}
		again, moved, err := e.advanceOnce(ctx, &m)
		if err != nil {
			if again, err = e.fail(ctx, &m, err); err != nil {
				return 0, err
			}
			return again, nil
		}
		if !moved {
			return again, nil
		}
	}
}

// advanceOnce makes one move: into a state, or through one step of it.
func (e *Engine) advanceOnce(ctx context.Context, m *inventory.Machine) (again time.Duration, moved bool, err error) {
	if m.State.Stable() && m.OwesEject() {
		if again, err := e.ejectLater(ctx, m); again > 0 || err != nil {
			return again, false, err
		}
	}
	if m.State.Stable() {
		if m.Fault != nil && m.Fault.RetryAt.IsZero() {
			return 0, false, nil // a person has to look first
		}
		if m.State == inventory.Expected && m.Intent.State != "" {
			return e.seek(ctx, m)
		}
		to, ok := nextState(m)
		if !ok {
			return e.restorePower(ctx, m)
		}
		return 0, true, e.move(ctx, m, to, "on the way to "+string(m.Intent.State))
	}
	if m.Overdue(e.Now()) {
		return 0, false, e.overdue(m)
	}
	if err := e.Room(); err != nil {
		return 0, false, &Failure{Kind: inventory.FaultServerDisk, Reason: "Socle's own disk is nearly full", Err: err, Step: m.Step, Retry: true,
			Remedy: "make room in the data folder of the server: `socle image gc`, old logs; it goes on by itself then"}
	}
	if err := e.roomAgain(ctx, m); err != nil {
		return 0, false, err
	}
	state := m.State
	for _, s := range e.steps(m) {
		r, err := s.run(ctx, m)
		if err != nil {
			return 0, false, atStep(err, s.name)
		}
		if m.State != state {
			return 0, true, nil
		}
		if !r.done {
			return stretch(r.after, e.Now().Sub(m.Since)), false, e.enter(ctx, m, s.name)
		}
	}
	return 0, true, nil
}

// roomAgain ends the fault of a full disk, now that there is room.
func (e *Engine) roomAgain(ctx context.Context, m *inventory.Machine) error {
	if m.Fault == nil || m.Fault.Kind != inventory.FaultServerDisk {
		return nil
	}
	return e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
		m.Fault = nil
		return inventory.Note{Kind: "fault", Reason: "Socle's own disk has room again"}, nil
	})
}

// nextState is where a machine at rest goes by its intent.
func nextState(m *inventory.Machine) (inventory.State, bool) {
	switch want := m.Intent.State; {
	case want == "" || m.State == want:
		return "", false
	case m.State == inventory.Expected && want != inventory.Retired:
		return inventory.Discovered, true
	case m.State == inventory.Discovered && want != inventory.Retired:
		return inventory.Inspecting, true
	case m.State == inventory.Ready && want == inventory.Active:
		return inventory.Deploying, true
	default:
		return "", false
	}
}

// steps are those of the machine's transient state; the last one leaves it.
func (e *Engine) steps(m *inventory.Machine) []step {
	switch m.State {
	case inventory.Inspecting:
		return e.inspectSteps()
	case inventory.Testing:
		return e.testSteps()
	case inventory.Deploying:
		return e.deploySteps()
	default:
		return []step{{"unsupported", func(context.Context, *inventory.Machine) (result, error) {
			return result{}, &Failure{Kind: inventory.FaultDeadline, Reason: fmt.Sprintf("nothing works on state %s yet", m.State),
				Remedy: "take the machine back to a stable state"}
		}}}
	}
}

// move changes the state as the table allows, with the limits of the configuration.
func (e *Engine) move(ctx context.Context, m *inventory.Machine, to inventory.State, why string) error {
	return e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
		now := e.Now()
		if err := m.Move(to, now); err != nil {
			return inventory.Note{}, err
		}
		switch {
		case to == inventory.Inspecting && e.Limits.Inspect > 0:
			m.Deadline = now.Add(e.Limits.Inspect)
		case to == inventory.Deploying && e.Limits.Deploy > 0:
			m.Deadline = now.Add(e.Limits.Deploy)
		}
		if to == inventory.Active && m.Wish.Power != inventory.PowerOn { // it called, so it is on, and at work
			m.Wish.Want(inventory.PowerOn, false, inventory.ActorProvision, now)
		}
		if to == inventory.Deploying {
			m.Deployed = inventory.Deployment{}
		}
		return inventory.Note{Kind: "state", Reason: why}, nil
	})
}

// change stores a change of a machine whose state is still the one that the step looked at, and brings the
// caller's copy up to date.
func (e *Engine) change(ctx context.Context, m *inventory.Machine, fn func(*inventory.Machine) (inventory.Note, error)) error {
	state := m.State
	changed, err := e.Store.Change(ctx, m.ID, inventory.ActorProvision, func(m *inventory.Machine) (inventory.Note, error) {
		if m.State != state || m.Held() {
			return inventory.Note{}, errStale
		}
		return fn(m)
	})
	if err != nil {
		return err
	}
	*m = changed
	return nil
}

// enter notes in which step the machine waits, so that people see it. What went wrong in an earlier step
// is over then.
func (e *Engine) enter(ctx context.Context, m *inventory.Machine, name string) error {
	if m.Step == name {
		return nil
	}
	return e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
		if m.Step = name; m.Fault != nil && m.Fault.Step != name {
			m.Fault = nil
		}
		return inventory.Note{Kind: "step", Reason: name}, nil
	})
}

// overdue makes the failure of a state that took too long, with the best reason that is known.
func (e *Engine) overdue(m *inventory.Machine) error {
	f := &Failure{Kind: inventory.FaultDeadline,
		Reason: fmt.Sprintf("%s took longer than %s, at step %s", m.State, m.Deadline.Sub(m.Since).Round(time.Second), m.Step),
		Remedy: "see the machine's history and console, repair what stopped it, then order it again"}
	if m.Fault != nil {
		f.Kind, f.Reason, f.Remedy = m.Fault.Kind, m.Fault.Reason, m.Fault.Remedy
	}
	return f
}

// fail turns an error of a step into a fault. A passing one is retried until the deadline; any other takes
// the machine back to the stable state it came from, where it waits for a person. Errors of the store are
// not the machine's: they go back to the job engine.
func (e *Engine) fail(ctx context.Context, m *inventory.Machine, cause error) (time.Duration, error) {
	if errors.Is(cause, errStale) {
		return time.Millisecond, nil
	}
	var f *Failure
	if !errors.As(cause, &f) {
		return 0, cause
	}
	var again time.Duration
	err := e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
		now := e.Now()
		retry := f.Retry && !m.Overdue(now)
		if back, ok := fallback[m.State]; ok && !retry {
			if err := m.Move(back, now); err != nil {
				return inventory.Note{}, err
			}
		}
		m.Fail(f.Kind, f.Error(), f.Remedy, now)
		m.Fault.Step = f.Step
		if retry {
			again = backoff(m.Fault.Count)
			m.Fault.RetryAt = now.Add(again)
		}
		return inventory.Note{Kind: "fault", Reason: f.Error()}, nil
	})
	if errors.Is(err, errStale) {
		return time.Millisecond, nil
	}
	if err != nil {
		return 0, err
	}
	e.Log.Warn("machine has a fault", "machine", m.Name, "state", m.State, "kind", f.Kind, "reason", f.Error())
	return again, nil
}

// fallback is the stable state that a failed transient state leaves a machine in.
var fallback = map[inventory.State]inventory.State{
	inventory.Inspecting: inventory.Discovered,
	inventory.Testing:    inventory.Discovered,
	inventory.Deploying:  inventory.Ready,
}
