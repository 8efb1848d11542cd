package provision

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"socle/inventory"
)

// worker is what the workers on one machine have in common.
type worker[T river.JobArgs] struct {
	river.WorkerDefaults[T]
	engine *Engine
}

// NextRetry implements river.Worker: an error here is the database's, not the machine's.
func (worker[T]) NextRetry(*river.Job[T]) time.Time { return time.Now().Add(5 * time.Second) }

// later ends a job's work, or has it looked at again after a while.
func later(again time.Duration, err error) error {
	if err == nil && again > 0 {
		return river.JobSnooze(again)
	}
	return err
}

// endless are the options of a job that there is once, and that is never discarded: a step fails into what is told of the
// machine.
func endless(queue string) river.InsertOpts {
	return river.InsertOpts{MaxAttempts: math.MaxInt16, UniqueOpts: unique, Queue: queue}
}

// insert queues a job, of which what says what it does.
func (e *Engine) insert(ctx context.Context, args river.JobArgs, what string) error {
	if _, err := e.queue.Insert(ctx, args, nil); err != nil {
		return fmt.Errorf("queueing %s: %w", what, err)
	}
	return nil
}

// advanceArgs is "do the next thing for this machine".
type advanceArgs struct {
	Machine string `json:"machine" river:"unique"`
}

// Kind implements river.JobArgs.
func (advanceArgs) Kind() string { return "advance" }

// InsertOpts implements river.JobArgsWithInsertOpts: a step fails into a Fault, never into a discarded job.
func (advanceArgs) InsertOpts() river.InsertOpts {
	return endless(river.QueueDefault)
}

type advanceWorker struct{ worker[advanceArgs] }

// settle is how long a job waits that was told to look once more: the change that told it is about to be
// committed.
const settle = 30 * time.Millisecond

// Work implements river.Worker.
func (w *advanceWorker) Work(ctx context.Context, job *river.Job[advanceArgs]) error {
	w.engine.touched.Delete(job.Args.Machine)
	again, err := w.engine.advance(ctx, job.Args.Machine)
	if err != nil {
		return err
	}
	if _, touched := w.engine.touched.LoadAndDelete(job.Args.Machine); touched {
		again = settle
	}
	return later(again, nil)
}

// verifyArgs is "look at this machine's role from outside"; it takes minutes, so it is not a step's work.
type verifyArgs struct {
	Machine string `json:"machine" river:"unique"`
}

// Kind implements river.JobArgs.
func (verifyArgs) Kind() string { return "verify" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (verifyArgs) InsertOpts() river.InsertOpts {
	return endless(verifyQueue)
}

type verifyWorker struct{ worker[verifyArgs] }

// Timeout implements river.Worker.
func (w *verifyWorker) Timeout(*river.Job[verifyArgs]) time.Duration {
	return w.engine.Limits.Verify + time.Minute
}

// Work implements river.Worker.
func (w *verifyWorker) Work(ctx context.Context, job *river.Job[verifyArgs]) error {
	return w.engine.verify(ctx, job.Args.Machine)
}

// rotateArgs is "go on with the change of the login of this machine's BMC".
type rotateArgs struct {
	Machine string `json:"machine" river:"unique"`
}

// Kind implements river.JobArgs.
func (rotateArgs) Kind() string { return "rotate" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (rotateArgs) InsertOpts() river.InsertOpts {
	return endless(river.QueueDefault)
}

type rotateWorker struct{ worker[rotateArgs] }

// Work implements river.Worker.
func (w *rotateWorker) Work(ctx context.Context, job *river.Job[rotateArgs]) error {
	return later(w.engine.rotate(ctx, job.Args.Machine))
}

// sweepArgs is "see that no machine was forgotten".
type sweepArgs struct{}

// Kind implements river.JobArgs.
func (sweepArgs) Kind() string { return "sweep" }

type sweepWorker struct {
	river.WorkerDefaults[sweepArgs]
	engine *Engine
}

// Work implements river.Worker. A change that came while the machine's job was ending finds no job to wake;
// here it is found.
func (w *sweepWorker) Work(ctx context.Context, _ *river.Job[sweepArgs]) error {
	machines, err := w.engine.Store.Roster(ctx)
	if err == nil {
		err = w.engine.sweepStorage(ctx)
	}
	if err != nil {
		return fmt.Errorf("looking what to sweep: %w", err)
	}
	if err := w.engine.sweepCampaigns(ctx); err != nil {
		return err
	}
	for _, m := range machines {
		if r := m.BMC.Rotation; r != nil && r.Stopped.IsZero() && !m.Held() {
			if err := w.engine.queueRotation(ctx, m.ID); err != nil {
				return err
			}
		}
		if waitsForSettings(&m) {
			if err := w.engine.queueTuning(ctx, m.ID); err != nil {
				return err
			}
		}
		if !wants(&m, w.engine.Now()) {
			continue
		}
		if _, err := w.engine.queue.Insert(ctx, advanceArgs{Machine: m.ID}, &river.InsertOpts{UniqueOpts: unique}); err != nil {
			return fmt.Errorf("queueing %s: %w", m.Name, err)
		}
	}
	return nil
}

// wants tells whether there is something to do for the machine now.
func wants(m *inventory.Machine, now time.Time) bool {
	if m.Held() {
		return false
	}
	if !m.State.Stable() {
		return true
	}
	if m.Fault != nil && (m.Fault.RetryAt.IsZero() || now.Before(m.Fault.RetryAt)) {
		return false
	}
	_, move := nextState(m)
	return move || m.Wish.Drift != nil && !m.Wish.Drift.Next.IsZero() && !now.Before(m.Wish.Drift.Next)
}

// queueRotation has the change of a login looked at now. A job that sleeps is woken.
func (e *Engine) queueRotation(ctx context.Context, id string) error {
	res, err := e.queue.Insert(ctx, rotateArgs{Machine: id}, nil)
	if err == nil && res.UniqueSkippedAsDuplicate && res.Job.State != rivertype.JobStateRunning {
		if _, err = e.queue.JobRetry(ctx, res.Job.ID); errors.Is(err, rivertype.ErrNotFound) {
			err = nil // it has ended
		}
	}
	if err != nil {
		return fmt.Errorf("queueing the change of a BMC's login: %w", err)
	}
	return nil
}
