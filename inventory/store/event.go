package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"socle/inventory"
)

// EventFilter says which part of the history to read; without a limit 100 events, never more than 10,000.
type EventFilter = inventory.EventFilter

type eventRow struct {
	Seq     int64 `gorm:"primaryKey;autoIncrement"`
	Time    int64
	Machine string
	Name    string
	Actor   string
	Kind    string
	Reason  string
	Before  string
	After   string
}

// TableName implements gorm's Tabler.
func (eventRow) TableName() string { return "events" }

// Events reads the history in its order. An event that was read has no later neighbour with a smaller Seq,
// so a reader that goes on from the last Seq misses none.
func (s *Store) Events(ctx context.Context, f EventFilter) ([]inventory.Event, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	q := s.db.WithContext(ctx).Where("seq > ?", f.After).Limit(min(f.Limit, 10000))
	if f.Machine != "" {
		q = q.Where("machine = ? OR machine IN (SELECT id FROM machines WHERE name = ?)", clean(f.Machine), clean(f.Machine))
	}
	if f.Latest {
		q = q.Order("seq DESC")
	} else {
		q = q.Order("seq")
	}
	var rows []eventRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading events: %w", err)
	}
	if f.Latest {
		slices.Reverse(rows)
	}
	events := make([]inventory.Event, 0, len(rows))
	for _, r := range rows {
		events = append(events, inventory.Event{
			Seq: r.Seq, Time: instant(r.Time), Machine: r.Machine, Name: r.Name, Actor: r.Actor, Kind: r.Kind, Reason: r.Reason,
			Before: rawJSON(r.Before), After: rawJSON(r.After),
		})
	}
	return events, nil
}

// Append adds an event that changes no machine. Seq is made by the store, and so is Time when it is zero.
func (s *Store) Append(ctx context.Context, e inventory.Event) error {
	return s.write(ctx, func(tx *gorm.DB) error { return s.append(tx, e) })
}

// append adds events in a transaction. On PostgreSQL numbers are given out before the commit: a reader
// could see 8 before 7 and never come back for 7. So one transaction at a time holds fresh numbers, from
// here to its commit; therefore this is the last thing that a transaction does.
func (s *Store) append(tx *gorm.DB, events ...inventory.Event) error {
	if len(events) == 0 {
		return nil
	}
	if err := s.lock(tx, lockEvents); err != nil {
		return fmt.Errorf("appending to the history: %w", err)
	}
	rows := make([]eventRow, 0, len(events))
	for _, e := range events {
		if e.Time.IsZero() {
			e.Time = s.now()
		}
		before, err := storableJSON(e.Before)
		if err != nil {
			return fmt.Errorf("appending to the history: before: %w", err)
		}
		after, err := storableJSON(e.After)
		if err != nil {
			return fmt.Errorf("appending to the history: after: %w", err)
		}
		rows = append(rows, eventRow{
			Time: micros(e.Time), Machine: clean(e.Machine), Name: clean(e.Name), Actor: cut(e.Actor, 200), Kind: cut(e.Kind, 100),
			Reason: cut(e.Reason, 4096), Before: before, After: after,
		})
	}
	if err := tx.CreateInBatches(&rows, 500).Error; err != nil {
		return fmt.Errorf("appending to the history: %w", err)
	}
	return nil
}

func rawJSON(text string) json.RawMessage {
	if text == "" {
		return nil
	}
	return json.RawMessage(text)
}

// storableJSON checks a JSON text from outside and makes it storable.
func storableJSON(raw json.RawMessage) (string, error) {
	if len(raw) == 0 {
		return "", nil
	}
	if !json.Valid(raw) {
		return "", fmt.Errorf("%d bytes that are no JSON", len(raw))
	}
	return clean(string(raw)), nil
}
