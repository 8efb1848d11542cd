package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/inventory"
)

type findingsRow struct {
	Machine string `gorm:"primaryKey"`
	Source  string `gorm:"primaryKey"`
	Time    int64
	Body    string
}

// TableName implements gorm's Tabler.
func (findingsRow) TableName() string { return "findings" }

// Bounds of what is kept of one source about one machine.
const (
	findingsKept = 500
	findingBytes = 2000
)

// SetFindings replaces what a source found of a machine, and writes down what is new and what is gone. Findings that
// are as they were change nothing but the time.
func (s *Store) SetFindings(ctx context.Context, f inventory.Findings, actor string) error {
	list := boundFindings(f.List)
	body, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("encoding what %s found: %w", f.Source, err)
	}
	row := findingsRow{Machine: clean(f.Machine), Source: string(f.Source), Time: micros(f.Time), Body: string(body)}
	changed := false
	err = s.quietly(ctx, func(tx *gorm.DB) error {
		changed = false
		var m machineRow
		if err := tx.Select("id", "name").Take(&m, "id = ?", row.Machine).Error; err != nil {
			return notFound(err, "reading machine %s", f.Machine)
		}
		var before []findingsRow
		if err := tx.Where("machine = ? AND source = ?", row.Machine, row.Source).Limit(1).Find(&before).Error; err != nil {
			return err
		}
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error; err != nil {
			return err
		}
		var had []inventory.Finding
		if len(before) > 0 {
			if before[0].Body == row.Body {
				return nil
			}
			if err := json.Unmarshal([]byte(before[0].Body), &had); err != nil {
				return err
			}
		}
		words := difference(had, list)
		if words == "" {
			return nil
		}
		changed = true
		return s.append(tx, inventory.Event{Machine: m.ID, Name: m.Name, Actor: actor, Kind: "finding", Reason: words})
	})
	if err != nil {
		return fmt.Errorf("storing what %s found of %s: %w", f.Source, f.Machine, err)
	}
	if changed {
		s.notify()
	}
	return nil
}

func boundFindings(all []inventory.Finding) []inventory.Finding {
	list := make([]inventory.Finding, 0, min(len(all), findingsKept))
	for _, x := range all[:min(len(all), findingsKept)] {
		for _, text := range []*string{&x.Subject, &x.Want, &x.Got, &x.Reason, &x.Remedy, &x.Part, &x.Serial} {
			*text = cut(*text, findingBytes)
		}
		list = append(list, x)
	}
	inventory.SortFindings(list)
	return list
}

// difference says what is new and what is gone, empty when nothing is.
func difference(before, after []inventory.Finding) string {
	had, has := map[string]bool{}, map[string]bool{}
	for _, f := range before {
		had[f.Reason] = true
	}
	var words []string
	for _, f := range after {
		has[f.Reason] = true
		if !had[f.Reason] {
			words = append(words, "found: "+f.Reason)
		}
	}
	for _, f := range before {
		if !has[f.Reason] {
			words = append(words, "no longer: "+f.Reason)
		}
	}
	return strings.Join(words, "; ")
}

// Findings are those of one machine, or with "" of all, by machine and source.
func (s *Store) Findings(ctx context.Context, machineID string) ([]inventory.Findings, error) {
	q := s.db.WithContext(ctx).Order("machine, source")
	if machineID != "" {
		q = q.Where("machine = ?", clean(machineID))
	}
	var rows []findingsRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading findings: %w", err)
	}
	all := make([]inventory.Findings, 0, len(rows))
	for _, r := range rows {
		f := inventory.Findings{Machine: r.Machine, Source: inventory.FindingSource(r.Source), Time: instant(r.Time)}
		if err := json.Unmarshal([]byte(r.Body), &f.List); err != nil {
			return nil, fmt.Errorf("reading what %s found of %s: %w", r.Source, r.Machine, err)
		}
		all = append(all, f)
	}
	return all, nil
}
