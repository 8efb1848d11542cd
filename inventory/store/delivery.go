package store

import (
	"context"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/inventory"
)

type deliveryRow struct {
	Number   string `gorm:"primaryKey"`
	Vendor   string
	Ordered  int64
	Expected int64
	Lines    string
	Actor    string
	Time     int64
}

// TableName implements gorm's Tabler.
func (deliveryRow) TableName() string { return "deliveries" }

func (r deliveryRow) delivery() (inventory.Delivery, error) {
	d := inventory.Delivery{Number: r.Number, Vendor: r.Vendor, Ordered: instant(r.Ordered), Expected: instant(r.Expected), Actor: r.Actor, Time: instant(r.Time)}
	if err := json.Unmarshal([]byte(r.Lines), &d.Lines); err != nil {
		return d, fmt.Errorf("decoding delivery %s: %w", r.Number, err)
	}
	return d, nil
}

// ImportDeliveries puts orders in place of those that had their numbers, in one transaction, and tells what that did; a dry
// run tells the same. An order that is as it was stays untouched.
func (s *Store) ImportDeliveries(ctx context.Context, all []inventory.Delivery, actor string, dryRun bool) (result inventory.ImportResult, err error) {
	run := s.write
	if dryRun {
		run = s.quietly
	}
	err = run(ctx, func(tx *gorm.DB) error {
		result = inventory.ImportResult{}
		var events []inventory.Event
		for _, d := range all {
			row, outcome, err := s.weighDelivery(tx, d, actor)
			if err != nil {
				return err
			}
			switch outcome {
			case "added":
				result.Added = append(result.Added, d.Number)
			case "changed":
				result.Changed = append(result.Changed, d.Number)
			default:
				result.Same = append(result.Same, d.Number)
				continue
			}
			if dryRun {
				continue
			}
			if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error; err != nil {
				return err
			}
			events = append(events, inventory.Event{Actor: row.Actor, Kind: "delivery", Reason: fmt.Sprintf("delivery %s was %s, with %s", row.Number, outcome, inventory.Plural(len(d.Lines), "line"))})
		}
		return s.append(tx, events...)
	})
	if err != nil {
		return inventory.ImportResult{}, fmt.Errorf("importing orders: %w", err)
	}
	return result, nil
}

func (s *Store) weighDelivery(tx *gorm.DB, d inventory.Delivery, actor string) (row deliveryRow, outcome string, err error) {
	lines, err := json.Marshal(d.Lines)
	if err != nil {
		return row, "", err
	}
	row = deliveryRow{Number: clean(d.Number), Vendor: clean(d.Vendor), Ordered: micros(d.Ordered), Expected: micros(d.Expected), Lines: clean(string(lines)),
		Actor: cut(actor, 200), Time: micros(s.now())}
	var had deliveryRow
	if err := tx.Where("number = ?", row.Number).Limit(1).Find(&had).Error; err != nil {
		return row, "", err
	}
	same := row
	same.Actor, same.Time = had.Actor, had.Time
	switch {
	case had.Number == "":
		return row, "added", nil
	case had == same:
		return row, "same", nil
	default:
		return row, "changed", nil
	}
}

// Deliveries reads all orders by their numbers.
func (s *Store) Deliveries(ctx context.Context) ([]inventory.Delivery, error) {
	var rows []deliveryRow
	if err := s.db.WithContext(ctx).Order("number").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading the deliveries: %w", err)
	}
	all := make([]inventory.Delivery, 0, len(rows))
	for _, r := range rows {
		d, err := r.delivery()
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}
