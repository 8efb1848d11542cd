package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/inventory"
	"socle/inventory/cabling"
)

type cableRow struct {
	Server     string `gorm:"primaryKey"`
	PortKey    string `gorm:"primaryKey"` // Port in lower case
	Port       string
	Switch     string
	SwitchPort string
	LinkGroup  string
	Label      string
	Colour     string
	Length     string
}

// TableName implements gorm's Tabler.
func (cableRow) TableName() string { return "cables" }

func (r cableRow) cable() cabling.Cable {
	return cabling.Cable{Server: r.Server, Port: r.Port, Switch: r.Switch, SwitchPort: r.SwitchPort, Group: r.LinkGroup, Label: r.Label, Colour: r.Colour, Length: r.Length}
}

func toCableRow(c cabling.Cable) cableRow {
	return cableRow{
		Server: clean(c.Server), PortKey: clean(strings.ToLower(c.Port)), Port: clean(c.Port), Switch: clean(c.Switch), SwitchPort: clean(c.SwitchPort),
		LinkGroup: clean(c.Group), Label: clean(c.Label), Colour: clean(c.Colour), Length: clean(c.Length),
	}
}

// Cables is the cabling plan, by server and port; with servers, as far as it concerns them.
func (s *Store) Cables(ctx context.Context, servers ...string) ([]cabling.Cable, error) {
	q := s.db.WithContext(ctx)
	if len(servers) > 0 {
		q = q.Where("server IN ?", servers)
	}
	return readCables(q)
}

func readCables(q *gorm.DB) ([]cabling.Cable, error) {
	var rows []cableRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading the cabling plan: %w", err)
	}
	all := make([]cabling.Cable, 0, len(rows))
	for _, r := range rows {
		all = append(all, r.cable())
	}
	cabling.Sort(all)
	return all, nil
}

// ImportCables brings the cabling plan to what a file says, in one transaction: see cabling.Diff, whose cabling.Conflicts
// are the error when there are any. A dry run tells the same and stores nothing.
func (s *Store) ImportCables(ctx context.Context, plan []cabling.Cable, whole, dryRun bool, actor string) (changes []cabling.Change, same int, err error) {
	run := s.write
	if dryRun {
		run = s.quietly
	}
	err = run(ctx, func(tx *gorm.DB) error {
		if err := s.lock(tx, lockCables); err != nil {
			return err
		}
		known, err := readCables(tx)
		if err != nil {
			return err
		}
		var conflicts cabling.Conflicts
		if changes, same, conflicts = cabling.Diff(known, plan, whole); conflicts != nil {
			return conflicts
		}
		if dryRun || len(changes) == 0 {
			return nil
		}
		return s.changeCables(tx, changes, actor)
	})
	var conflicts cabling.Conflicts
	switch {
	case errors.As(err, &conflicts):
		return nil, 0, conflicts
	case err != nil:
		return nil, 0, fmt.Errorf("importing a cabling plan: %w", err)
	}
	return changes, same, nil
}

func (s *Store) changeCables(tx *gorm.DB, changes []cabling.Change, actor string) error {
	var put []cableRow
	added, gone := 0, 0
	for _, c := range changes {
		switch {
		case c.After == nil:
			gone++
			row := toCableRow(*c.Before)
			if err := tx.Delete(&row).Error; err != nil {
				return err
			}
		case c.Before == nil:
			added++
			fallthrough
		default:
			put = append(put, toCableRow(*c.After))
		}
	}
	if len(put) > 0 {
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).CreateInBatches(&put, 500).Error; err != nil {
			return err
		}
	}
	return s.append(tx, inventory.Event{Actor: actor, Kind: "cabling",
		Reason: fmt.Sprintf("a cabling plan was imported: %s added, %d changed, %d taken out", inventory.Plural(added, "cable"), len(put)-added, gone)})
}
