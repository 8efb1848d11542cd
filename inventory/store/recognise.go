package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"socle/inventory"
)

// HoldNotInPlan is the reason of the hold on a machine that was seen and is in no manifest. Importing a
// manifest that names the machine takes this hold away.
const HoldNotInPlan = "is in no manifest"

const (
	maxStrays   = 4096 // machines that nobody announced; whoever is on the network can make some
	seenQuietly = 5 * time.Second
)

// Recognise finds the machine that an identity belongs to and adds to it what was newly seen. When there is
// none it makes a Discovered one that is not in the plan, is held, and boots the ramdisk to be looked at. When the
// identity shares a NIC or BMC address with a machine of another serial it becomes a machine of its own likewise,
// with a fault of kind identity. ErrAmbiguous when it fits several machines equally well.
func (s *Store) Recognise(ctx context.Context, seen inventory.Identity, actor string) (m inventory.Machine, created bool, err error) {
	seen = bounded(seen.Normalize())
	if seen.Serial == "" && seen.UUID == "" && seen.BMCMAC == "" && len(seen.NICMACs) == 0 {
		return m, false, errors.New("recognising a machine: it shows no serial, no UUID and no MAC")
	}
	var row machineRow
	for try := 1; ; try++ {
		row, created, err = s.recogniseOnce(ctx, seen, actor)
		if !errors.Is(err, ErrRace) || try == changeTries {
			break
		}
		// A change of this machine came between, which takes no identity lock: look again.
		if err = pause(ctx, try); err != nil {
			break
		}
	}
	if err != nil {
		return inventory.Machine{}, false, fmt.Errorf("recognising a machine: %w", err)
	}
	m, err = row.machine()
	return m, created, err
}

func (s *Store) recogniseOnce(ctx context.Context, seen inventory.Identity, actor string) (row machineRow, created bool, err error) {
	v, err := verdictOn(s.db.WithContext(ctx), seen)
	if err != nil {
		return row, false, err
	}
	if v.found && !v.news {
		return v.row, false, s.sighted(ctx, v.row)
	}
	err = s.write(ctx, func(tx *gorm.DB) error {
		if err := s.lock(tx, lockIdentity); err != nil {
			return err
		}
		if v, err = verdictOn(tx, seen); err != nil { // somebody may have been quicker
			return err
		}
		created = !v.found
		switch {
		case created:
			row, err = s.addStray(ctx, tx, seen, v, actor)
		case v.news:
			row, err = s.merge(ctx, tx, v, actor)
		default:
			row = v.row
		}
		return err
	})
	return row, created, err
}

// bounded cuts what firmware, or somebody who plays firmware, says too much of.
func bounded(id inventory.Identity) inventory.Identity {
	const most = 256 // bytes
	id.Serial, id.UUID, id.AssetTag = cut(id.Serial, most), cut(id.UUID, most), cut(id.AssetTag, most)
	id.NICMACs = id.NICMACs[:min(len(id.NICMACs), inventory.MaxNICs)]
	return id
}

// verdict is what the inventory says to an identity.
type verdict struct {
	found      bool
	news       bool // there is something to store
	row        machineRow
	merged     inventory.Identity // of row, with what was seen
	duplicates []machineRow       // unannounced sightings of the same machine, from before its serial was known
	conflicts  []machineRow       // machines that share an address and have another serial
}

// verdictOn compares an identity with every machine that shares anything with it.
func verdictOn(db *gorm.DB, seen inventory.Identity) (verdict, error) {
	var rows []machineRow
	macs := append([]string{"-"}, seen.NICMACs...) // never empty: IN () is no SQL
	if seen.BMCMAC != "" {
		macs = append(macs, seen.BMCMAC)
	}
	// A UUID alone says something only of a machine whose serial or NICs are not known: see Identity.Compare.
	// Boards with one UUID can be thousands; they are not all read for that.
	uuidAlone := "uuid_key <> '' AND uuid_key = ?"
	if seen.Serial != "" {
		uuidAlone += " AND serial_key = ''"
	}
	if len(seen.NICMACs) > 0 {
		uuidAlone += " AND NOT EXISTS (SELECT 1 FROM machine_macs WHERE machine_id = machines.id AND kind = 'nic')"
	}
	err := db.Where("serial_key <> '' AND serial_key = ?", serialKey(seen.Serial)).
		Or(uuidAlone, clean(seen.UUID)).
		Or("id IN (SELECT machine_id FROM machine_macs WHERE mac IN ?)", macs).
		Order("created_at, id").Find(&rows).Error
	if err != nil {
		return verdict{}, err
	}
	known := make([]inventory.Sketch, 0, len(rows))
	for _, r := range rows {
		m, err := r.machine()
		if err != nil {
			return verdict{}, err
		}
		known = append(known, m.Sketch())
	}
	found, err := inventory.Recognise(known, seen)
	if err != nil {
		return verdict{}, err
	}
	v := verdict{found: found.Best >= 0, news: found.News, merged: found.Merged}
	if v.found {
		v.row = rows[found.Best]
	}
	for _, i := range found.Duplicates {
		v.duplicates = append(v.duplicates, rows[i])
	}
	for _, i := range found.Conflicts {
		v.conflicts = append(v.conflicts, rows[i])
	}
	return v, nil
}

