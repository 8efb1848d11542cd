package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"
)

// LastMeasured tells of each machine when its newest values of a metric, or of those below it, were measured: of "disk"
// those of disk.read.random, too. The values are not read.
func (s *Store) LastMeasured(ctx context.Context, metric string) (map[string]time.Time, error) {
	metric = clean(metric)
	var rows []struct {
		Machine string
		Last    int64
	}
	err := s.db.WithContext(ctx).Model(&measurementRow{}).Select("machine, MAX(time) AS last").
		Where("newest AND (metric = ? OR SUBSTR(metric, 1, ?) = ?)", metric, utf8.RuneCountInString(metric)+1, metric+".").Group("machine").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("reading when %s was measured: %w", metric, err)
	}
	all := make(map[string]time.Time, len(rows))
	for _, r := range rows {
		all[r.Machine] = instant(r.Last)
	}
	return all, nil
}

// Products tells what the firmware of machines whose model nobody named says that they are, by machine; of all of them, or
// of the given ones. Of their facts nothing else is read.
func (s *Store) Products(ctx context.Context, ids ...string) (map[string]string, error) {
	q := s.db.WithContext(ctx).Model(&machineRow{}).Select("id", "facts").Where("model = '' AND facts <> ''")
	if len(ids) > 0 {
		q = q.Where("id IN ?", ids)
	}
	var rows []machineRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading the products of machines: %w", err)
	}
	all := make(map[string]string, len(rows))
	for _, r := range rows {
		var facts struct {
			System struct {
				Product string `json:"product"`
			} `json:"system"`
		}
		if err := json.Unmarshal([]byte(r.Facts), &facts); err != nil {
			return nil, fmt.Errorf("reading the product of machine %s: %w", r.ID, err)
		}
		all[r.ID] = facts.System.Product
	}
	return all, nil
}
