package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

type settingRow struct {
	Name  string `gorm:"primaryKey"`
	Value string
}

// TableName implements gorm's Tabler.
func (settingRow) TableName() string { return "settings" }

// SetSetting stores a value under a key.
func (s *Store) SetSetting(ctx context.Context, key, value string) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&settingRow{Name: key, Value: value}).Error
	})
	if err != nil {
		return fmt.Errorf("storing setting %s: %w", key, err)
	}
	return nil
}

// Setting reads the value under a key; ErrNotFound when there is none.
func (s *Store) Setting(ctx context.Context, key string) (string, error) {
	var row settingRow
	if err := s.db.WithContext(ctx).Take(&row, "name = ?", key).Error; err != nil {
		return "", notFound(err, "reading setting %s", key)
	}
	return row.Value, nil
}
