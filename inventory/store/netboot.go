package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/inventory"
)

// bootTryRow is one way that was tried by one card.
type bootTryRow struct {
	MAC   string `gorm:"column:mac;primaryKey"`
	Path  string `gorm:"primaryKey"`
	Count int
	Last  int64
	Came  bool
}

// TableName implements gorm's Tabler.
func (bootTryRow) TableName() string { return "boot_tries" }

const (
	// triesKept is how many cards' ways are kept: anybody on the network can make up cards.
	triesKept = 20_000
	// tryPause is how long after a try another one by the same way is taken for a part of it: firmware asks more than
	// once, and no server boots twice in that time.
	tryPause = 45 * time.Second
)

// CountTries counts what was tried: lines of boot evidence that name a way. Those without a way or a MAC are passed
// over; it tells whether there were others.
func (s *Store) CountTries(ctx context.Context, lines []inventory.Evidence) (counted bool, err error) {
	var tries []inventory.Evidence
	for _, e := range lines {
		if e.Path != "" && inventory.NormalizeMAC(e.MAC) != "" {
			tries = append(tries, e)
		}
	}
	if len(tries) == 0 {
		return false, nil
	}
	err = s.quietly(ctx, func(tx *gorm.DB) error {
		for _, e := range tries {
			if err := countTry(tx, e); err != nil {
				return err
			}
		}
		var rows int64
		if err := tx.Model(&bootTryRow{}).Count(&rows).Error; err != nil || rows <= triesKept {
			return err
		}
		oldest := tx.Model(&bootTryRow{}).Select("last").Order("last DESC").Offset(triesKept).Limit(1)
		return tx.Where("last <= (?)", oldest).Delete(&bootTryRow{}).Error
	})
	if err != nil {
		return false, fmt.Errorf("counting boots: %w", err)
	}
	return true, nil
}

func countTry(tx *gorm.DB, e inventory.Evidence) error {
	row := bootTryRow{MAC: inventory.NormalizeMAC(e.MAC), Path: cut(string(e.Path), 32)}
	known := tx.Where("mac = ? AND path = ?", row.MAC, row.Path).Limit(1).Find(&row)
	if known.Error != nil {
		return known.Error
	}
	if row.Count > 0 && e.Time.Sub(instant(row.Last)) < tryPause {
		return nil
	}
	row.Count++
	row.Last = micros(e.Time)
	return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error
}

// NetBoots returns what was tried by each card, by MAC.
func (s *Store) NetBoots(ctx context.Context) (map[string]inventory.NetBoot, error) {
	return s.netBoots(s.db.WithContext(ctx))
}

// NetBoot returns what was tried by any of some cards, which are one machine's.
func (s *Store) NetBoot(ctx context.Context, macs []string) (inventory.NetBoot, error) {
	if len(macs) == 0 {
		return inventory.NetBoot{}, nil
	}
	of, err := s.netBoots(s.db.WithContext(ctx).Where("mac IN ?", macs))
	if err != nil {
		return inventory.NetBoot{}, err
	}
	// The card that was tried last is the one that boots.
	var newest inventory.NetBoot
	for _, n := range of {
		if n.Last().Last.After(newest.Last().Last) || newest.Came == "" && len(newest.Tries) == 0 {
			newest = n
		}
	}
	return newest, nil
}

func (s *Store) netBoots(q *gorm.DB) (map[string]inventory.NetBoot, error) {
	var rows []bootTryRow
	if err := q.Order("mac, last, path").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading what boots were tried: %w", err)
	}
	of := make(map[string]inventory.NetBoot, len(rows))
	for _, r := range rows {
		n := of[r.MAC]
		if r.Count > 0 {
			n.Tries = append(n.Tries, inventory.BootTry{Path: inventory.BootPath(r.Path), Count: r.Count, Last: instant(r.Last)})
		}
		if r.Came {
			n.Came = inventory.BootPath(r.Path)
		}
		of[r.MAC] = n
	}
	return of, nil
}

// ForgetTries begins the counts of a machine's cards anew. When an agent has spoken, the way that was tried last is
// the one by which it came; that is kept where it is not what the card would begin with anyway.
func (s *Store) ForgetTries(ctx context.Context, macs []string, spoken bool) error {
	n, err := s.NetBoot(ctx, macs)
	if err != nil || len(n.Tries) == 0 {
		return err
	}
	if spoken {
		n.Came = n.Last().Path
	}
	keep := n.Came == inventory.PathDrivers || n.Came == inventory.PathBIOSDrivers || n.Came == inventory.PathSigned
	err = s.quietly(ctx, func(tx *gorm.DB) error {
		if err := tx.Where("mac IN ? AND (path <> ? OR ?)", macs, string(n.Came), !keep).Delete(&bootTryRow{}).Error; err != nil || !keep {
			return err
		}
		return tx.Model(&bootTryRow{}).Where("mac IN ?", macs).Updates(map[string]any{"count": 0, "came": true}).Error
	})
	if err != nil {
		return fmt.Errorf("forgetting what boots were tried: %w", err)
	}
	return nil
}
