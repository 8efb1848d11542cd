package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"socle/inventory"
	"socle/inventory/offline"
)

// aisleRow is an act that came from a laptop.
type aisleRow struct {
	ID      string `gorm:"primaryKey"`
	Machine string
	Outcome string
	Synced  int64
	Body    string
}

// TableName implements gorm's Tabler.
func (aisleRow) TableName() string { return "aisle_acts" }

func toAisleRow(a offline.Act) (aisleRow, error) {
	body, err := json.Marshal(a)
	return aisleRow{ID: clean(a.ID), Machine: clean(a.Machine), Outcome: string(a.Outcome), Synced: micros(a.Synced), Body: clean(string(body))}, err
}

func (r aisleRow) act() (a offline.Act, err error) {
	if err := json.Unmarshal([]byte(r.Body), &a); err != nil {
		return a, fmt.Errorf("decoding act %s: %w", r.ID, err)
	}
	return a, nil
}

// ActFilter says which acts to read: the newest Limit ones, at most 1000.
type ActFilter = inventory.ActFilter

// Acts reads what came from laptops, the newest first.
func (s *Store) Acts(ctx context.Context, f ActFilter) ([]offline.Act, error) {
	q := s.db.WithContext(ctx).Order("synced DESC, id").Limit(max(1, min(f.Limit, 1000)))
	if f.Open {
		q = q.Where("outcome = ?", string(offline.Conflict))
	}
	if f.Decided {
		q = q.Where("outcome IN ?", []string{string(offline.Mine), string(offline.Theirs)})
	}
	var rows []aisleRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading what was done in the aisle: %w", err)
	}
	all := make([]offline.Act, 0, len(rows))
	for _, r := range rows {
		a, err := r.act()
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// SyncActs takes in what was done in the aisle, in one transaction: each act is judged by what the snapshot said and what is
// known now, and applied, or kept as a conflict for a person. One that was sent before changes nothing and comes back as it
// is now. A dry run tells the same and stores nothing.
func (s *Store) SyncActs(ctx context.Context, b offline.Batch, dryRun bool) (acts []offline.Act, err error) {
	run := s.write
	if dryRun {
		run = s.quietly
	}
	err = run(ctx, func(tx *gorm.DB) error {
		acts = nil
		if err := s.lock(tx, lockIdentity); err != nil {
			return err
		}
		y := &syncing{s: s, tx: tx, batch: b}
		if err := y.read(); err != nil {
			return err
		}
		for _, e := range b.Entries {
			a, err := y.take(e)
			if err != nil {
				return fmt.Errorf("act %s (%s): %w", e.ID, e.What(), err)
			}
			acts = append(acts, a)
		}
		if dryRun {
			return nil
		}
		return y.store()
	})
	if err != nil {
		return nil, fmt.Errorf("taking in what was done in the aisle: %w", err)
	}
	return acts, nil
}

// syncing is one batch being taken in, in a transaction.
type syncing struct {
	s      *Store
	tx     *gorm.DB
	batch  offline.Batch
	before map[string]offline.Act // sent earlier, by ID
	floor  floor

	rows     []aisleRow
	rackings []rackingRow
	events   []inventory.Event
}

// idsAtOnce bounds how many values a query names: SQLite takes no more than 32,766.
const idsAtOnce = 1000

func (y *syncing) read() (err error) {
	var ids, machines []string
	for _, e := range y.batch.Entries {
		ids, machines = append(ids, clean(e.ID)), append(machines, clean(e.Machine))
	}
	y.before = map[string]offline.Act{}
	for len(ids) > 0 {
		n := min(len(ids), idsAtOnce)
		var rows []aisleRow
		if err := y.tx.Where("id IN ?", ids[:n]).Find(&rows).Error; err != nil {
			return err
		}
		for _, r := range rows {
			if y.before[r.ID], err = r.act(); err != nil {
				return err
			}
		}
		ids = ids[n:]
	}
	y.floor, err = readFloor(y.tx, machines)
	return err
}

// take judges one act and prepares what it changes.
func (y *syncing) take(e offline.Entry) (offline.Act, error) {
	if a, sent := y.before[e.ID]; sent {
		a.Again = true
		return a, nil
	}
	a := offline.Act{Entry: e, Snapshot: y.batch.Snapshot.ID, SentBy: y.batch.SentBy, Synced: y.s.now(), Skew: y.batch.Skew}
	base, _ := y.batch.Snapshot.Server(e.Machine)
	a.Serial = base.Serial
	now, err := y.floor.standing(e)
	if err != nil {
		return a, err
	}
	if a.Outcome, a.Why = offline.Judge(e, base, now); a.Outcome == offline.Conflict {
		a.Known = now.Words()
		if a.Change, err = lastChange(y.tx, e.Machine, micros(y.batch.Snapshot.Taken)); err != nil {
			return a, err
		}
	}
	if e.Kind == offline.ActRacked && a.Outcome == offline.Applied {
		r, err := y.floor.racked(a)
		if err != nil {
			return a, err
		}
		y.rackings = append(y.rackings, r)
	}
	y.before[e.ID] = a
	row, err := toAisleRow(a)
	y.rows, y.events = append(y.rows, row), append(y.events, actEvent(a, base.Name))
	return a, err
}

func (y *syncing) store() error {
	if len(y.rows) == 0 {
		return nil
	}
	if err := y.tx.CreateInBatches(&y.rows, 500).Error; err != nil {
		return err
	}
	for _, r := range y.rackings {
		if err := y.tx.Save(&r).Error; err != nil {
			return err
		}
	}
	return y.s.append(y.tx, y.events...)
}

// actEvent is an act in the history: who did what in the aisle and when, and what became of it.
func actEvent(a offline.Act, name string) inventory.Event {
	kind, text := "racked", a.What()
	switch {
	case a.Outcome == offline.Conflict:
		kind, text = "aisle-conflict", fmt.Sprintf("%s, but %s", a.What(), join(a.Why))
	case a.Outcome == offline.Same:
		text += ", as was known: " + join(a.Why)
	case a.Kind == offline.ActSeen:
		kind, text = "seen", text+": "+a.Text
	case a.Kind == offline.ActNote:
		kind = "note"
	}
	return inventory.Event{Machine: a.Machine, Name: name, Actor: a.SentBy, Kind: kind, Reason: fmt.Sprintf("%s, by %s in the aisle at %s", text, a.Actor, a.When())}
}

// lastChange is who last changed the place or the identity of a machine since a time, or retired it.
func lastChange(tx *gorm.DB, machine string, since int64) (offline.Change, error) {
	var rows []eventRow
	err := tx.Where("machine = ? AND time >= ?", clean(machine), since).
		Where(`after LIKE '%"place":%' OR after LIKE '%"identity":%' OR after LIKE '%"state":"retired"%'`).
		Order("seq DESC").Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return offline.Change{}, err
	}
	return offline.Change{Actor: rows[0].Actor, Time: instant(rows[0].Time), What: rows[0].Reason}, nil
}

