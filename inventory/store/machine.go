package store

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/inventory"
)

// Machine finds a machine by its ID, else by its name or serial number. ErrNotFound when there is none,
// ErrAmbiguous when several answer to it.
func (s *Store) Machine(ctx context.Context, ref string) (inventory.Machine, error) {
	if ref == "" {
		return inventory.Machine{}, fmt.Errorf("finding a machine without a name: %w", ErrNotFound)
	}
	ref = clean(ref)
	var rows []machineRow
	err := s.db.WithContext(ctx).Where("id = ? OR name = ? OR serial_key = ?", ref, ref, serialKey(ref)).Order("name").Limit(3).Find(&rows).Error
	if err != nil {
		return inventory.Machine{}, fmt.Errorf("finding machine %q: %w", ref, err)
	}
	for _, r := range rows {
		if r.ID == ref {
			return r.machine()
		}
	}
	switch len(rows) {
	case 0:
		return inventory.Machine{}, fmt.Errorf("finding machine %q: %w", ref, ErrNotFound)
	case 1:
		return rows[0].machine()
	default:
		return inventory.Machine{}, fmt.Errorf("finding machine %q: %w: it is a name or serial of %s and of %s: use an ID (%s, %s)",
			ref, ErrAmbiguous, rows[0].Name, rows[1].Name, rows[0].ID, rows[1].ID)
	}
}

// Machines returns all machines by name, with their facts.
func (s *Store) Machines(ctx context.Context) ([]inventory.Machine, error) {
	var rows []machineRow
	if err := s.db.WithContext(ctx).Order("name").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading machines: %w", err)
	}
	return machines(rows)
}

func machines(rows []machineRow) ([]inventory.Machine, error) {
	ms := make([]inventory.Machine, 0, len(rows))
	for _, r := range rows {
		m, err := r.machine()
		if err != nil {
			return nil, err
		}
		ms = append(ms, m)
	}
	return ms, nil
}

// changeTries bounds how often a change is tried again after a lost race.
const changeTries = 60

// Change changes one machine. fn gets a fresh copy and changes it; it may be called several times, because
// whoever stores first wins and the others look again, so it must do nothing else, and it must not call
// Change of the same machine. When fn fails, nothing happens and its error is returned.
//
// With the change go one event, whose before and after are the parts that differ, and what SetEnqueue
// queues. A note without words, on a change of nothing but SeenAt and PowerAt, leaves no event and queues
// nothing; on no change at all nothing is written. The ID and CreatedAt cannot be changed.
func (s *Store) Change(ctx context.Context, id, actor string, fn func(*inventory.Machine) (inventory.Note, error)) (inventory.Machine, error) {
	return s.change(ctx, id, actor, fn, nil)
}

// change is Change; also, when not nil, is called in the transaction.
func (s *Store) change(ctx context.Context, id, actor string, fn func(*inventory.Machine) (inventory.Note, error), also func(tx *gorm.DB) error) (inventory.Machine, error) {
	for try := 1; try <= changeTries; try++ {
		var before machineRow
		if err := s.db.WithContext(ctx).Take(&before, "id = ?", clean(id)).Error; err != nil {
			return inventory.Machine{}, notFound(err, "reading machine %s", id)
		}
		m, err := before.machine()
		if err != nil {
			return inventory.Machine{}, err
		}
		note, err := fn(&m)
		if err != nil {
			return inventory.Machine{}, err
		}
		after, err := s.swap(ctx, before, m, actor, note, also)
		if errors.Is(err, ErrRace) {
			if err := pause(ctx, try); err != nil {
				return inventory.Machine{}, fmt.Errorf("changing machine %s: %w", before.Name, err)
			}
			continue
		}
		if err != nil {
			return inventory.Machine{}, fmt.Errorf("changing machine %s: %w", before.Name, err)
		}
		return after.machine()
	}
	return inventory.Machine{}, fmt.Errorf("changing machine %s: %w", id, ErrRace)
}

// swap stores a change unless somebody else did meanwhile, which is ErrRace.
func (s *Store) swap(ctx context.Context, before machineRow, m inventory.Machine, actor string, note inventory.Note, also func(tx *gorm.DB) error) (machineRow, error) {
	after, err := s.nextRow(before, m)
	if err != nil {
		return machineRow{}, err
	}
	_, changed, quiet, err := changedParts(before, after)
	if err != nil {
		return machineRow{}, err
	}
	if changed == nil && quietNote(note) && also == nil {
		return before, nil
	}
	if quiet && quietNote(note) && also == nil {
		return after, s.quietly(ctx, func(tx *gorm.DB) error { return s.update(tx, before, after) })
	}
	err = s.write(ctx, func(tx *gorm.DB) error {
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		return s.record(ctx, tx, before, after, actor, note)
	})
	return after, err
}

