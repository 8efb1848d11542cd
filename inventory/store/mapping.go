package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/inventory"
)

type mappingRow struct {
	Name  string `gorm:"primaryKey"`
	Text  string
	Actor string
	Time  int64
}

// TableName implements gorm's Tabler.
func (mappingRow) TableName() string { return "mappings" }

func (r mappingRow) mapping() inventory.Mapping {
	return inventory.Mapping{Name: r.Name, Text: r.Text, Actor: r.Actor, Time: instant(r.Time)}
}

// PutMapping stores a mapping in place of what had its name; the same text once more changes nothing.
func (s *Store) PutMapping(ctx context.Context, m inventory.Mapping) (inventory.Mapping, error) {
	row := mappingRow{Name: clean(m.Name), Text: clean(m.Text), Actor: cut(m.Actor, 200), Time: micros(s.now())}
	err := s.write(ctx, func(tx *gorm.DB) error {
		var had mappingRow
		if err := tx.Where("name = ?", row.Name).Limit(1).Find(&had).Error; err != nil {
			return err
		}
		if had.Name != "" && had.Text == row.Text {
			row = had
			return nil
		}
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error; err != nil {
			return err
		}
		return s.append(tx, inventory.Event{Actor: row.Actor, Kind: "mapping", Reason: "the mapping " + row.Name + " was put"})
	})
	if err != nil {
		return inventory.Mapping{}, fmt.Errorf("storing the mapping %s: %w", m.Name, err)
	}
	return row.mapping(), nil
}

// Mapping reads one; ErrNotFound when there is none of this name.
func (s *Store) Mapping(ctx context.Context, name string) (inventory.Mapping, error) {
	var row mappingRow
	if err := s.db.WithContext(ctx).Take(&row, "name = ?", clean(name)).Error; err != nil {
		return inventory.Mapping{}, notFound(err, "reading the mapping %q", name)
	}
	return row.mapping(), nil
}

// Mappings lists them by name.
func (s *Store) Mappings(ctx context.Context) ([]inventory.Mapping, error) {
	var rows []mappingRow
	if err := s.db.WithContext(ctx).Order("name").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading the mappings: %w", err)
	}
	all := make([]inventory.Mapping, 0, len(rows))
	for _, r := range rows {
		all = append(all, r.mapping())
	}
	return all, nil
}

// DeleteMapping takes one away; ErrNotFound when there is none of this name.
func (s *Store) DeleteMapping(ctx context.Context, name, actor string) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		res := tx.Delete(&mappingRow{}, "name = ?", clean(name))
		if res.Error == nil && res.RowsAffected == 0 {
			res.Error = gorm.ErrRecordNotFound
		}
		if res.Error != nil {
			return res.Error
		}
		return s.append(tx, inventory.Event{Actor: cut(actor, 200), Kind: "mapping", Reason: "the mapping " + clean(name) + " was deleted"})
	})
	if err != nil {
		return notFound(err, "deleting the mapping %q", name)
	}
	return nil
}
