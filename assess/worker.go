// Package assess keeps what was found of machines right: it runs every check over the whole fleet whenever something
// changed, and writes down what is found otherwise than before. It knows no check by itself, and decides nothing.
package assess

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"socle/inventory"
)

// Check finds what is not as it should be. It changes nothing: two replicas may both run it.
type Check interface {
	// Source is under which name its findings are kept.
	Source() inventory.FindingSource
	// Find looks at the whole fleet, so that peers and the other ends of cables are seen, and tells by machine ID what it
	// found. An empty list says that all is well; a machine that is absent was not looked at, and keeps what it has.
	Find(ctx context.Context, machines []inventory.Machine) (map[string][]inventory.Finding, error)
}

// Store is what the worker needs of the database; *store.Store is one.
type Store interface {
	Machines(ctx context.Context) ([]inventory.Machine, error)
	Findings(ctx context.Context, machineID string) ([]inventory.Findings, error) // "": of all
	SetFindings(ctx context.Context, f inventory.Findings, actor string) error
	Subscribe() (changes <-chan struct{}, cancel func())
}

// Worker runs checks. Its fields are set once, before it is used.
type Worker struct {
	Store  Store
	Checks []Check
	Log    *slog.Logger
	Now    func() time.Time
}

// Actor is who stands in the history behind a finding.
const Actor = "assess"

const (
	settle = 500 * time.Millisecond // a burst of changes is looked at once
	every  = 30 * time.Second       // changes of other processes are seen
	rest   = 10                     // times as long as a look took, until the next one: a busy fleet costs a tenth of one core
)

// Run looks at once, and again after changes, until ctx ends. A look that fails is logged and made again.
func (w *Worker) Run(ctx context.Context) error {
	changes, cancel := w.Store.Subscribe()
	defer cancel()
	for {
		began := w.Now()
		if err := w.Assess(ctx); err != nil && ctx.Err() == nil {
			w.Log.Error("assessing machines failed, it is done again", slog.Any("error", err))
		}
		if err := sleep(ctx, settle+rest*w.Now().Sub(began), nil); err != nil {
			return err
		}
		if err := sleep(ctx, every, changes); err != nil {
			return err
		}
		if err := sleep(ctx, settle, nil); err != nil {
			return err
		}
	}
}

// sleep waits for a time, at most until something comes.
func sleep(ctx context.Context, d time.Duration, early <-chan struct{}) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-early:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

type key struct {
	machine string
	source  inventory.FindingSource
}

// Assess looks once, and writes what is otherwise than it was. A check that fails keeps no other from its work.
func (w *Worker) Assess(ctx context.Context) error {
	machines, err := w.Store.Machines(ctx)
	if err != nil {
		return err
	}
	stored, err := w.Store.Findings(ctx, "")
	if err != nil {
		return err
	}
	had := make(map[key][]inventory.Finding, len(stored))
	for _, f := range stored {
		had[key{f.Machine, f.Source}] = f.List
	}
	var failed error
	for _, c := range w.Checks {
		if err := w.check(ctx, c, machines, had); err != nil {
			if ctx.Err() != nil {
				return err
			}
			w.Log.Error("a check of machines failed", slog.String("check", string(c.Source())), slog.Any("error", err))
			failed = err
		}
	}
	return failed
}

func (w *Worker) check(ctx context.Context, c Check, machines []inventory.Machine, had map[key][]inventory.Finding) error {
	at := w.Now()
	found, err := c.Find(ctx, machines)
	if err != nil {
		return fmt.Errorf("check %s: %w", c.Source(), err)
	}
	for _, m := range machines {
		list, looked := found[m.ID]
		if !looked {
			continue
		}
		list = slices.Clone(list)
		for i := range list {
			list[i].Source = c.Source()
		}
		inventory.SortFindings(list)
		if before, known := had[key{m.ID, c.Source()}]; known && slices.Equal(before, list) {
			continue
		}
		if err := w.Store.SetFindings(ctx, inventory.Findings{Machine: m.ID, Source: c.Source(), Time: at, List: list}, Actor); err != nil {
			return err
		}
	}
	return nil
}
