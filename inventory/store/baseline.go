package store

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"socle/inventory"
)

type baselineRow struct {
	Name    string `gorm:"primaryKey"`
	Version int    `gorm:"primaryKey;autoIncrement:false"`
	Text    string
	Actor   string
	Time    int64
}

// TableName implements gorm's Tabler.
func (baselineRow) TableName() string { return "baselines" }

func (r baselineRow) baseline() inventory.Baseline {
	return inventory.Baseline{Name: r.Name, Version: r.Version, Text: r.Text, Actor: r.Actor, Time: instant(r.Time)}
}

// PutBaseline stores a new version of a baseline; one with the text of the newest makes none. The others stay.
func (s *Store) PutBaseline(ctx context.Context, b inventory.Baseline) (inventory.Baseline, error) {
	row := baselineRow{Name: clean(b.Name), Text: clean(b.Text), Actor: cut(b.Actor, 200), Time: micros(s.now())}
	err := s.write(ctx, func(tx *gorm.DB) error {
		if err := s.lock(tx, lockBaselines); err != nil {
			return err
		}
		var newest baselineRow
		if err := tx.Where("name = ?", row.Name).Order("version DESC").Limit(1).Find(&newest).Error; err != nil {
			return err
		}
		if newest.Version > 0 && newest.Text == row.Text {
			row = newest
			return nil
		}
		row.Version = newest.Version + 1
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return s.append(tx, inventory.Event{Actor: row.Actor, Kind: "baseline", Reason: fmt.Sprintf("version %d of the baseline %s was put", row.Version, row.Name)})
	})
	if err != nil {
		return inventory.Baseline{}, fmt.Errorf("storing the baseline %s: %w", b.Name, err)
	}
	return row.baseline(), nil
}

// Baseline reads a version of a baseline, 0: the newest; ErrNotFound when there is none. The
// name may be empty when there is one only, else it is inventory.ErrWhich.
func (s *Store) Baseline(ctx context.Context, name string, version int) (inventory.Baseline, error) {
	if name == "" {
		var names []string
		if err := s.db.WithContext(ctx).Model(&baselineRow{}).Distinct("name").Limit(2).Pluck("name", &names).Error; err != nil {
			return inventory.Baseline{}, fmt.Errorf("reading the baselines: %w", err)
		}
		if len(names) > 1 {
			return inventory.Baseline{}, inventory.ErrWhich
		}
		name = strings.Join(names, "")
	}
	q := s.db.WithContext(ctx).Where("name = ?", clean(name))
	if version > 0 {
		q = q.Where("version = ?", version)
	}
	var row baselineRow
	if err := q.Order("version DESC").Take(&row).Error; err != nil {
		return inventory.Baseline{}, notFound(err, "reading the baseline %q", name)
	}
	return row.baseline(), nil
}

// Baselines lists all versions of all baselines, or of one, by name and the newest first.
func (s *Store) Baselines(ctx context.Context) ([]inventory.Baseline, error) {
	var rows []baselineRow
	if err := s.db.WithContext(ctx).Order("name, version DESC").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading the baselines: %w", err)
	}
	all := make([]inventory.Baseline, 0, len(rows))
	for _, r := range rows {
		all = append(all, r.baseline())
	}
	return all, nil
}
