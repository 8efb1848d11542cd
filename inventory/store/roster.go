package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"socle/inventory"
)

// Roster returns all machines by name, without their facts: these are most of what a machine is, in the database and to
// decode, and who looks at all machines at once mostly wants none of them.
func (s *Store) Roster(ctx context.Context) ([]inventory.Machine, error) {
	return s.roster(s.db.WithContext(ctx))
}

// Named are those of the roster that have one of a few names.
func (s *Store) Named(ctx context.Context, names ...string) ([]inventory.Machine, error) {
	return s.roster(s.db.WithContext(ctx).Where("name IN ?", names))
}

func (s *Store) roster(q *gorm.DB) ([]inventory.Machine, error) {
	var rows []machineRow
	if err := q.Omit("facts").Order("name").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading machines: %w", err)
	}
	return machines(rows)
}

// OrdersInProgress returns the newest unfinished order of each machine that has one, by machine ID, without what it
// was ordered with.
func (s *Store) OrdersInProgress(ctx context.Context) (map[string]inventory.Order, error) {
	db := s.db.WithContext(ctx)
	var rows []orderRow
	err := db.Omit("params", "result").Where("session IN (?)", db.Model(&sessionRow{}).Select("id").Where("ended_at = 0")).
		Where("state IN ?", []inventory.OrderState{inventory.OrderIssued, inventory.OrderTaken}).Order("num").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("reading the orders in progress: %w", err)
	}
	all := make(map[string]inventory.Order, len(rows))
	for _, r := range rows {
		if all[r.Machine], err = s.order(r); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// lateOrders is how many numbers before the last one are looked at again: on PostgreSQL a transaction may commit after
// another one that began later and has a higher number.
const lateOrders = 256

// OrdersSince returns the sessions that have orders numbered after num which no agent has taken yet, and the number to
// go on from. What was told once may be told again.
func (s *Store) OrdersSince(ctx context.Context, num int64) (sessions []string, last int64, err error) {
	db := s.db.WithContext(ctx)
	if err := db.Model(&orderRow{}).Select("COALESCE(MAX(num), 0)").Scan(&last).Error; err != nil {
		return nil, num, fmt.Errorf("numbering orders: %w", err)
	}
	err = db.Model(&orderRow{}).Where("num > ? AND state = ?", num-lateOrders, inventory.OrderIssued).Distinct().Pluck("session", &sessions).Error
	if err != nil {
		return nil, num, fmt.Errorf("looking for new orders: %w", err)
	}
	return sessions, last, nil
}

// EndedSince returns the sessions that ended at a time or later.
func (s *Store) EndedSince(ctx context.Context, at time.Time) (sessions []string, err error) {
	if err := s.db.WithContext(ctx).Model(&sessionRow{}).Where("ended_at >= ?", micros(at)).Pluck("id", &sessions).Error; err != nil {
		return nil, fmt.Errorf("looking for sessions that ended: %w", err)
	}
	return sessions, nil
}
