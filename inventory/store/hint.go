package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

type hintRow struct {
	Machine string `gorm:"primaryKey"`
	Time    int64
}

// TableName implements gorm's Tabler.
func (hintRow) TableName() string { return "hints" }

// Hint remembers that a machine's BMC has told of something. The process that hears it is not always the one that looks.
func (s *Store) Hint(ctx context.Context, machineID string, at time.Time) error {
	err := s.quietly(ctx, func(tx *gorm.DB) error {
		return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&hintRow{Machine: machineID, Time: micros(at)}).Error
	})
	if err != nil {
		return fmt.Errorf("remembering that the BMC of %s told of something: %w", machineID, err)
	}
	return nil
}

// hintsTaken is how many are taken at a time.
const hintsTaken = 256

// TakeHints returns machines whose BMCs have told of something, and forgets that they did. One that tells of more
// meanwhile is told of again.
func (s *Store) TakeHints(ctx context.Context) ([]string, error) {
	var rows []hintRow
	if err := s.db.WithContext(ctx).Order("time").Limit(hintsTaken).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading which BMCs told of something: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	var taken []string
	err := s.quietly(ctx, func(tx *gorm.DB) error {
		taken = taken[:0]
		for _, r := range rows {
			if err := tx.Where("machine = ? AND time = ?", r.Machine, r.Time).Delete(&hintRow{}).Error; err != nil {
				return err
			}
			taken = append(taken, r.Machine)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("forgetting which BMCs told of something: %w", err)
	}
	return taken, nil
}
