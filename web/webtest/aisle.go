package webtest

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"socle/api"
	"socle/inventory"
	"socle/inventory/offline"
	"socle/inventory/signing"
)

// SealSnapshot implements web.Aisle.
func (w *World) SealSnapshot(_ context.Context, s offline.Snapshot) (offline.File, error) {
	key, err := signing.NewKey(make([]byte, 32))
	if err != nil {
		return offline.File{}, err
	}
	return offline.Seal(s, func(p []byte) ([]byte, []byte, error) { return key.Public(), key.Sign(signing.Snapshot, p), nil })
}

// OpenSnapshot implements web.Aisle; whoever signed.
func (w *World) OpenSnapshot(_ context.Context, f offline.File) (offline.Snapshot, error) {
	s, err := f.Open(func(key, p, signature []byte) error { return signing.Verify(key, signing.Snapshot, p, signature) })
	if err != nil {
		err = api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, err.Error())
	}
	return s, err
}

// Acts implements web.Aisle.
func (w *World) Acts(_ context.Context, f inventory.ActFilter) (all []offline.Act, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range slices.Backward(w.acts) {
		open, decided := a.Outcome == offline.Conflict, a.Decider != ""
		if f.Open && open || f.Decided && decided || !f.Open && !f.Decided {
			all = append(all, a)
		}
	}
	return all[:min(len(all), f.Limit)], w.fail
}

// SyncActs implements web.Aisle.
func (w *World) SyncActs(ctx context.Context, b offline.Batch, dryRun bool) (all []offline.Act, err error) {
	for _, e := range b.Entries {
		w.mu.Lock()
		i := slices.IndexFunc(w.acts, func(a offline.Act) bool { return a.ID == e.ID })
		w.mu.Unlock()
		if i >= 0 {
			a := w.acts[i]
			a.Again = true
			all = append(all, a)
			continue
		}
		a := offline.Act{Entry: e, Snapshot: b.Snapshot.ID, SentBy: b.SentBy, Synced: w.Now(), Skew: b.Skew}
		base, _ := b.Snapshot.Server(e.Machine)
		now := offline.Standing{}
		if m, err := w.Machine(ctx, e.Machine); err == nil {
			now = offline.Standing{Known: true, Name: m.Name, Serial: m.Serial(), Place: m.Place, Retired: m.State == inventory.Retired}
		}
		if a.Outcome, a.Why = offline.Judge(e, base, now); a.Outcome == offline.Conflict {
			a.Known, a.Change = now.Words(), offline.Change{Actor: "token:bob", Time: w.Now(), What: "a manifest was imported"}
		}
		if e.Kind == offline.ActRacked && a.Outcome == offline.Applied && !dryRun {
			if _, err := w.SaveRacking(ctx, e.Machine, a.Who()); err != nil {
				return nil, err
			}
		}
		if !dryRun {
			w.mu.Lock()
			w.acts = append(w.acts, a)
			w.mu.Unlock()
		}
		all = append(all, a)
	}
	return all, nil
}

// DecideAct implements web.Aisle.
func (w *World) DecideAct(_ context.Context, id, actor, reason string, mine bool) (offline.Act, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.IndexFunc(w.acts, func(a offline.Act) bool { return a.ID == id })
	switch {
	case i < 0:
		return offline.Act{}, fmt.Errorf("act %s: %w", id, inventory.ErrNotFound)
	case w.acts[i].Outcome != offline.Conflict:
		return w.acts[i], fmt.Errorf("%w: %s", offline.ErrDecided, w.acts[i].Ended())
	}
	a := &w.acts[i]
	a.Outcome, a.Decider, a.Decided, a.Reason = offline.Theirs, actor, w.Now(), reason
	if mine {
		a.Outcome = offline.Mine
	}
	w.calls = append(w.calls, fmt.Sprintf("%s took %s of %s", actor, a.Outcome, a.Name))
	w.tick()
	return *a, nil
}
