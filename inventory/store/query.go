package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/inventory"
)

type savedQueryRow struct {
	Name  string `gorm:"primaryKey"`
	Query string
	Actor string
	Time  int64
}

// TableName implements gorm's Tabler.
func (savedQueryRow) TableName() string { return "saved_queries" }

func (r savedQueryRow) saved() inventory.SavedQuery {
	return inventory.SavedQuery{Name: r.Name, Query: r.Query, Actor: r.Actor, Time: instant(r.Time)}
}

// SaveQuery gives a search a name, or another search the name that one has.
func (s *Store) SaveQuery(ctx context.Context, q inventory.SavedQuery) (inventory.SavedQuery, error) {
	row := savedQueryRow{Name: clean(q.Name), Query: clean(q.Query), Actor: cut(q.Actor, 200), Time: micros(s.now())}
	err := s.write(ctx, func(tx *gorm.DB) error {
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error; err != nil {
			return err
		}
		return s.append(tx, inventory.Event{Actor: row.Actor, Kind: "search", Reason: fmt.Sprintf("the search %s was saved as %s", row.Query, row.Name)})
	})
	if err != nil {
		return inventory.SavedQuery{}, fmt.Errorf("saving the search %s: %w", q.Name, err)
	}
	return row.saved(), nil
}

// SavedQuery reads one; ErrNotFound when there is none of the name.
func (s *Store) SavedQuery(ctx context.Context, name string) (inventory.SavedQuery, error) {
	var row savedQueryRow
	if err := s.db.WithContext(ctx).Take(&row, "name = ?", clean(name)).Error; err != nil {
		return inventory.SavedQuery{}, notFound(err, "reading the search %q", name)
	}
	return row.saved(), nil
}

// SavedQueries lists them by name.
func (s *Store) SavedQueries(ctx context.Context) ([]inventory.SavedQuery, error) {
	var rows []savedQueryRow
	if err := s.db.WithContext(ctx).Order("name").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading the saved searches: %w", err)
	}
	all := make([]inventory.SavedQuery, 0, len(rows))
	for _, r := range rows {
		all = append(all, r.saved())
	}
	return all, nil
}

// ForgetQuery takes a name away; ErrNotFound when there is none.
func (s *Store) ForgetQuery(ctx context.Context, actor, name string) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		done := tx.Where("name = ?", clean(name)).Delete(&savedQueryRow{})
		if done.Error != nil {
			return done.Error
		}
		if done.RowsAffected == 0 {
			return inventory.ErrNotFound
		}
		return s.append(tx, inventory.Event{Actor: cut(actor, 200), Kind: "search", Reason: fmt.Sprintf("the saved search %s was forgotten", clean(name))})
	})
	if err != nil {
		return fmt.Errorf("forgetting the search %q: %w", name, err)
	}
	return nil
}
