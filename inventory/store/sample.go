package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/inventory"
)

type sampleRow struct {
	Machine string `gorm:"primaryKey"`
	Step    int64  `gorm:"primaryKey;autoIncrement:false"`
	Place   int64  `gorm:"primaryKey;autoIncrement:false"`
	Time    int64
	Looks   int
	Watts   *float64
	Inlet   *float64
	Hottest *float64
	Fan     *float64
	Health  string
}

// TableName implements gorm's Tabler.
func (sampleRow) TableName() string { return "samples" }

// addSample puts a look into its place of a ring: together with the others of the same step, or over an old one.
func addSample(tx *gorm.DB, l inventory.Look, step inventory.SampleStep) error {
	at := l.Time.Truncate(step.Length)
	place := at.UnixMicro() / step.Length.Microseconds() % int64(step.Kept)
	row := sampleRow{Machine: l.Machine, Step: step.Length.Microseconds(), Place: place}
	if err := tx.Where("machine = ? AND step = ? AND place = ?", row.Machine, row.Step, row.Place).Limit(1).Find(&row).Error; err != nil {
		return err
	}
	if row.Time != micros(at) {
		row = sampleRow{Machine: row.Machine, Step: row.Step, Place: row.Place, Time: micros(at)}
	}
	s, n := l.Sample(), float64(row.Looks)
	mean := func(old, v *float64) *float64 {
		if old == nil || v == nil {
			return either(old, v)
		}
		m := (*old*n + *v) / (n + 1)
		return &m
	}
	row.Watts, row.Inlet = mean(row.Watts, s.Watts), mean(row.Inlet, s.Inlet)
	if row.Hottest == nil || s.Hottest != nil && *s.Hottest > *row.Hottest {
		row.Hottest = either(s.Hottest, row.Hottest)
	}
	if row.Fan == nil || s.Fan != nil && *s.Fan < *row.Fan {
		row.Fan = either(s.Fan, row.Fan)
	}
	row.Health = string(inventory.Health(row.Health).Worse(s.Health))
	row.Looks++
	return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error
}

// either is the first of two that is known.
func either(a, b *float64) *float64 {
	if a != nil {
		return a
	}
	return b
}

// Samples returns the past of a machine from a time on, the oldest first, in the finest steps that reach back so far.
func (s *Store) Samples(ctx context.Context, machineID string, since time.Time) ([]inventory.Sample, error) {
	step := inventory.SampleSteps[len(inventory.SampleSteps)-1]
	for _, one := range inventory.SampleSteps {
		if s.now().Sub(since) <= one.Length*time.Duration(one.Kept) {
			step = one
			break
		}
	}
	oldest := max(micros(since), s.now().Add(-step.Length*time.Duration(step.Kept)).UnixMicro())
	var rows []sampleRow
	err := s.db.WithContext(ctx).Where("machine = ? AND step = ? AND time >= ?", machineID, step.Length.Microseconds(), oldest).Order("time").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("reading how %s was: %w", machineID, err)
	}
	all := make([]inventory.Sample, 0, len(rows))
	for _, r := range rows {
		all = append(all, inventory.Sample{Time: instant(r.Time), Watts: r.Watts, Inlet: r.Inlet, Hottest: r.Hottest, Fan: r.Fan, Health: inventory.Health(r.Health)})
	}
	return all, nil
}
