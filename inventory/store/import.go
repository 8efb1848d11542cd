package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/internal/secret"
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
	after    machineRow
	password bool                    // differs from what is stored
	change   *inventory.ImportChange // nil: there is none
}

// Import brings the inventory to what a manifest says, in one transaction: servers that are not known are
// added as Expected, those that are known are changed, a stray that the manifest names is adopted. What a line does not
// say stays as it is known. When anything contradicts what is known, all contradictions are returned as Conflicts and nothing is stored.
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
		fixtures, err := readFixtures(tx)
		if err != nil {
			return err
		}
		steps, conflicts, logins, err := s.planImport(tx, fixtures, planned)
		switch {
		case err != nil:
			return err
		case len(conflicts) > 0:
			return conflicts
		}
		return s.carryOut(ctx, tx, steps, logins, actor, dryRun, &result)
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

// planImport finds what an import of servers does and what contradicts, among these racks and devices.
func (s *Store) planImport(tx *gorm.DB, fixtures []inventory.Fixture, planned []Planned) ([]step, Conflicts, map[string]passwordRow, error) {
	known, err := readKnown(tx)
	if err != nil {
		return nil, nil, nil, err
	}
	logins, err := readLogins(tx)
	if err != nil {
		return nil, nil, nil, err
	}
	steps, conflicts := plan(known, fixtures, logins, planned, s.now())
	return steps, conflicts, logins, nil
}

// readKnown reads all machines without their facts, which are large and not needed here.
func readKnown(tx *gorm.DB) ([]machineRow, error) {
	var rows []machineRow
	err := tx.Omit("facts").Order("name").Find(&rows).Error
	return rows, err
}

// readLogins reads the sealed passwords of all BMCs, by machine.
func readLogins(tx *gorm.DB) (map[string]passwordRow, error) {
	var rows []passwordRow
	if err := tx.Find(&rows).Error; err != nil {
		return nil, err
	}
	all := make(map[string]passwordRow, len(rows))
	for _, r := range rows {
		all[r.MachineID] = r
	}
	return all, nil
}

func (s *Store) carryOut(ctx context.Context, tx *gorm.DB, steps []step, logins map[string]passwordRow, actor string, dryRun bool, result *ImportResult) error {
	var events []inventory.Event
	var todo []*step
	for i := range steps {
		st := &steps[i]
		e, err := s.weigh(st, logins, actor)
		if err != nil {
			return fmt.Errorf("line %d, %s: %w", st.planned.Line, st.machine.Name, err)
		}
		name := st.machine.Name
		switch {
		case st.change == nil:
			result.Same = append(result.Same, name)
			continue
		case st.change.Added:
			result.Added = append(result.Added, name)
		default:
			result.Changed = append(result.Changed, name)
		}
		result.Changes = append(result.Changes, *st.change)
		events, todo = append(events, e), append(todo, st)
	}
	if dryRun {
		return nil
	}
	if err := s.storeSteps(ctx, tx, todo); err != nil {
		return err
	}
	return s.append(tx, events...)
}

// weigh finds what a step changes; nothing, and it has no change.
func (s *Store) weigh(st *step, logins map[string]passwordRow, actor string) (inventory.Event, error) {
	isNew := st.before.ID == ""
	reason := fmt.Sprintf("line %d of a manifest", st.planned.Line)
	var err error
	if isNew {
		st.machine.ID, st.machine.Version = uuid.NewString(), 1
		st.machine.CreatedAt, st.machine.UpdatedAt = s.now(), s.now()
		st.after, err = toRow(st.machine)
	} else {
		st.after, err = s.nextRow(st.before, st.machine)
	}
	if err != nil {
		return inventory.Event{}, err
	}
	b, a, _, err := changedParts(st.before, st.after)
	if err != nil {
		return inventory.Event{}, err
	}
	if st.password, err = s.passwordDiffers(st, logins); err != nil {
		return inventory.Event{}, err
	}
	if !isNew && a == nil && !st.password {
		return inventory.Event{}, nil
	}
	before := inventory.Machine{}
	if !isNew {
		if before, err = st.before.machine(); err != nil {
			return inventory.Event{}, err
		}
	}
	st.change = &inventory.ImportChange{Line: st.planned.Line, Name: st.machine.Name, Added: isNew, Fields: inventory.PlanChanges(before, st.machine)}
	if st.password {
		f := inventory.FieldChange{Field: "bmc_password", After: "set"}
		if _, had := logins[st.before.ID]; had {
			f.Before, f.After = "set", "another"
		}
		st.change.Fields = append(st.change.Fields, f)
		if !isNew {
			reason += ", with a new BMC password"
		}
	}
	return inventory.Event{Machine: st.after.ID, Name: st.after.Name, Actor: actor, Kind: "import", Reason: reason, Before: b, After: a}, nil
}

// storeSteps writes new machines with few statements, and changed ones one by one, and queues the work of all.
func (s *Store) storeSteps(ctx context.Context, tx *gorm.DB, steps []*step) error {
	var rows []machineRow
	var macs []macRow
	var passwords []passwordRow
	for _, st := range steps {
		if st.password {
			row, err := s.seal(st.after.ID, secret.Pair{Current: st.planned.Password})
			if err != nil {
				return err
			}
			passwords = append(passwords, row)
		}
		if st.before.ID == "" {
			rows, macs = append(rows, st.after), append(macs, macsOf(st.machine)...)
			continue
		}
		// Facts were not read with the rest, and stay.
		if err := s.update(tx, st.before, st.after, "facts"); err != nil {
			return fmt.Errorf("line %d, %s: %w", st.planned.Line, st.machine.Name, err)
		}
	}
	if len(rows) > 0 {
		if err := tx.CreateInBatches(&rows, importBatch).Error; err != nil {
			return err
		}
	}
	if len(macs) > 0 {
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(&macs, importBatch).Error; err != nil {
			return err
		}
	}
	if len(passwords) > 0 {
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).CreateInBatches(&passwords, importBatch).Error; err != nil {
			return err
		}
	}
	for _, st := range steps {
		if err := s.queue(ctx, tx, st.after.ID); err != nil {
			return err
		}
	}
	return nil
}

// importBatch is how many rows one statement adds.
const importBatch = 200

// passwordDiffers tells whether a manifest brings another password than the stored one.
func (s *Store) passwordDiffers(st *step, logins map[string]passwordRow) (bool, error) {
	if st.planned.Password.Empty() || st.before.ID != "" && keepsLogin(st) {
		return false, nil
	}
	row, had := logins[st.before.ID]
	if !had {
		return true, nil
	}
	stored, err := s.unsealPair(row.Sealed, row.Other, st.before.ID)
	if err != nil {
		return false, fmt.Errorf("reading the BMC password of machine %s: %w", st.before.ID, err)
	}
	return stored.Current.Reveal() != st.planned.Password.Reveal(), nil
}

// called is how a line of a manifest names its server.
func called(p Planned) string { return cmp.Or(p.Name, p.Identity.Serial) }
