package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/inventory"
)

type alarmRow struct {
	Machine string `gorm:"primaryKey"`
	What    string `gorm:"primaryKey"`
	Health  string
	Text    string
	Since   int64
	Calm    int
	Name    string `gorm:"->"` // the machine's, where it was joined
}

// TableName implements gorm's Tabler.
func (alarmRow) TableName() string { return "alarms" }

const (
	// calmLooks is how many looks in a row must find nothing before an alarm is over: one that comes and goes is one alarm.
	calmLooks = 2
	// alarmsKept bounds the open alarms of one machine.
	alarmsKept = 64
)

// changeAlarms raises and ends alarms as a look says, and returns what is to be told of it.
func changeAlarms(tx *gorm.DB, l inventory.Look, failures int) ([]inventory.Event, error) {
	var rows []alarmRow
	if err := tx.Where("machine = ?", l.Machine).Order("what").Find(&rows).Error; err != nil {
		return nil, err
	}
	open := make(map[string]alarmRow, len(rows))
	for _, r := range rows {
		open[r.What] = r
	}
	var events []inventory.Event
	for _, a := range l.Alarms(failures) {
		row := alarmRow{Machine: l.Machine, What: cut(a.Key, 200), Health: string(a.Health), Text: cut(a.Text, 1024), Since: micros(a.Since)}
		old, known := open[row.What]
		delete(open, row.What)
		if !known && len(rows) >= alarmsKept {
			continue
		}
		if known {
			row.Since = old.Since
			if old.Health == row.Health && old.Text == row.Text && old.Calm == 0 {
				continue
			}
		} else {
			rows = append(rows, row)
		}
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error; err != nil {
			return nil, err
		}
		if !known || old.Health != row.Health {
			events = append(events, lookEvent(l, "alarm", a.Text))
		}
	}
	for _, r := range rows {
		if _, left := open[r.What]; !left || !l.Judges(r.What) {
			continue
		}
		if r.Calm++; r.Calm < calmLooks {
			if err := tx.Model(&alarmRow{}).Where("machine = ? AND what = ?", r.Machine, r.What).Update("calm", r.Calm).Error; err != nil {
				return nil, err
			}
			continue
		}
		if err := tx.Where("machine = ? AND what = ?", r.Machine, r.What).Delete(&alarmRow{}).Error; err != nil {
			return nil, err
		}
		events = append(events, lookEvent(l, "alarm-over", "over: "+r.Text))
	}
	return events, nil
}

// Alarms returns those that are open, of one machine or, with "", of all, by name and what they are about.
func (s *Store) Alarms(ctx context.Context, machineID string) ([]inventory.Alarm, error) {
	var rows []alarmRow
	q := s.db.WithContext(ctx).Select("alarms.*, machines.name").Joins("JOIN machines ON machines.id = alarms.machine")
	if machineID != "" {
		q = q.Where("alarms.machine = ?", machineID)
	}
	if err := q.Order("machines.name, alarms.what").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading alarms: %w", err)
	}
	all := make([]inventory.Alarm, 0, len(rows))
	for _, r := range rows {
		all = append(all, inventory.Alarm{Machine: r.Machine, Name: r.Name, Key: r.What, Health: inventory.Health(r.Health), Text: r.Text, Since: instant(r.Since)})
	}
	return all, nil
}
