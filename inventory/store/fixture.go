package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/inventory"
)

type fixtureRow struct {
	NameKey string `gorm:"primaryKey"`
	Body    string
}

// TableName implements gorm's Tabler.
func (fixtureRow) TableName() string { return "fixtures" }

// Fixtures lists racks and devices by their keys.
func (s *Store) Fixtures(ctx context.Context) ([]inventory.Fixture, error) {
	all, err := readFixtures(s.db.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("reading racks and devices: %w", err)
	}
	return all, nil
}

func readFixtures(tx *gorm.DB) ([]inventory.Fixture, error) {
	var rows []fixtureRow
	if err := tx.Order("name_key").Find(&rows).Error; err != nil {
		return nil, err
	}
	all := make([]inventory.Fixture, len(rows))
	for i, r := range rows {
		if err := json.Unmarshal([]byte(r.Body), &all[i]); err != nil {
			return nil, fmt.Errorf("decoding %s: %w", r.NameKey, err)
		}
	}
	return all, nil
}

// ImportFixtures brings racks and devices to what a floor plan says, in one transaction. What is not in it stays. When
// two stand in one place, or one above the top of its rack, servers included, all that do are returned as Conflicts and
// nothing is stored. A dry run tells the same and stores nothing.
func (s *Store) ImportFixtures(ctx context.Context, planned []inventory.PlannedFixture, actor string, dryRun bool) (result ImportResult, err error) {
	run := s.write
	if dryRun {
		run = s.quietly
	}
	err = run(ctx, func(tx *gorm.DB) error {
		result = ImportResult{}
		if err := s.lock(tx, lockIdentity); err != nil {
			return err
		}
		known, err := readFixtures(tx)
		if err != nil {
			return err
		}
		machines, err := readPlaces(tx)
		if err != nil {
			return err
		}
		if conflicts := crowded(known, machines, planned); len(conflicts) > 0 {
			return conflicts
		}
		return s.putFixtures(tx, known, planned, actor, dryRun, &result)
	})
	var conflicts Conflicts
	if err != nil && !errors.As(err, &conflicts) {
		err = fmt.Errorf("importing a floor plan: %w", err)
	}
	if err != nil {
		return ImportResult{}, err
	}
	return result, nil
}

// readPlaces reads where the machines stand that are not retired.
func readPlaces(tx *gorm.DB) (all []inventory.PlaceClaim, err error) {
	var rows []machineRow
	if err := tx.Select("name", "place").Where("state <> ? AND place <> ''", string(inventory.Retired)).Order("name").Find(&rows).Error; err != nil {
		return nil, err
	}
	for _, r := range rows {
		c := inventory.PlaceClaim{Who: "machine " + r.Name}
		if err := json.Unmarshal([]byte(r.Place), &c.Place); err != nil {
			return nil, fmt.Errorf("decoding machine %s: %w", r.Name, err)
		}
		all = append(all, c)
	}
	return all, nil
}

// crowded finds what would not fit if the floor plan were true: each line, and each server that a rack became too low for.
func crowded(known []inventory.Fixture, machines []inventory.PlaceClaim, planned []inventory.PlannedFixture) (conflicts Conflicts) {
	lines, after := map[string]int{}, map[string]inventory.Fixture{}
	for _, f := range known {
		after[f.Key()] = f
	}
	for _, p := range planned {
		lines[p.Key()], after[p.Key()] = p.Line, p.Fixture
	}
	var all []inventory.Fixture
	claims := slices.Clone(machines)
	for _, f := range after {
		all = append(all, f)
	}
	racks := inventory.RacksByKey(all)
	for key, f := range after {
		if !f.IsRack() {
			claims = append(claims, inventory.PlaceClaim{Who: f.Title(), Line: lines[key], Place: f.Place})
		}
	}
	slices.SortFunc(claims, func(a, b inventory.PlaceClaim) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return strings.Compare(a.Who, b.Who)
	})
	for _, c := range inventory.PlaceClashes(racks, claims) {
		conflicts = append(conflicts, Conflict{Line: c.Claim.Line, Name: c.Claim.Who, Problem: c.Problem})
	}
	for _, c := range claims {
		rack, there := inventory.RackOf(racks, c.Place)
		if line := lines[rack.Key()]; there && line > 0 && c.Line == 0 && c.Place.Known() && c.Place.Top() > rack.Place.Height {
			conflicts = append(conflicts, Conflict{Line: line, Name: rack.Title(), Problem: fmt.Sprintf("%d units are too few: %s ends at U %d", rack.Place.Height, c.Who, c.Place.Top())})
		}
	}
	return conflicts
}

func (s *Store) putFixtures(tx *gorm.DB, known []inventory.Fixture, planned []inventory.PlannedFixture, actor string, dryRun bool, result *ImportResult) error {
	before := map[string]inventory.Fixture{}
	for _, f := range known {
		before[f.Key()] = f
	}
	var rows []fixtureRow
	for _, p := range planned {
		old, there := before[p.Key()]
		c := inventory.ImportChange{Line: p.Line, Name: p.Title(), Added: !there, Fields: inventory.FixtureChanges(old, p.Fixture)}
		switch {
		case len(c.Fields) == 0:
			result.Same = append(result.Same, c.Name)
			continue
		case there:
			result.Changed = append(result.Changed, c.Name)
		default:
			result.Added = append(result.Added, c.Name)
		}
		result.Changes = append(result.Changes, c)
		body, err := json.Marshal(p.Fixture)
		if err != nil {
			return fmt.Errorf("encoding %s: %w", c.Name, err)
		}
		rows = append(rows, fixtureRow{NameKey: cut(p.Key(), 512), Body: clean(string(body))})
	}
	if dryRun || len(rows) == 0 {
		return nil
	}
	if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).CreateInBatches(&rows, 500).Error; err != nil {
		return err
	}
	return s.append(tx, inventory.Event{Actor: actor, Kind: "floor-plan",
		Reason: fmt.Sprintf("a floor plan was imported: %d racks and devices added, %d changed", len(result.Added), len(result.Changed))})
}
