package store

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/inventory"
)

// habitRow is what is known of one make of controllers.
type habitRow struct {
	Vendor   string `gorm:"primaryKey"`
	Model    string `gorm:"primaryKey"`
	Firmware string `gorm:"primaryKey"`
	Kept     int
	Forgot   int
	Streak   int
	Last     int64
}

// TableName implements gorm's Tabler.
func (habitRow) TableName() string { return "boot_habits" }

// maxMake bounds what a controller may say of itself, in bytes.
const maxMake = 200

func makeOf(m inventory.Make) inventory.Make {
	return inventory.Make{Vendor: cut(m.Vendor, maxMake), Model: cut(m.Model, maxMake), Firmware: cut(m.Firmware, maxMake)}
}

// BootHabit is what became of next boots with controllers of a make; nothing yet is no error.
func (s *Store) BootHabit(ctx context.Context, m inventory.Make) (inventory.BootHabit, error) {
	m = makeOf(m)
	var r habitRow
	err := s.db.WithContext(ctx).Take(&r, "vendor = ? AND model = ? AND firmware = ?", m.Vendor, m.Model, m.Firmware).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return inventory.BootHabit{Make: m}, nil
	}
	if err != nil {
		return inventory.BootHabit{}, fmt.Errorf("reading how %s %s boots: %w", m.Vendor, m.Model, err)
	}
	return inventory.BootHabit{Make: m, Kept: r.Kept, Forgot: r.Forgot, Streak: r.Streak, Last: instant(r.Last)}, nil
}

// CountBoot counts a next boot that a controller of a make kept, or forgot.
func (s *Store) CountBoot(ctx context.Context, m inventory.Make, kept bool) error {
	m = makeOf(m)
	row := habitRow{Vendor: m.Vendor, Model: m.Model, Firmware: m.Firmware, Forgot: 1, Streak: 1, Last: micros(s.now())}
	more := map[string]any{"forgot": gorm.Expr("boot_habits.forgot + 1"), "streak": gorm.Expr("boot_habits.streak + 1"), "last": row.Last}
	if kept {
		row.Kept, row.Forgot, row.Streak = 1, 0, 0
		more = map[string]any{"kept": gorm.Expr("boot_habits.kept + 1"), "streak": 0, "last": row.Last}
	}
	err := s.quietly(ctx, func(tx *gorm.DB) error {
		return tx.Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "vendor"}, {Name: "model"}, {Name: "firmware"}},
			DoUpdates: clause.Assignments(more),
		}).Create(&row).Error
	})
	if err != nil {
		return fmt.Errorf("counting how %s %s boots: %w", m.Vendor, m.Model, err)
	}
	return nil
}
