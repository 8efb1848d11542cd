package store

import (
	"context"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"socle/inventory"
)

type rackingRow struct {
	Machine string `gorm:"primaryKey"`
	Place   string
	Actor   string
	Time    int64
}

// TableName implements gorm's Tabler.
func (rackingRow) TableName() string { return "rackings" }

func (r rackingRow) racking() (inventory.Racking, error) {
	out := inventory.Racking{Machine: r.Machine, Actor: r.Actor, Time: instant(r.Time)}
	err := json.Unmarshal([]byte(r.Place), &out.Place)
	return out, err
}

// Rackings are the servers that people put into their racks, by machine ID.
func (s *Store) Rackings(ctx context.Context) (map[string]inventory.Racking, error) {
	var rows []rackingRow
	if err := s.db.WithContext(ctx).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading what was racked: %w", err)
	}
	all := make(map[string]inventory.Racking, len(rows))
	for _, r := range rows {
		one, err := r.racking()
		if err != nil {
			return nil, fmt.Errorf("decoding the racking of machine %s: %w", r.Machine, err)
		}
		all[r.Machine] = one
	}
	return all, nil
}

// SaveRacking writes down that a server stands where its plan says. When it was racked at that place before, nothing is
// changed and the earlier racking comes back with inventory.ErrRacked; a place that changed since is racked anew.
func (s *Store) SaveRacking(ctx context.Context, machineID, actor string) (inventory.Racking, error) {
	row := rackingRow{Actor: cut(actor, 200), Time: micros(s.now())}
	again := false
	err := s.write(ctx, func(tx *gorm.DB) error {
		var m machineRow
		if err := tx.Select("id", "name", "place").Take(&m, "id = ?", clean(machineID)).Error; err != nil {
			return notFound(err, "reading machine %s", machineID)
		}
		var old rackingRow
		if err := tx.Where("machine = ?", m.ID).Limit(1).Find(&old).Error; err != nil {
			return err
		}
		if again = old.Machine != "" && old.Place == m.Place; again {
			row = old
			return nil
		}
		row.Machine, row.Place = m.ID, m.Place
		if err := tx.Save(&row).Error; err != nil {
			return err
		}
		place, err := row.racking()
		if err != nil {
			return err
		}
		return s.append(tx, inventory.Event{Machine: m.ID, Name: m.Name, Actor: row.Actor, Kind: "racked", Reason: fmt.Sprintf("it was put into rack %s, U %d", place.Place.RackName(), place.Place.U)})
	})
	if err != nil {
		return inventory.Racking{}, fmt.Errorf("writing down that machine %s was racked: %w", machineID, err)
	}
	out, err := row.racking()
	if err == nil && again {
		err = fmt.Errorf("by %s at %s: %w", out.Actor, out.Time.Format("2006-01-02 15:04 MST"), inventory.ErrRacked)
	}
	return out, err
}