// sighted notes that a machine is alive, not more often than every few seconds.
func (s *Store) sighted(ctx context.Context, row machineRow) error {
	now := s.now()
	if now.Sub(instant(row.SeenAt)) < seenQuietly {
		return nil
	}
	return s.quietly(ctx, func(tx *gorm.DB) error { return seen(tx, row.ID, now) })
}

// merge adds what was newly seen to a machine, and folds its duplicates into it.
func (s *Store) merge(ctx context.Context, tx *gorm.DB, v verdict, actor string) (machineRow, error) {
	m, err := v.row.machine()
	if err != nil {
		return v.row, err
	}
	m.Identity, m.SeenAt = v.merged, s.now()
	after, err := s.nextRow(v.row, m)
	if err != nil {
		return v.row, err
	}
	if err := s.update(tx, v.row, after); err != nil {
		return v.row, err
	}
	events := []struct {
		before, after machineRow
		note          inventory.Note
	}{{v.row, after, inventory.Note{Kind: "identity", Reason: "more of it was seen" + v.conflictWords()}}}
	for _, d := range v.duplicates {
		dm, err := d.machine()
		if err != nil {
			return v.row, err
		}
		if err := dm.Move(inventory.Retired, s.now()); err != nil {
			return v.row, err
		}
		dm.Identity, dm.Hold = inventory.Identity{}, nil
		dafter, err := s.nextRow(d, dm)
		if err != nil {
			return v.row, err
		}
		if err := s.update(tx, d, dafter); err != nil {
			return v.row, err
		}
		events = append(events, struct {
			before, after machineRow
			note          inventory.Note
		}{d, dafter, inventory.Note{Kind: "state", Reason: "is the same server as " + after.Name}})
	}
	if err := s.queue(ctx, tx, after.ID); err != nil {
		return v.row, err
	}
	for _, e := range events {
		if err := s.recordEvent(tx, e.before, e.after, actor, e.note); err != nil {
			return v.row, err
		}
	}
	return after, nil
}

func (v verdict) conflictWords() string {
	if len(v.conflicts) == 0 {
		return ""
	}
	return "; it carries an address that is known of " + v.conflictNames() + ": was a card moved?"
}

func (v verdict) conflictNames() string {
	names := make([]string, 0, len(v.conflicts))
	for _, c := range v.conflicts {
		names = append(names, c.Name)
	}
	return strings.Join(names, ", ")
}

// addStray makes a machine that nobody announced.
func (s *Store) addStray(ctx context.Context, tx *gorm.DB, seen inventory.Identity, v verdict, actor string) (machineRow, error) {
	var strays int64
	if err := tx.Model(&machineRow{}).Where("in_plan = ? AND state = ?", false, inventory.Discovered).Count(&strays).Error; err != nil {
		return machineRow{}, err
	}
	if strays >= maxStrays {
		return machineRow{}, fmt.Errorf("%w: %d: import the manifest that names them, or retire them", ErrTooMany, strays)
	}
	name, err := strayName(tx, seen)
	if err != nil {
		return machineRow{}, err
	}
	now := s.now()
	m := inventory.Machine{
		ID: uuid.NewString(), Name: name, Version: 1, State: inventory.Discovered, Since: now, Identity: seen, SeenAt: now,
		Boot:      inventory.BootRamdisk,
		Hold:      &inventory.Hold{Reason: HoldNotInPlan, Actor: actor, Since: now},
		CreatedAt: now, UpdatedAt: now,
	}
	reason := "seen for the first time and in no manifest"
	if len(v.conflicts) > 0 {
		reason = fmt.Sprintf("serial %q was seen with an address that is known of %s", seen.Serial, v.conflictNames())
		m.Fail(inventory.FaultIdentity, reason, "look whether a network card or a board was moved between the two; "+
			"correct the manifest and import it, or retire this machine", now)
	}
	row, err := toRow(m)
	if err != nil {
		return row, err
	}
	if err := s.insert(tx, row); err != nil {
		return row, err
	}
	if err := s.queue(ctx, tx, row.ID); err != nil {
		return row, err
	}
	return row, s.recordEvent(tx, machineRow{}, row, actor, inventory.Note{Kind: "discovered", Reason: reason})
}

// strayName makes an unused name that is fit for a host name from what firmware says.
func strayName(tx *gorm.DB, id inventory.Identity) (string, error) {
	from := id.Serial
	if from == "" && len(id.NICMACs) > 0 {
		from = id.NICMACs[0]
	}
	if from == "" {
		from = id.BMCMAC + id.UUID
	}
	base := "stray-" + slug(from)
	base = strings.TrimSuffix(base, "-")
	var taken []string
	if err := tx.Model(&machineRow{}).Where("name = ? OR name LIKE ?", base, base+"-%").Pluck("name", &taken).Error; err != nil {
		return "", err
	}
	name := base
	for n := 2; slices.Contains(taken, name); n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	return name, nil
}
