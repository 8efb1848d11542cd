package store

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"gorm.io/gorm"

	"socle/inventory"
)

// sketchColumns are those of machineRow that make a sketch: without facts, which are most of a row.
var sketchColumns = []string{"id", "name", "state", "boot", "in_plan", "identity", "bmc", "address", "fault", "op"}

// Sketches reads the sketches of all machines that changed since the event with number after, and the number to
// go on from. With 0 it reads all. No change is missed: each leaves an event in its transaction, and events are
// seen in their order.
func (s *Store) Sketches(ctx context.Context, after int64) (changed []inventory.Sketch, last int64, err error) {
	db := s.db.WithContext(ctx)
	// First the number, then the rows: a row may be newer than its number, never older.
	if err := db.Model(&eventRow{}).Select("COALESCE(MAX(seq), 0)").Scan(&last).Error; err != nil {
		return nil, 0, fmt.Errorf("reading what changed: %w", err)
	}
	if last == after && after > 0 {
		return nil, last, nil
	}
	q := db.Model(&machineRow{}).Select(sketchColumns)
	if after > 0 {
		q = q.Where("id IN (SELECT machine FROM events WHERE seq > ?)", after)
	}
	var rows []machineRow
	if err := q.Order("created_at, id").Find(&rows).Error; err != nil {
		return nil, 0, fmt.Errorf("reading what machines boot: %w", err)
	}
	changed = make([]inventory.Sketch, 0, len(rows))
	for i := range rows {
		k, err := rows[i].sketch()
		if err != nil {
			return nil, 0, err
		}
		changed = append(changed, k)
	}
	return changed, last, nil
}

// sketch decodes of a row no more than a sketch needs.
func (r *machineRow) sketch() (inventory.Sketch, error) {
	m := inventory.Machine{ID: r.ID, Name: r.Name, State: inventory.State(r.State), Boot: inventory.Boot(r.Boot), InPlan: r.InPlan}
	var err error
	if r.Address != "" {
		m.Address, err = netip.ParseAddr(r.Address)
	}
	for _, p := range []struct {
		column string
		value  any
	}{{r.Identity, &m.Identity}, {r.BMC, &m.BMC}, {r.Fault, &m.Fault}, {r.Op, &m.Op}} {
		if p.column != "" && err == nil {
			err = json.Unmarshal([]byte(p.column), p.value)
		}
	}
	if err != nil {
		return inventory.Sketch{}, fmt.Errorf("decoding machine %s: %w", r.Name, err)
	}
	return m.Sketch(), nil
}

// Sighted notes a sign of life of many machines, in one transaction. It is no change: it leaves no event.
func (s *Store) Sighted(ctx context.Context, ids []string, at time.Time) error {
	err := s.quietly(ctx, func(tx *gorm.DB) error {
		for part := range slices.Chunk(ids, 500) {
			err := tx.Model(&machineRow{}).Where("id IN ? AND seen_at < ?", part, micros(at)).UpdateColumn("seen_at", micros(at)).Error
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("noting that %d machines are alive: %w", len(ids), err)
	}
	return nil
}
