package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"socle/inventory"
	"socle/inventory/acceptance"
)

type waiverRow struct {
	ID          string `gorm:"primaryKey"`
	Machine     string
	Name        string
	Finding     string
	Reason      string
	Actor       string
	Time        int64
	Until       int64
	WithdrawnBy string
	WithdrawnAt int64
}

// TableName implements gorm's Tabler.
func (waiverRow) TableName() string { return "waivers" }

func (r waiverRow) waiver() (acceptance.Waiver, error) {
	w := acceptance.Waiver{ID: r.ID, MachineID: r.Machine, Machine: r.Name, Reason: r.Reason, By: r.Actor, At: instant(r.Time), Until: instant(r.Until)}
	if r.WithdrawnAt != 0 {
		w.Withdrawn = &acceptance.Withdrawal{By: r.WithdrawnBy, At: instant(r.WithdrawnAt)}
	}
	if err := json.Unmarshal([]byte(r.Finding), &w.Finding); err != nil {
		return w, fmt.Errorf("decoding the waiver %s: %w", r.ID, err)
	}
	return w, nil
}

func criteria() shelf { return shelf{"criteria", "criteria", lockCriteria} }

// PutCriteria stores a new version of criteria, as PutBaseline does.
func (s *Store) PutCriteria(ctx context.Context, d inventory.Document) (inventory.Document, error) {
	return s.putDocument(ctx, criteria(), d)
}

// Criteria reads a version of criteria, as Baseline does.
func (s *Store) Criteria(ctx context.Context, name string, version int) (inventory.Document, error) {
	return s.document(ctx, criteria(), name, version)
}

// AllCriteria lists all versions of all criteria, or the newest of each, by name and the newest first.
func (s *Store) AllCriteria(ctx context.Context, newest bool) ([]inventory.Document, error) {
	return s.documents(ctx, criteria(), newest)
}

// Waive stores that a person lets one thing of a machine pass, and gives it its ID and time. The history says so.
func (s *Store) Waive(ctx context.Context, w acceptance.Waiver) (acceptance.Waiver, error) {
	finding, err := json.Marshal(w.Finding)
	if err != nil {
		return w, err
	}
	row := waiverRow{
		ID: uuid.NewString(), Machine: clean(w.MachineID), Finding: string(finding), Reason: cut(w.Reason, 2000), Actor: cut(w.By, 200), Time: micros(s.now()), Until: micros(w.Until),
	}
	err = s.write(ctx, func(tx *gorm.DB) error {
		var m machineRow
		if err := tx.Select("id", "name").Take(&m, "id = ?", row.Machine).Error; err != nil {
			return notFound(err, "reading machine %s", w.MachineID)
		}
		row.Name = m.Name
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return s.append(tx, inventory.Event{Machine: m.ID, Name: m.Name, Actor: row.Actor, Kind: "waiver", Reason: "waived: " + w.Finding.Sentence() + ": " + row.Reason})
	})
	if err != nil {
		return w, fmt.Errorf("waiving something of %s: %w", w.Machine, err)
	}
	return row.waiver()
}

// WithdrawWaiver ends a waiver. One that ended so before stays as it is, without an error; ErrNotFound when there is none.
func (s *Store) WithdrawWaiver(ctx context.Context, id, actor string) (acceptance.Waiver, error) {
	var row waiverRow
	err := s.write(ctx, func(tx *gorm.DB) error {
		if err := tx.Take(&row, "id = ?", clean(id)).Error; err != nil {
			return notFound(err, "reading the waiver %q", id)
		}
		if row.WithdrawnAt != 0 {
			return nil
		}
		row.WithdrawnBy, row.WithdrawnAt = cut(actor, 200), micros(s.now())
		if err := tx.Save(&row).Error; err != nil {
			return err
		}
		w, err := row.waiver()
		if err != nil {
			return err
		}
		return s.append(tx, inventory.Event{Machine: row.Machine, Name: row.Name, Actor: row.WithdrawnBy, Kind: "waiver", Reason: "no longer waived: " + w.Finding.Sentence()})
	})
	if err != nil {
		return acceptance.Waiver{}, fmt.Errorf("withdrawing a waiver: %w", err)
	}
	return row.waiver()
}

// Waivers lists those of one machine, or with "" of all, the oldest first, also those that ended.
func (s *Store) Waivers(ctx context.Context, machineID string) ([]acceptance.Waiver, error) {
	q := s.db.WithContext(ctx).Order("time, id")
	if machineID != "" {
		q = q.Where("machine = ?", clean(machineID))
	}
	var rows []waiverRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading waivers: %w", err)
	}
	all := make([]acceptance.Waiver, 0, len(rows))
	for _, r := range rows {
		w, err := r.waiver()
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	return all, nil
}