// nextRow is the row that follows before when it is to hold m.
func (s *Store) nextRow(before machineRow, m inventory.Machine) (machineRow, error) {
	if _, err := inventory.ParseState(string(m.State)); err != nil {
		return machineRow{}, err
	}
	if m.Name == "" {
		return machineRow{}, errors.New("a machine must have a name")
	}
	after, err := toRow(m)
	if err != nil {
		return machineRow{}, err
	}
	after.ID, after.CreatedAt = before.ID, before.CreatedAt
	after.Version = before.Version + 1
	after.UpdatedAt = micros(s.now())
	return after, nil
}

// record stores a changed machine with its queued work and its event, in a transaction.
func (s *Store) record(ctx context.Context, tx *gorm.DB, before, after machineRow, actor string, note inventory.Note) error {
	if err := s.update(tx, before, after); err != nil {
		return err
	}
	if inspected(before, after) {
		if err := followParts(tx, after); err != nil {
			return err
		}
	}
	if err := s.queue(ctx, tx, after.ID); err != nil {
		return err
	}
	return s.recordEvent(tx, before, after, actor, note)
}

// recordEvent appends the event of a change. It comes last in a transaction: see append.
func (s *Store) recordEvent(tx *gorm.DB, before, after machineRow, actor string, note inventory.Note) error {
	b, a, _, err := changedParts(before, after)
	if err != nil {
		return err
	}
	return s.append(tx, inventory.Event{
		Machine: after.ID, Name: after.Name, Actor: actor, Kind: note.Kind, Reason: note.Reason, Before: b, After: a,
	})
}

// update swaps one row for the next, if nobody did before; but columns are left as they are.
func (s *Store) update(tx *gorm.DB, before, after machineRow, but ...string) error {
	res := tx.Model(&machineRow{}).Where("id = ? AND version = ?", before.ID, before.Version).Select("*").Omit(append(but, "id")...).Updates(&after)
	if errors.Is(res.Error, gorm.ErrDuplicatedKey) {
		return fmt.Errorf("name %q is %w", after.Name, ErrTaken)
	}
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected == 0 {
		return ErrRace
	}
	if before.Identity == after.Identity && before.BMC == after.BMC {
		return nil
	}
	return saveMACs(tx, after)
}

// insert adds a machine.
func (s *Store) insert(tx *gorm.DB, row machineRow) error {
	if err := tx.Create(&row).Error; err != nil {
		if errors.Is(err, gorm.ErrDuplicatedKey) {
			return fmt.Errorf("adding machine %s: name is %w", row.Name, ErrTaken)
		}
		return fmt.Errorf("adding machine %s: %w", row.Name, err)
	}
	return saveMACs(tx, row)
}

// macRow is one address by which a machine can be found.
type macRow struct {
	MAC       string `gorm:"column:mac"`
	MachineID string
	Kind      string
}

// TableName implements gorm's Tabler.
func (macRow) TableName() string { return "machine_macs" }

// saveMACs makes the table of addresses say what the machine says.
func saveMACs(tx *gorm.DB, row machineRow) error {
	m, err := row.machine()
	if err != nil {
		return err
	}
	if err := tx.Where("machine_id = ?", row.ID).Delete(&macRow{}).Error; err != nil {
		return fmt.Errorf("storing the addresses of %s: %w", row.Name, err)
	}
	macs := macsOf(m)
	if len(macs) == 0 {
		return nil
	}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&macs).Error; err != nil {
		return fmt.Errorf("storing the addresses of %s: %w", row.Name, err)
	}
	return nil
}

// macsOf are the addresses by which a machine can be found, each once for what it is.
func macsOf(m inventory.Machine) (macs []macRow) {
	for _, mac := range m.Identity.NICMACs {
		macs = append(macs, macRow{MAC: mac, MachineID: m.ID, Kind: "nic"})
	}
	for _, mac := range []string{m.Identity.BMCMAC, inventory.NormalizeMAC(m.BMC.MAC)} {
		if mac != "" {
			macs = append(macs, macRow{MAC: mac, MachineID: m.ID, Kind: "bmc"})
		}
	}
	return macs
}
