package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"socle/inventory"
	"socle/inventory/cabling"
)

// Whole is what another system knows of a room: racks and devices, servers, and their cables.
type Whole struct {
	Fixtures []inventory.PlannedFixture
	Machines []Planned
	Cables   []cabling.Cable
}

// WholeResult tells what an import of it did.
type WholeResult struct {
	Fixtures, Machines ImportResult
	Cables             []cabling.Change
	SameCables         int
}

// WholeConflicts are all conflicts of one import; nothing was stored.
type WholeConflicts struct {
	Fixtures, Machines Conflicts
	Cables             cabling.Conflicts
}

// Count is how many there are.
func (c WholeConflicts) Count() int { return len(c.Fixtures) + len(c.Machines) + len(c.Cables) }

// Error lists them, one a line.
func (c WholeConflicts) Error() string {
	return "importing racks, servers and cables: " + inventory.Plural(c.Count(), "conflict") + ", nothing was imported" +
		fmt.Sprintf("\n%v\n%v\n%v", c.Fixtures, c.Machines, c.Cables)
}

// ImportWhole imports all of it in one transaction, as ImportFixtures, Import and ImportCables do of their parts: who
// stands in whose place is judged by what all of them say. The error is WholeConflicts when anything contradicts.
func (s *Store) ImportWhole(ctx context.Context, w Whole, actor string, dryRun bool) (result WholeResult, err error) {
	run := s.write
	if dryRun {
		run = s.quietly
	}
	err = run(ctx, func(tx *gorm.DB) error {
		result = WholeResult{}
		for _, key := range []int64{lockIdentity, lockCables} {
			if err := s.lock(tx, key); err != nil {
				return err
			}
		}
		return s.importWhole(ctx, tx, w, actor, dryRun, &result)
	})
	var conflicts WholeConflicts
	switch {
	case errors.As(err, &conflicts):
		return WholeResult{}, conflicts
	case err != nil:
		return WholeResult{}, fmt.Errorf("importing racks, servers and cables: %w", err)
	}
	return result, nil
}

func (s *Store) importWhole(ctx context.Context, tx *gorm.DB, w Whole, actor string, dryRun bool, result *WholeResult) error {
	fixtures, err := readFixtures(tx)
	if err != nil {
		return err
	}
	places, err := readPlaces(tx)
	if err != nil {
		return err
	}
	cables, err := readCables(tx)
	if err != nil {
		return err
	}
	var bad WholeConflicts
	steps, conflicts, logins, err := s.planImport(tx, overlaid(fixtures, w.Fixtures), w.Machines)
	if err != nil {
		return err
	}
	bad.Machines = conflicts
	moving := map[string]bool{}
	for _, st := range steps {
		moving["machine "+st.before.Name] = true
	}
	staying := slices.DeleteFunc(places, func(c inventory.PlaceClaim) bool { return moving[c.Who] })
	bad.Fixtures = crowded(fixtures, staying, w.Fixtures)
	result.Cables, result.SameCables, bad.Cables = cabling.Diff(cables, w.Cables, false)
	if bad.Count() > 0 {
		return bad
	}
	if err := s.putFixtures(tx, fixtures, w.Fixtures, actor, dryRun, &result.Fixtures); err != nil {
		return err
	}
	if err := s.carryOut(ctx, tx, steps, logins, actor, dryRun, &result.Machines); err != nil {
		return err
	}
	if dryRun || len(result.Cables) == 0 {
		return nil
	}
	return s.changeCables(tx, result.Cables, actor)
}

// overlaid is what is known with what a floor plan says.
func overlaid(known []inventory.Fixture, planned []inventory.PlannedFixture) []inventory.Fixture {
	at := map[string]int{}
	all := slices.Clone(known)
	for i, f := range all {
		at[f.Key()] = i
	}
	for _, p := range planned {
		if i, there := at[p.Key()]; there {
			all[i] = p.Fixture
			continue
		}
		at[p.Key()] = len(all)
		all = append(all, p.Fixture)
	}
	return all
}
