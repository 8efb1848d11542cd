package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"socle/inventory"
	"socle/inventory/manifest"
)

// Planned is one server of a manifest with its BMC's password.
type Planned = manifest.Row

// ImportResult names the machines that an import added, changed, or found as they are.
type ImportResult = inventory.ImportResult

// step is what an import does to one machine.
type step struct {
	planned  Planned
	before   machineRow // zero: the machine is new
	machine  inventory.Machine
	password bool // differs from what is stored
}

// Import brings the inventory to what a manifest says, in one transaction: servers that are not known are
// added as Expected, those that are known are changed, a stray that the manifest names is adopted. When
// anything contradicts what is known, all contradictions are returned as Conflicts and nothing is stored.
// A dry run tells the same and stores nothing. Importing the same manifest again changes nothing.
func (s *Store) Import(ctx context.Context, planned []Planned, actor string, dryRun bool) (ImportResult, error) {
	var result ImportResult
	run := s.write
	if dryRun {
		run = s.quietly
	}
	err := run(ctx, func(tx *gorm.DB) error {
		result = ImportResult{}
		if err := s.lock(tx, lockIdentity); err != nil {
			return err
		}
		known, err := readKnown(tx)
		if err != nil {
			return err
		}
		steps, conflicts := plan(known, planned, s.now())
		if len(conflicts) > 0 {
			return conflicts
		}
		return s.carryOut(ctx, tx, steps, actor, dryRun, &result)
	})
	var conflicts Conflicts
	if errors.As(err, &conflicts) {
		return ImportResult{}, conflicts
	}
	if err != nil {
		return ImportResult{}, fmt.Errorf("importing a manifest: %w", err)
	}
	return result, nil
}

// readKnown reads all machines without their facts, which are large and not needed here.
func readKnown(tx *gorm.DB) ([]machineRow, error) {
	var rows []machineRow
	err := tx.Omit("facts").Order("name").Find(&rows).Error
	return rows, err
}

func (s *Store) carryOut(ctx context.Context, tx *gorm.DB, steps []step, actor string, dryRun bool, result *ImportResult) error {
	var events []inventory.Event
	for i := range steps {
		e, outcome, err := s.carryOutOne(ctx, tx, &steps[i], actor, dryRun)
		if err != nil {
			return fmt.Errorf("line %d, %s: %w", steps[i].planned.Line, steps[i].planned.Name, err)
		}
		name := steps[i].planned.Name
		switch outcome {
		case "added":
			result.Added = append(result.Added, name)
		case "changed":
			result.Changed = append(result.Changed, name)
		default:
			result.Same = append(result.Same, name)
			continue
		}
		events = append(events, e)
	}
	if dryRun {
		return nil
	}
	return s.append(tx, events...)
}

func (s *Store) carryOutOne(ctx context.Context, tx *gorm.DB, st *step, actor string, dryRun bool) (inventory.Event, string, error) {
	isNew := st.before.ID == ""
	reason := fmt.Sprintf("line %d of a manifest", st.planned.Line)
	var after machineRow
	var err error
	if isNew {
		st.machine.ID, st.machine.Version = uuid.NewString(), 1
		st.machine.CreatedAt, st.machine.UpdatedAt = s.now(), s.now()
		after, err = toRow(st.machine)
	} else {
		after, err = s.nextRow(st.before, st.machine)
	}
	if err != nil {
		return inventory.Event{}, "", err
	}
	b, a, _, err := changedParts(st.before, after)
	if err != nil {
		return inventory.Event{}, "", err
	}
	if st.password, err = s.passwordDiffers(tx, st); err != nil {
		return inventory.Event{}, "", err
	}
	outcome := "changed"
	switch {
	case isNew:
		outcome = "added"
	case a == nil && !st.password:
		return inventory.Event{}, "same", nil
	}
	if st.password && !isNew {
		reason += ", with a new BMC password"
	}
	e := inventory.Event{Machine: after.ID, Name: after.Name, Actor: actor, Kind: "import", Reason: reason, Before: b, After: a}
	if dryRun {
		return e, outcome, nil
	}
	return e, outcome, s.storeStep(ctx, tx, st, after)
}

func (s *Store) storeStep(ctx context.Context, tx *gorm.DB, st *step, after machineRow) error {
	if st.before.ID == "" {
		if err := s.insert(tx, after); err != nil {
			return err
		}
	} else {
		var facts string // they were not read with the rest, and stay
		if err := tx.Model(&machineRow{}).Where("id = ?", after.ID).Select("facts").Take(&facts).Error; err != nil {
			return err
		}
		after.Facts = facts
		if err := s.update(tx, st.before, after); err != nil {
			return err
		}
	}
	if st.password {
		if err := s.savePassword(tx, after.ID, st.planned.Password); err != nil {
			return err
		}
	}
	return s.queue(ctx, tx, after.ID)
}

// passwordDiffers tells whether a manifest brings another password than the stored one.
func (s *Store) passwordDiffers(tx *gorm.DB, st *step) (bool, error) {
	if st.planned.Password.Empty() || st.before.ID != "" && keepsLogin(st) {
		return false, nil
	}
	if st.before.ID == "" {
		return true, nil
	}
	stored, err := s.pair(tx, st.before.ID)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the BMC password of machine %s: %w", st.before.ID, err)
	}
	return stored.Current.Reveal() != st.planned.Password.Reveal(), nil
}