// DecideAct decides a conflict: mine takes what was done in the aisle, else what is known stays. What is known may have
// changed again since the conflict was judged: then nothing is decided, the conflict is brought up to date, and the error is
// offline.ErrMoved.
func (s *Store) DecideAct(ctx context.Context, id, actor, reason string, mine bool) (a offline.Act, err error) {
	moved := false
	err = s.write(ctx, func(tx *gorm.DB) error {
		moved = false
		if err := s.lock(tx, lockIdentity); err != nil {
			return err
		}
		var row aisleRow
		if err := tx.Take(&row, "id = ?", clean(id)).Error; err != nil {
			return notFound(err, "reading act %s", id)
		}
		var err error
		if a, err = row.act(); err != nil {
			return err
		}
		if a.Outcome != offline.Conflict {
			return fmt.Errorf("%w: %s", offline.ErrDecided, a.Ended())
		}
		f, err := readFloor(tx, []string{a.Machine})
		if err != nil {
			return err
		}
		now, err := f.standing(a.Entry)
		if err != nil {
			return err
		}
		_, why := offline.Judge(a.Entry, offline.Server{Name: a.Name, Serial: a.Serial}, now)
		if moved = now.Words() != a.Known || !slices.Equal(why, a.Why); moved {
			return s.refreshAct(tx, &a, now, why)
		}
		a.Outcome, a.Decider, a.Decided, a.Reason = offline.Theirs, actor, s.now(), cut(reason, 500)
		if mine {
			a.Outcome = offline.Mine
			if err := s.takeMine(ctx, tx, f, a, now); err != nil {
				return err
			}
		}
		if err := saveAct(tx, a); err != nil {
			return err
		}
		return s.append(tx, inventory.Event{Machine: a.Machine, Name: now.Name, Actor: actor, Kind: "aisle-decision", Reason: a.Ended()})
	})
	if err == nil && moved {
		err = offline.ErrMoved
	}
	if err != nil {
		return a, fmt.Errorf("deciding act %s: %w", id, err)
	}
	return a, nil
}

// refreshAct makes a conflict say what is known now.
func (s *Store) refreshAct(tx *gorm.DB, a *offline.Act, now offline.Standing, why []string) (err error) {
	a.Known, a.Why = now.Words(), why
	if a.Change, err = lastChange(tx, a.Machine, micros(a.Synced)); err != nil {
		return err
	}
	return saveAct(tx, *a)
}

func saveAct(tx *gorm.DB, a offline.Act) error {
	row, err := toAisleRow(a)
	if err != nil {
		return err
	}
	return tx.Save(&row).Error
}

// takeMine makes what was done in the aisle what is known: the machine's place, and that it stands there.
func (s *Store) takeMine(ctx context.Context, tx *gorm.DB, f floor, a offline.Act, now offline.Standing) error {
	if why := f.impossible(a, now); why != "" {
		return fmt.Errorf("%w: %s", offline.ErrImpossible, why)
	}
	r, err := f.racked(a)
	if err != nil {
		return err
	}
	var before machineRow // with its facts
	if err := tx.Take(&before, "id = ?", a.Machine).Error; err != nil {
		return err
	}
	m, err := before.machine()
	if err != nil {
		return err
	}
	if m.Place != a.Place {
		m.Place = a.Place
		after, err := s.nextRow(before, m)
		if err != nil {
			return err
		}
		note := inventory.Note{Kind: "place", Reason: fmt.Sprintf("what was done in the aisle was taken: %s", a.What())}
		if err := s.record(ctx, tx, before, after, a.Decider, note); errors.Is(err, ErrRace) {
			return offline.ErrMoved
		} else if err != nil {
			return err
		}
	}
	return tx.Save(&r).Error
}
