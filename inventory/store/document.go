package store

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"socle/inventory"
)

type documentRow struct {
	Name    string `gorm:"primaryKey"`
	Version int    `gorm:"primaryKey;autoIncrement:false"`
	Text    string
	Actor   string
	Time    int64
}

func (r documentRow) document() inventory.Document {
	return inventory.Document{Name: r.Name, Version: r.Version, Text: r.Text, Actor: r.Actor, Time: instant(r.Time)}
}

// shelf is one kind of documents, each kind in its own table.
type shelf struct {
	table string
	kind  string // of events, and the word for people
	lock  int64
}

func baselines() shelf { return shelf{"baselines", "baseline", lockBaselines} }
func models() shelf    { return shelf{"models", "model", lockModels} }

// PutBaseline stores a new version of a baseline; one with the text of the newest makes none. The others stay.
func (s *Store) PutBaseline(ctx context.Context, b inventory.Baseline) (inventory.Baseline, error) {
	return s.putDocument(ctx, baselines(), b)
}

// Baseline reads a version of a baseline, 0: the newest; ErrNotFound when there is none. The
// name may be empty when there is one only, else it is inventory.ErrWhich.
func (s *Store) Baseline(ctx context.Context, name string, version int) (inventory.Baseline, error) {
	return s.document(ctx, baselines(), name, version)
}

// Baselines lists all versions of all baselines, by name and the newest first.
func (s *Store) Baselines(ctx context.Context) ([]inventory.Baseline, error) {
	return s.documents(ctx, baselines(), false)
}

// PutModel stores a new version of a model's profile, as PutBaseline does.
func (s *Store) PutModel(ctx context.Context, m inventory.Document) (inventory.Document, error) {
	return s.putDocument(ctx, models(), m)
}

// Model reads a version of a model's profile, as Baseline does.
func (s *Store) Model(ctx context.Context, name string, version int) (inventory.Document, error) {
	return s.document(ctx, models(), name, version)
}

// Models lists all versions of all models' profiles, by name and the newest first.
func (s *Store) Models(ctx context.Context) ([]inventory.Document, error) {
	return s.documents(ctx, models(), false)
}

// NewestModels lists the newest version of each model's profile, by name.
func (s *Store) NewestModels(ctx context.Context) ([]inventory.Document, error) {
	return s.documents(ctx, models(), true)
}

func (s *Store) putDocument(ctx context.Context, on shelf, d inventory.Document) (inventory.Document, error) {
	row := documentRow{Name: clean(d.Name), Text: clean(d.Text), Actor: cut(d.Actor, 200), Time: micros(s.now())}
	err := s.write(ctx, func(tx *gorm.DB) error {
		if err := s.lock(tx, on.lock); err != nil {
			return err
		}
		var newest documentRow
		if err := tx.Table(on.table).Where("name = ?", row.Name).Order("version DESC").Limit(1).Find(&newest).Error; err != nil {
			return err
		}
		if newest.Version > 0 && newest.Text == row.Text {
			row = newest
			return nil
		}
		row.Version = newest.Version + 1
		if err := tx.Table(on.table).Create(&row).Error; err != nil {
			return err
		}
		return s.append(tx, inventory.Event{Actor: row.Actor, Kind: on.kind, Reason: fmt.Sprintf("version %d of the %s %s was put", row.Version, on.kind, row.Name)})
	})
	if err != nil {
		return inventory.Document{}, fmt.Errorf("storing the %s %s: %w", on.kind, d.Name, err)
	}
	return row.document(), nil
}

func (s *Store) document(ctx context.Context, on shelf, name string, version int) (inventory.Document, error) {
	if name == "" {
		var names []string
		if err := s.db.WithContext(ctx).Table(on.table).Distinct("name").Limit(2).Pluck("name", &names).Error; err != nil {
			return inventory.Document{}, fmt.Errorf("reading the %ss: %w", on.kind, err)
		}
		if len(names) > 1 {
			return inventory.Document{}, inventory.ErrWhich
		}
		name = strings.Join(names, "")
	}
	q := s.db.WithContext(ctx).Table(on.table).Where("name = ?", clean(name))
	if version > 0 {
		q = q.Where("version = ?", version)
	}
	var row documentRow
	if err := q.Order("version DESC").Take(&row).Error; err != nil {
		return inventory.Document{}, notFound(err, "reading the %s %q", on.kind, name)
	}
	return row.document(), nil
}

// documents lists all versions, or the newest of each name.
func (s *Store) documents(ctx context.Context, on shelf, newest bool) ([]inventory.Document, error) {
	q := s.db.WithContext(ctx).Table(on.table + " AS d")
	if newest {
		q = q.Where("version = (SELECT MAX(version) FROM " + on.table + " AS o WHERE o.name = d.name)")
	}
	var rows []documentRow
	if err := q.Order("name, version DESC").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading the %ss: %w", on.kind, err)
	}
	all := make([]inventory.Document, 0, len(rows))
	for _, r := range rows {
		all = append(all, r.document())
	}
	return all, nil
}
