package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/inventory"
)

type sessionRow struct {
	ID        string `gorm:"primaryKey"`
	Machine   string
	BootID    string
	StartedAt int64
	SeenAt    int64
	EndedAt   int64
}

// TableName implements gorm's Tabler.
func (sessionRow) TableName() string { return "sessions" }

func (r sessionRow) session() inventory.Session {
	return inventory.Session{
		ID: r.ID, Machine: r.Machine, BootID: r.BootID,
		StartedAt: instant(r.StartedAt), SeenAt: instant(r.SeenAt), EndedAt: instant(r.EndedAt),
	}
}

// StartSession stores the session of a boot. In the same transaction the machine's older sessions end, with
// their tokens, and their unfinished orders are lost: an order does not outlive its boot. Starting a session
// that is there already does nothing.
func (s *Store) StartSession(ctx context.Context, n inventory.Session) error {
	if n.ID == "" {
		return errors.New("starting a session: it has no ID")
	}
	if n.StartedAt.IsZero() {
		n.StartedAt = s.now()
	}
	if n.SeenAt.IsZero() {
		n.SeenAt = n.StartedAt
	}
	err := s.write(ctx, func(tx *gorm.DB) error {
		m, err := lockMachine(tx, n.Machine)
		if err != nil {
			return err
		}
		var same int64
		if err := tx.Model(&sessionRow{}).Where("id = ?", n.ID).Count(&same).Error; err != nil || same > 0 {
			return err
		}
		events, err := s.endSessions(tx, m, "machine = ? AND ended_at = 0", n.Machine)
		if err != nil {
			return err
		}
		row := sessionRow{
			ID: n.ID, Machine: n.Machine, BootID: clean(n.BootID), StartedAt: micros(n.StartedAt), SeenAt: micros(n.SeenAt), EndedAt: micros(n.EndedAt),
		}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		if err := seen(tx, n.Machine, n.SeenAt); err != nil {
			return err
		}
		if err := s.queue(ctx, tx, n.Machine); err != nil {
			return err
		}
		return s.append(tx, append(events, inventory.Event{
			Machine: m.ID, Name: m.Name, Actor: inventory.ActorAgent, Kind: "session", Reason: "the agent came up in a new boot",
		})...)
	})
	if err != nil {
		return fmt.Errorf("starting a session of machine %s: %w", n.Machine, err)
	}
	return nil
}

// lockMachine reads a machine and keeps other transactions from changing it until this one ends.
func lockMachine(tx *gorm.DB, id string) (machineRow, error) {
	var m machineRow
	err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&m, "id = ?", id).Error
	if err != nil {
		return m, notFound(err, "reading machine %s", id)
	}
	return m, nil
}

// endSessions ends sessions of a machine with all that hangs on them, and returns the events to append.
func (s *Store) endSessions(tx *gorm.DB, m machineRow, where string, args ...any) ([]inventory.Event, error) {
	var ids []string
	if err := tx.Model(&sessionRow{}).Where(where, args...).Pluck("id", &ids).Error; err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, nil
	}
	now := micros(s.now())
	if err := tx.Model(&sessionRow{}).Where("id IN ?", ids).Update("ended_at", now).Error; err != nil {
		return nil, err
	}
	if err := s.revoke(tx, "kind = ? AND subject IN ?", inventory.TokenSession, ids); err != nil {
		return nil, err
	}
	var open []orderRow
	unfinished := tx.Where("session IN ? AND state IN ?", ids, []inventory.OrderState{inventory.OrderIssued, inventory.OrderTaken})
	if err := unfinished.Order("num").Find(&open).Error; err != nil {
		return nil, err
	}
	events := make([]inventory.Event, 0, len(open)+1)
	for _, o := range open {
		err := tx.Model(&orderRow{}).Where("num = ?", o.Num).Updates(map[string]any{
			"state": inventory.OrderLost, "ended_at": now, "message": "its boot ended before a final report came",
		}).Error
		if err != nil {
			return nil, err
		}
		events = append(events, inventory.Event{
			Machine: m.ID, Name: m.Name, Actor: inventory.ActorAgent, Kind: "order",
			Reason: o.Kind + " is lost: its boot ended before a final report came",
		})
	}
	return events, nil
}

// Session finds a session by its ID, also one that has ended.
func (s *Store) Session(ctx context.Context, id string) (inventory.Session, error) {
	var row sessionRow
	if err := s.db.WithContext(ctx).Take(&row, "id = ?", clean(id)).Error; err != nil {
		return inventory.Session{}, notFound(err, "reading session %s", id)
	}
	return row.session(), nil
}

// LiveSession finds the session of the machine's present boot; ErrNotFound when no agent runs.
func (s *Store) LiveSession(ctx context.Context, machineID string) (inventory.Session, error) {
	var row sessionRow
	if err := s.db.WithContext(ctx).Take(&row, "machine = ? AND ended_at = 0", machineID).Error; err != nil {
		return inventory.Session{}, notFound(err, "reading the live session of machine %s", machineID)
	}
	return row.session(), nil
}

// TouchSession notes a sign of life of a live session and of its machine; ErrSessionEnded when it is over.
func (s *Store) TouchSession(ctx context.Context, id string, at time.Time) error {
	err := s.quietly(ctx, func(tx *gorm.DB) error {
		var row sessionRow
		if err := tx.Take(&row, "id = ?", clean(id)).Error; err != nil {
			return notFound(err, "reading it")
		}
		if row.EndedAt != 0 {
			return ErrSessionEnded
		}
		if err := seen(tx, row.Machine, at); err != nil {
			return err
		}
		return tx.Model(&sessionRow{}).Where("id = ? AND seen_at < ?", row.ID, micros(at)).Update("seen_at", micros(at)).Error
	})
	if err != nil {
		return fmt.Errorf("touching session %s: %w", id, err)
	}
	return nil
}

// EndSession ends a session, with its tokens and its unfinished orders. One that has ended stays as it is.
func (s *Store) EndSession(ctx context.Context, id string) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		var row sessionRow
		if err := tx.Take(&row, "id = ?", clean(id)).Error; err != nil {
			return notFound(err, "reading it")
		}
		m, err := lockMachine(tx, row.Machine)
		if err != nil {
			return err
		}
		events, err := s.endSessions(tx, m, "id = ? AND ended_at = 0", row.ID)
		if err != nil {
			return err
		}
		if err := s.queue(ctx, tx, row.Machine); err != nil {
			return err
		}
		return s.append(tx, events...)
	})
	if err != nil {
		return fmt.Errorf("ending session %s: %w", id, err)
	}
	return nil
}

// seen notes a sign of life, which is no change of the machine: it counts no version and leaves no event.
func seen(tx *gorm.DB, machineID string, at time.Time) error {
	return tx.Model(&machineRow{}).Where("id = ? AND seen_at < ?", machineID, micros(at)).UpdateColumn("seen_at", micros(at)).Error
}
