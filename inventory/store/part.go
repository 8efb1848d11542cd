package store

import (
	"context"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"socle/hardware"
	"socle/inventory"
	"socle/inventory/bom"
)

type stayRow struct {
	Machine   string `gorm:"primaryKey"`
	Kind      string `gorm:"primaryKey"`
	Slot      string `gorm:"primaryKey"`
	Serial    string `gorm:"primaryKey"`
	FirstSeen int64  `gorm:"primaryKey;autoIncrement:false"`
	LastSeen  int64
	Gone      int64
	Number    string
	Vendor    string
	Size      int64
}

// TableName implements gorm's Tabler.
func (stayRow) TableName() string { return "part_stays" }

// stayKey is by what a part is known again within a machine.
type stayKey struct{ kind, slot, serial string }

func (r stayRow) key() stayKey { return stayKey{r.Kind, r.Slot, r.Serial} }

// Bounds of what is kept.
const (
	staysRead  = 1000 // in one answer
	partsKept  = 1000 // of one machine at a time
	partLength = 200  // bytes of each text
)

// inspected tells whether a change brings facts of a new inspection.
func inspected(before, after machineRow) bool {
	return after.FactsAt > before.FactsAt && after.Facts != "" && after.Facts != "null"
}

// followParts brings the stays of a machine's parts to what an inspection saw. When all is as before, only the time
// changes. Of a kind of which nothing at all was seen nothing is changed: what could not be read is not gone.
func followParts(tx *gorm.DB, m machineRow) error {
	var f hardware.Facts
	if err := json.Unmarshal([]byte(m.Facts), &f); err != nil {
		return fmt.Errorf("reading the facts of machine %s: %w", m.Name, err)
	}
	there, kinds := stays(m, f)
	if len(there) == 0 {
		return nil
	}
	open := func() *gorm.DB { return tx.Where("machine = ? AND gone = 0 AND kind IN ?", m.ID, kinds) }
	var known []stayRow
	if err := open().Find(&known).Error; err != nil {
		return fmt.Errorf("reading the parts of machine %s: %w", m.Name, err)
	}
	for _, r := range known {
		if _, still := there[r.key()]; still {
			delete(there, r.key())
			continue
		}
		if err := tx.Model(&r).Update("gone", m.FactsAt).Error; err != nil {
			return fmt.Errorf("writing down that %s %s left machine %s: %w", r.Kind, r.Serial, m.Name, err)
		}
	}
	if err := open().Model(&stayRow{}).Update("last_seen", m.FactsAt).Error; err != nil {
		return fmt.Errorf("writing down the parts of machine %s: %w", m.Name, err)
	}
	came := make([]stayRow, 0, len(there))
	for _, r := range there {
		came = append(came, r)
	}
	if len(came) == 0 {
		return nil
	}
	if err := tx.CreateInBatches(&came, 200).Error; err != nil {
		return fmt.Errorf("writing down the new parts of machine %s: %w", m.Name, err)
	}
	return nil
}

// stays are the parts that are to be followed, and the kinds of which anything was seen.
func stays(m machineRow, f hardware.Facts) (all map[stayKey]stayRow, kinds []string) {
	all = map[stayKey]stayRow{}
	seen := map[bom.Class]bool{}
	for _, p := range bom.Parts(f) {
		if bom.Plain(p.Serial) == "" || len(all) == partsKept {
			continue
		}
		if !seen[p.Class] {
			seen[p.Class] = true
			kinds = append(kinds, string(p.Class))
		}
		r := stayRow{Machine: m.ID, Kind: string(p.Class), Slot: cut(p.Slot, partLength), Serial: cut(bom.Plain(p.Serial), partLength), FirstSeen: m.FactsAt, LastSeen: m.FactsAt,
			Number: cut(p.Number, partLength), Vendor: cut(p.Vendor, partLength), Size: int64(min(p.Size, 1<<62))} //nolint:gosec // bounded
		if p.Class == bom.Disk {
			r.Slot = ""
		}
		all[r.key()] = r
	}
	return all, kinds
}

// Stays tells where parts sat, when; the newest first.
func (s *Store) Stays(ctx context.Context, f inventory.StayFilter) ([]inventory.Stay, error) {
	q := s.db.WithContext(ctx).Table("part_stays").Select("part_stays.*, machines.name AS name").Joins("LEFT JOIN machines ON machines.id = part_stays.machine")
	if f.Machine != "" {
		q = q.Where("part_stays.machine = ?", clean(f.Machine))
	}
	if f.Serial != "" {
		q = q.Where("part_stays.serial = ?", clean(bom.Plain(f.Serial)))
	}
	if f.There {
		q = q.Where("part_stays.gone = 0")
	}
	limit := f.Limit
	if limit <= 0 || limit > staysRead {
		limit = staysRead
	}
	var rows []struct {
		Row  stayRow `gorm:"embedded"`
		Name *string
	}
	if err := q.Order("part_stays.first_seen DESC, machines.name, part_stays.kind, part_stays.slot, part_stays.serial").Limit(limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading where parts sat: %w", err)
	}
	all := make([]inventory.Stay, 0, len(rows))
	for _, found := range rows {
		r := found.Row
		one := inventory.Stay{Machine: r.Machine, Kind: r.Kind, Slot: r.Slot, Serial: r.Serial, Number: r.Number, Vendor: r.Vendor, Size: uint64(max(r.Size, 0)),
			FirstSeen: instant(r.FirstSeen), LastSeen: instant(r.LastSeen), Gone: instant(r.Gone)}
		if found.Name != nil {
			one.Name = *found.Name
		}
		all = append(all, one)
	}
	return all, nil
}
