package store

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/inventory"
)

// measurementsAtOnce bounds what one call stores: a server with 512 cores and 100 disks stays far below.
const measurementsAtOnce = 20000

type measurementRow struct {
	Machine string `gorm:"primaryKey"`
	Metric  string `gorm:"primaryKey"`
	Run     string `gorm:"primaryKey"`
	Subject string `gorm:"primaryKey"`
	Part    string
	Time    int64
	Value   float64
	Unit    string
	Lower   bool
	Newest  bool // of the newest run of this machine that has the metric
}

// TableName implements gorm's Tabler.
func (measurementRow) TableName() string { return "measurements" }

func (r measurementRow) measurement() inventory.Measurement {
	return inventory.Measurement{Machine: r.Machine, Run: r.Run, Time: instant(r.Time), Metric: r.Metric, Subject: r.Subject, Part: r.Part,
		Value: r.Value, Unit: r.Unit, LowerIsBetter: r.Lower}
}

// SaveMeasurements stores what was measured; the same subject measured again in the same run replaces what was there.
// Of each metric of a machine the newest inventory.MeasurementsKept runs are kept. Either all are stored or none.
func (s *Store) SaveMeasurements(ctx context.Context, all ...inventory.Measurement) error {
	rows, touched, err := s.measurementRows(all)
	if err != nil || len(rows) == 0 {
		return err
	}
	err = s.write(ctx, func(tx *gorm.DB) error {
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).CreateInBatches(&rows, 500).Error; err != nil {
			return err
		}
		for machine, metrics := range touched {
			if err := forgetMeasurements(tx, machine, slices.Sorted(maps.Keys(metrics))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("storing %d measurements: %w", len(rows), err)
	}
	return nil
}

// measurementRows are the rows, and the metrics that they are of, by machine. Of what is there twice, the last counts: a
// database does not take one row twice in one statement.
func (s *Store) measurementRows(all []inventory.Measurement) (rows []measurementRow, touched map[string]map[string]bool, err error) {
	if len(all) > measurementsAtOnce {
		return nil, nil, fmt.Errorf("storing %d measurements: at most %d are taken at once", len(all), measurementsAtOnce)
	}
	touched = map[string]map[string]bool{}
	at := map[[4]string]int{}
	rows = make([]measurementRow, 0, len(all))
	for _, m := range all {
		if math.IsNaN(m.Value) || math.IsInf(m.Value, 0) {
			return nil, nil, fmt.Errorf("storing %s of %s: its value is no number", m.Metric, m.Subject)
		}
		if m.Machine == "" || m.Metric == "" || m.Run == "" {
			return nil, nil, fmt.Errorf("storing %q of %q: machine, run and metric are needed", m.Metric, m.Subject)
		}
		if m.Time.IsZero() {
			m.Time = s.now()
		}
		r := measurementRow{Machine: clean(m.Machine), Metric: cut(m.Metric, 100), Run: cut(m.Run, 100), Subject: cut(m.Subject, 200), Part: cut(m.Part, 200),
			Time: micros(m.Time), Value: m.Value, Unit: cut(m.Unit, 32), Lower: m.LowerIsBetter}
		if touched[r.Machine] == nil {
			touched[r.Machine] = map[string]bool{}
		}
		touched[r.Machine][r.Metric] = true
		key := [4]string{r.Machine, r.Metric, r.Run, r.Subject}
		if i, twice := at[key]; twice {
			rows[i] = r
			continue
		}
		at[key] = len(rows)
		rows = append(rows, r)
	}
	return rows, touched, nil
}

// forgetMeasurements keeps the newest runs of some metrics of a machine, and marks the newest of all. Metrics mostly share
// their runs, so that a few statements do for all of them.
func forgetMeasurements(tx *gorm.DB, machine string, metrics []string) error {
	var runs []struct{ Metric, Run string }
	err := tx.Model(&measurementRow{}).Select("metric, run").Where("machine = ? AND metric IN ?", machine, metrics).
		Group("metric, run").Order("metric, MAX(time) DESC, run DESC").Scan(&runs).Error
	if err != nil {
		return err
	}
	newest, old := map[string][]string{}, map[string][]string{} // metrics by run
	nth := 0
	for i, r := range runs {
		if nth++; i == 0 || runs[i-1].Metric != r.Metric {
			nth = 0
			newest[r.Run] = append(newest[r.Run], r.Metric)
		}
		if nth >= inventory.MeasurementsKept {
			old[r.Run] = append(old[r.Run], r.Metric)
		}
	}
	for run, of := range old {
		if err := tx.Where("machine = ? AND metric IN ? AND run = ?", machine, of, run).Delete(&measurementRow{}).Error; err != nil {
			return err
		}
	}
	for run, of := range newest {
		err := tx.Model(&measurementRow{}).Where("machine = ? AND metric IN ? AND newest <> (run = ?)", machine, of, run).
			Update("newest", gorm.Expr("run = ?", run)).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// MeasurementsMark is the same as long as nothing was measured: how many values there are, and when the newest was taken.
func (s *Store) MeasurementsMark(ctx context.Context) (string, error) {
	var mark struct{ Count, Newest int64 }
	if err := s.db.WithContext(ctx).Model(&measurementRow{}).Select("COUNT(*) AS count, COALESCE(MAX(time), 0) AS newest").Scan(&mark).Error; err != nil {
		return "", fmt.Errorf("counting measurements: %w", err)
	}
	return fmt.Sprint(mark.Count, " ", mark.Newest), nil
}

// Measurements reads what was measured, by machine, metric and subject, the newest first.
func (s *Store) Measurements(ctx context.Context, f inventory.MeasurementFilter) ([]inventory.Measurement, error) {
	q := s.db.WithContext(ctx).Order("machine, metric, subject, time DESC, run")
	for _, c := range []struct{ where, value string }{{"machine = ?", f.Machine}, {"run = ?", f.Run}, {"metric = ?", f.Metric}} {
		if c.value != "" {
			q = q.Where(c.where, clean(c.value))
		}
	}
	if f.Newest {
		q = q.Where("newest")
	}
	if !f.Since.IsZero() {
		q = q.Where("time >= ?", f.Since.Truncate(time.Microsecond).UnixMicro())
	}
	var rows []measurementRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading measurements: %w", err)
	}
	all := make([]inventory.Measurement, 0, len(rows))
	for _, r := range rows {
		all = append(all, r.measurement())
	}
	return all, nil
}
