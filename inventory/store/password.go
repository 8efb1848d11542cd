package store

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/internal/secret"
)

var errNoKeys = errors.New("the store was opened without a keyring")

type passwordRow struct {
	MachineID string `gorm:"primaryKey"`
	Sealed    []byte
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

func (s *Store) savePassword(tx *gorm.DB, machineID string, password secret.Secret) error {
	if s.keys == nil {
		return errNoKeys
	}
	sealed, err := s.keys.Seal(password, machineID)
	if err != nil {
		return err
	}
	err = tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&passwordRow{MachineID: machineID, Sealed: sealed}).Error
	if errors.Is(err, gorm.ErrForeignKeyViolated) {
		return fmt.Errorf("machine %s: %w", machineID, ErrNotFound)
	}
	return err
}

// BMCPassword reads the password of a machine's BMC; ErrNotFound when none was stored.
func (s *Store) BMCPassword(ctx context.Context, machineID string) (secret.Secret, error) {
	return s.password(s.db.WithContext(ctx), machineID)
}

func (s *Store) password(db *gorm.DB, machineID string) (secret.Secret, error) {
	var row passwordRow
	if err := db.Take(&row, "machine_id = ?", machineID).Error; err != nil {
		return secret.Secret{}, notFound(err, "reading the BMC password of machine %s", machineID)
	}
	if s.keys == nil {
		return secret.Secret{}, fmt.Errorf("reading the BMC password of machine %s: %w", machineID, errNoKeys)
	}
	p, err := s.keys.Unseal(row.Sealed, machineID)
	if err != nil {
		return secret.Secret{}, fmt.Errorf("reading the BMC password of machine %s: %w", machineID, err)
	}
	return p, nil
}
