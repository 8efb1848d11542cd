package store

import (
	"context"
	"encoding/json"
	"fmt"

	"socle/inventory"
)

// Census counts the machines by what matters of a whole fleet.
type Census struct {
	States map[inventory.State]int
	Faults map[inventory.FaultKind]int
	Held   int
}

// Census counts, without reading the machines.
func (s *Store) Census(ctx context.Context) (Census, error) {
	c := Census{States: map[inventory.State]int{}, Faults: map[inventory.FaultKind]int{}}
	var groups []struct {
		State string
		Held  bool
		N     int
	}
	db := s.db.WithContext(ctx).Model(&machineRow{})
	if err := db.Select("state, hold <> '' AS held, COUNT(*) AS n").Group("state, hold <> ''").Find(&groups).Error; err != nil {
		return c, fmt.Errorf("counting machines: %w", err)
	}
	for _, g := range groups {
		c.States[inventory.State(g.State)] += g.N
		if g.Held {
			c.Held += g.N
		}
	}
	var faults []string
	if err := s.db.WithContext(ctx).Model(&machineRow{}).Where("fault <> ''").Pluck("fault", &faults).Error; err != nil {
		return c, fmt.Errorf("counting faults: %w", err)
	}
	for _, text := range faults {
		var f inventory.Fault
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			return c, fmt.Errorf("counting faults: %w", err)
		}
		c.Faults[f.Kind]++
	}
	return c, nil
}
