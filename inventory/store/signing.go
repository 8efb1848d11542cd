package store

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"socle/internal/secret"
	"socle/inventory/signing"
)

// signingRow is a key with which the installation signs; Sealed is its seed.
type signingRow struct {
	Public  string `gorm:"primaryKey"` // base64
	Sealed  []byte
	Created int64
}

// TableName implements gorm's Tabler.
func (signingRow) TableName() string { return "signing_keys" }

// SigningKey is the installation's key, the same for all processes on this database; it is made when there is none. One
// that the keyring does not open is an error and never replaced: what was signed with it would be worth nothing.
func (s *Store) SigningKey(ctx context.Context) (signing.Key, error) {
	if s.keys == nil {
		return signing.Key{}, errNoKeys
	}
	row, err := s.newestSigning(s.db.WithContext(ctx))
	if err == nil && row.Public == "" {
		row, err = s.makeSigning(ctx)
	}
	if err != nil {
		return signing.Key{}, fmt.Errorf("reading the signing key: %w", err)
	}
	seed, err := s.keys.Unseal(row.Sealed, row.Public)
	if err != nil {
		return signing.Key{}, fmt.Errorf("opening the signing key %s: %w: give the server the keyring that it had, nothing else can sign with it", row.Public, err)
	}
	return signing.NewKey([]byte(seed.Reveal()))
}

func (s *Store) newestSigning(tx *gorm.DB) (row signingRow, err error) {
	return row, tx.Order("created DESC, public").Limit(1).Find(&row).Error
}

// makeSigning makes the first key, unless another process was quicker.
func (s *Store) makeSigning(ctx context.Context) (row signingRow, err error) {
	err = s.quietly(ctx, func(tx *gorm.DB) error {
		if err := s.lock(tx, lockIdentity); err != nil {
			return err
		}
		if row, err = s.newestSigning(tx); err != nil || row.Public != "" {
			return err
		}
		seed := make([]byte, 32)
		_, _ = rand.Read(seed) // never fails: see its documentation
		key, err := signing.NewKey(seed)
		if err != nil {
			return err
		}
		row = signingRow{Public: base64.StdEncoding.EncodeToString(key.Public()), Created: micros(s.now())}
		if row.Sealed, err = s.keys.Seal(secret.New(string(seed)), row.Public); err != nil {
			return err
		}
		return tx.Create(&row).Error
	})
	return row, err
}

// VerifySigned tells whether this installation signed something for a purpose, with any of its keys. A key that is not its
// own is signing.ErrSignature, too.
func (s *Store) VerifySigned(ctx context.Context, public []byte, p signing.Purpose, message, signature []byte) error {
	var row signingRow
	err := s.db.WithContext(ctx).Select("public").Take(&row, "public = ?", base64.StdEncoding.EncodeToString(public)).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return fmt.Errorf("%w: %s is not a key of this installation", signing.ErrSignature, signing.Fingerprint(public))
	}
	if err != nil {
		return fmt.Errorf("reading the signing keys: %w", err)
	}
	return signing.Verify(public, p, message, signature)
}
