package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/inventory"
)

type lightRow struct {
	Machine string `gorm:"primaryKey"`
	Actor   string
	Since   int64
	Until   int64
	Name    string `gorm:"->"` // the machine's, where it was joined
}

// TableName implements gorm's Tabler.
func (lightRow) TableName() string { return "lights" }

// Light remembers that a machine's locator light is on. It is written before the BMC is asked, so that a light whose time
// is over is switched off whatever happens in between.
func (s *Store) Light(ctx context.Context, l inventory.Lit) error {
	row := lightRow{Machine: l.Machine, Actor: cut(l.Actor, 200), Since: micros(l.Since), Until: micros(l.Until)}
	err := s.quietly(ctx, func(tx *gorm.DB) error {
		return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error
	})
	if err != nil {
		return fmt.Errorf("remembering the locator light of %s: %w", l.Name, err)
	}
	return nil
}

// Unlight forgets a light that is off. With a time it forgets only one that was to be on until then: somebody may have
// switched it on again meanwhile.
func (s *Store) Unlight(ctx context.Context, machineID string, until time.Time) error {
	err := s.quietly(ctx, func(tx *gorm.DB) error {
		q := tx.Where("machine = ?", machineID)
		if !until.IsZero() {
			q = q.Where("until = ?", micros(until))
		}
		return q.Delete(&lightRow{}).Error
	})
	if err != nil {
		return fmt.Errorf("forgetting the locator light of %s: %w", machineID, err)
	}
	return nil
}

// Lights returns the lights that are on, as far as they were switched on here: first those whose time ends first.
func (s *Store) Lights(ctx context.Context) ([]inventory.Lit, error) {
	var rows []lightRow
	err := s.db.WithContext(ctx).Select("lights.*, machines.name").Joins("JOIN machines ON machines.id = lights.machine").
		Order("lights.until, machines.name").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("reading which locator lights are on: %w", err)
	}
	all := make([]inventory.Lit, 0, len(rows))
	for _, r := range rows {
		all = append(all, inventory.Lit{Machine: r.Machine, Name: r.Name, Actor: r.Actor, Since: instant(r.Since), Until: instant(r.Until)})
	}
	return all, nil
}
