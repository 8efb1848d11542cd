package store

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/internal/secret"
	"socle/inventory"
)

var errNoKeys = errors.New("the store was opened without a keyring")

type passwordRow struct {
	MachineID string `gorm:"primaryKey"`
	Sealed    []byte
	Other     []byte // see inventory.Rotation; empty when no rotation is under way
}

// TableName implements gorm's Tabler.
func (passwordRow) TableName() string { return "bmc_passwords" }

// SetBMCPassword seals and stores the password of a machine's BMC.
func (s *Store) SetBMCPassword(ctx context.Context, machineID string, password secret.Secret) error {
	err := s.write(ctx, func(tx *gorm.DB) error { return s.savePassword(tx, machineID, password) })
	if err != nil {
		return fmt.Errorf("storing the BMC password of machine %s: %w", machineID, err)
	}
	return nil
}

// savePassword stores the password in force. What was the other one is of an older login.
func (s *Store) savePassword(tx *gorm.DB, machineID string, password secret.Secret) error {
	if password.Empty() {
		return errors.New("the password in force must not be empty")
	}
	return s.savePair(tx, machineID, secret.Pair{Current: password})
}

// pair reads the passwords of a machine's BMC; gorm.ErrRecordNotFound when none was stored.
func (s *Store) pair(db *gorm.DB, machineID string) (p secret.Pair, err error) {
	var row passwordRow
	if err := db.Take(&row, "machine_id = ?", machineID).Error; err != nil {
		return p, err
	}
	return s.unsealPair(row.Sealed, row.Other, machineID)
}

// Login reads how to log in to a machine's BMC now: the account and the passwords are of one moment, also while a
// rotation changes both. ErrNotFound when no password was stored.
func (s *Store) Login(ctx context.Context, machineID string) (inventory.BMC, secret.Pair, error) {
	bmc, pair, err := s.login(ctx, machineID)
	if err != nil {
		return inventory.BMC{}, secret.Pair{}, notFound(err, "reading the BMC login of machine %s", machineID)
	}
	return bmc, pair, nil
}

func (s *Store) login(ctx context.Context, machineID string) (b inventory.BMC, p secret.Pair, err error) {
	var row struct {
		BMC           string `gorm:"column:bmc"`
		Sealed, Other []byte
	}
	err = s.db.WithContext(ctx).Raw(`SELECT m.bmc, p.sealed, p.other FROM machines m
 JOIN bmc_passwords p ON p.machine_id = m.id WHERE m.id = ?`, clean(machineID)).Take(&row).Error
	if err != nil {
		return b, p, err
	}
	m, err := machineRow{ID: machineID, BMC: row.BMC}.machine()
	if err != nil {
		return b, p, err
	}
	p, err = s.unsealPair(row.Sealed, row.Other, machineID)
	return m.BMC, p, err
}

func (s *Store) unsealPair(current, other []byte, machineID string) (p secret.Pair, err error) {
	if p.Current, err = s.unseal(current, machineID); err == nil {
		p.Other, err = s.unseal(other, machineID)
	}
	return p, err
}

func (s *Store) unseal(sealed []byte, machineID string) (secret.Secret, error) {
	if len(sealed) == 0 {
		return secret.Secret{}, nil
	}
	if s.keys == nil {
		return secret.Secret{}, errNoKeys
	}
	return s.keys.Unseal(sealed, machineID)
}

// ChangeLogin changes one machine together with the passwords of its BMC, in one transaction: see Change, and
// inventory.Rotation for what the second password is. fn may be called several times.
func (s *Store) ChangeLogin(ctx context.Context, id, actor string, fn func(*inventory.Machine, *secret.Pair) (inventory.Note, error)) (inventory.Machine, error) {
	var pair secret.Pair
	return s.change(ctx, id, actor, func(m *inventory.Machine) (inventory.Note, error) {
		// Whoever changes a password changes the machine's version with it: what is read here is what fn decides on.
		var err error
		if pair, err = s.pair(s.db.WithContext(ctx), m.ID); err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
			return inventory.Note{}, fmt.Errorf("reading the BMC passwords of machine %s: %w", m.ID, err)
		}
		had := !pair.Current.Empty()
		note, err := fn(m, &pair)
		if err == nil && had && pair.Current.Empty() {
			err = errors.New("the password in force must not be lost")
		}
		return note, err
	}, func(tx *gorm.DB) error { return s.savePair(tx, id, pair) })
}

func (s *Store) savePair(tx *gorm.DB, machineID string, pair secret.Pair) error {
	row, err := s.seal(machineID, pair)
	switch {
	case err != nil:
		return err
	case row.Sealed != nil:
	case row.Other == nil: // nobody knows any
		return tx.Delete(&row).Error
	default: // nobody knows the one in force, and the agent makes another
		row.Sealed = []byte{}
	}
	err = tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error
	if errors.Is(err, gorm.ErrForeignKeyViolated) {
		return fmt.Errorf("machine %s: %w", machineID, ErrNotFound)
	}
	return err
}

// seal makes the row that keeps the passwords of a machine's BMC.
func (s *Store) seal(machineID string, pair secret.Pair) (row passwordRow, err error) {
	if s.keys == nil {
		return row, errNoKeys
	}
	row.MachineID = machineID
	for _, p := range []struct {
		plain  secret.Secret
		sealed *[]byte
	}{{pair.Current, &row.Sealed}, {pair.Other, &row.Other}} {
		if p.plain.Empty() {
			continue
		}
		if *p.sealed, err = s.keys.Seal(p.plain, machineID); err != nil {
			return row, err
		}
	}
	return row, nil
}
