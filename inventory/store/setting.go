package store

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/internal/secret"
)

type settingRow struct {
	Name  string `gorm:"primaryKey"`
	Value string
}

// TableName implements gorm's Tabler.
func (settingRow) TableName() string { return "settings" }

// SetSetting stores a value under a key.
func (s *Store) SetSetting(ctx context.Context, key, value string) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&settingRow{Name: key, Value: value}).Error
	})
	if err != nil {
		return fmt.Errorf("storing setting %s: %w", key, err)
	}
	return nil
}

// Setting reads the value under a key; ErrNotFound when there is none.
func (s *Store) Setting(ctx context.Context, key string) (string, error) {
	var row settingRow
	if err := s.db.WithContext(ctx).Take(&row, "name = ?", key).Error; err != nil {
		return "", notFound(err, "reading setting %s", key)
	}
	return row.Value, nil
}

// Key returns the 256-bit key of that name which all processes on this database share, and makes it when there
// is none. It is stored sealed. One that the keyring does not open (it was lost, and made anew) is replaced: what
// was signed with it is then worth nothing.
func (s *Store) Key(ctx context.Context, name string) (secret.Secret, error) {
	key, err := s.sharedKey(ctx, name)
	if err != nil {
		return secret.Secret{}, fmt.Errorf("reading the key %s: %w", name, err)
	}
	return key, nil
}

func (s *Store) sharedKey(ctx context.Context, name string) (key secret.Secret, err error) {
	if s.keys == nil {
		return key, errors.New("there is no keyring to open it with")
	}
	aad := "key " + name
	// Two that start at once both look again: the one that stored first wins.
	for range 3 {
		old, err := s.Setting(ctx, aad)
		if err == nil {
			if key, err = s.openKey(old, aad); err == nil {
				return key, nil
			}
			if !errors.Is(err, secret.ErrSealed) {
				return key, err
			}
			s.log.Warn("a stored key cannot be opened with this keyring and is replaced; servers on one database must share one keyring", "key", name)
		} else if !errors.Is(err, ErrNotFound) {
			return key, err
		}
		if err := s.makeKey(ctx, aad, old); err != nil {
			return key, err
		}
	}
	return key, errors.New("another server keeps replacing it: servers on one database must share one keyring")
}

func (s *Store) openKey(stored, aad string) (secret.Secret, error) {
	sealed, err := base64.StdEncoding.DecodeString(stored)
	if err != nil {
		return secret.Secret{}, fmt.Errorf("%w: it is no base64", secret.ErrSealed)
	}
	return s.keys.Unseal(sealed, aad)
}

// makeKey stores a new key where old stood, unless somebody was quicker.
func (s *Store) makeKey(ctx context.Context, aad, old string) error {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails: see its documentation
	sealed, err := s.keys.Seal(secret.New(string(raw)), aad)
	if err != nil {
		return err
	}
	row := settingRow{Name: aad, Value: base64.StdEncoding.EncodeToString(sealed)}
	return s.quietly(ctx, func(tx *gorm.DB) error {
		if old != "" {
			return tx.Model(&settingRow{}).Where("name = ? AND value = ?", aad, old).Update("value", row.Value).Error
		}
		return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error
	})
}
