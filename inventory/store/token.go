package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/internal/secret"
	"socle/inventory"
)

// TokenSpec says which token to make.
type TokenSpec = inventory.TokenSpec

// Token is what is known of a token.
type Token = inventory.Token

type tokenRow struct {
	ID        string `gorm:"primaryKey"`
	Kind      string
	Hash      string
	Machine   string
	Subject   string
	CreatedAt int64 `gorm:"autoCreateTime:false"`
	Expires   int64
	UsedBy    string
	UsedAt    int64
	RevokedAt int64
}

// TableName implements gorm's Tabler.
func (tokenRow) TableName() string { return "tokens" }

func (r tokenRow) token() Token {
	return Token{
		ID: r.ID, Kind: r.Kind, Machine: r.Machine, Subject: r.Subject,
		Created: instant(r.CreatedAt), Expires: instant(r.Expires), UsedBy: r.UsedBy,
	}
}

// tokenKept is how long a token that expired stays in the table, for whoever asks why it was refused.
const tokenKept = 7 * 24 * time.Hour

// NewToken makes a token of 256 random bits and stores its SHA-256. Its text is returned once, here.
func (s *Store) NewToken(ctx context.Context, spec TokenSpec) (secret.Secret, error) {
	if spec.Kind == "" {
		return secret.Secret{}, errors.New("making a token: it has no kind")
	}
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails: see its documentation
	text := "socle-" + spec.Kind + "-" + base64.RawURLEncoding.EncodeToString(raw)
	now := s.now()
	row := tokenRow{
		ID: uuid.NewString(), Kind: spec.Kind, Hash: tokenHash(text), Machine: spec.Machine, Subject: clean(spec.Subject), CreatedAt: micros(now),
	}
	if spec.TTL > 0 {
		row.Expires = micros(now.Add(spec.TTL))
	}
	err := s.quietly(ctx, func(tx *gorm.DB) error {
		if err := tx.Where("expires > 0 AND expires < ?", micros(now.Add(-tokenKept))).Delete(&tokenRow{}).Error; err != nil {
			return err
		}
		return tx.Create(&row).Error
	})
	if err != nil {
		return secret.Secret{}, fmt.Errorf("making a %s token: %w", spec.Kind, err)
	}
	return secret.New(text), nil
}

// Token finds a token by its text. ErrNoToken when it is unknown, expired, revoked or of another kind.
func (s *Store) Token(ctx context.Context, kind, text string) (Token, error) {
	row, err := s.validToken(s.db.WithContext(ctx), kind, text)
	return row.token(), err
}

// UseToken uses a single-use token. The one who used it may use it again, because the answer may have been
// lost on the way; for anybody else it is ErrTokenUsed. by must say who it is, e.g. a boot's ID.
func (s *Store) UseToken(ctx context.Context, kind, text, by string) (Token, error) {
	if by = clean(by); by == "" {
		return Token{}, fmt.Errorf("using a %s token: nobody uses it", kind)
	}
	var row tokenRow
	err := s.quietly(ctx, func(tx *gorm.DB) error {
		res := tx.Model(&tokenRow{}).Where("kind = ? AND hash = ? AND used_by = '' AND revoked_at = 0", kind, tokenHash(text)).
			Updates(map[string]any{"used_by": by, "used_at": micros(s.now())})
		if res.Error != nil {
			return res.Error
		}
		var err error
		row, err = s.validToken(tx, kind, text) // an expired one is refused and its use rolled back
		return err
	})
	if err != nil {
		return Token{}, err
	}
	if row.UsedBy != by {
		return row.token(), fmt.Errorf("using a %s token: %w", kind, ErrTokenUsed)
	}
	return row.token(), nil
}

// SpendToken notes that a token which the store did not make, because it proves itself, is used, and by whom. The
// first one who says so has it, as with UseToken. It is kept as a hash, until it expires.
func (s *Store) SpendToken(ctx context.Context, spec TokenSpec, text, by string) (Token, error) {
	if by = clean(by); by == "" || spec.Kind == "" || spec.TTL <= 0 {
		return Token{}, fmt.Errorf("using a %s token: its kind, its user and how long it holds must be said", spec.Kind)
	}
	now := micros(s.now())
	row := tokenRow{ID: uuid.NewString(), Kind: spec.Kind, Hash: tokenHash(text), Machine: spec.Machine, Subject: clean(spec.Subject),
		CreatedAt: now, Expires: micros(s.now().Add(spec.TTL)), UsedBy: by, UsedAt: now}
	err := s.quietly(ctx, func(tx *gorm.DB) error {
		if err := s.forgetTokens(tx); err != nil {
			return err
		}
		return tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "hash"}}, DoNothing: true}).Create(&row).Error
	})
	if err != nil {
		return Token{}, fmt.Errorf("using a %s token: %w", spec.Kind, err)
	}
	// Its row is there now, this one's or an earlier one's, and stays.
	if row, err = s.validToken(s.db.WithContext(ctx), spec.Kind, text); err != nil {
		return Token{}, err
	}
	if row.UsedBy != by {
		return row.token(), fmt.Errorf("using a %s token: %w", spec.Kind, ErrTokenUsed)
	}
	return row.token(), nil
}

// forgetTokens clears away what expired long ago.
func (s *Store) forgetTokens(tx *gorm.DB) error {
	return tx.Where("expires > 0 AND expires < ?", micros(s.now().Add(-tokenKept))).Delete(&tokenRow{}).Error
}

func (s *Store) validToken(db *gorm.DB, kind, text string) (tokenRow, error) {
	var row tokenRow
	err := db.Take(&row, "kind = ? AND hash = ?", kind, tokenHash(text)).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return tokenRow{}, ErrNoToken
	}
	if err != nil {
		return tokenRow{}, fmt.Errorf("reading a %s token: %w", kind, err)
	}
	if row.RevokedAt != 0 || row.Expires != 0 && row.Expires <= micros(s.now()) {
		return tokenRow{}, ErrNoToken
	}
	return row, nil
}

// RevokeTokens ends all tokens of a kind that a machine has; with an empty machine those that belong to none.
func (s *Store) RevokeTokens(ctx context.Context, kind, machine string) error {
	if kind == "" {
		return errors.New("revoking tokens: of which kind is not said")
	}
	err := s.quietly(ctx, func(tx *gorm.DB) error {
		return s.revoke(tx, "kind = ? AND machine = ?", kind, machine)
	})
	if err != nil {
		return fmt.Errorf("revoking the %s tokens of machine %q: %w", kind, machine, err)
	}
	return nil
}

func (s *Store) revoke(tx *gorm.DB, where string, args ...any) error {
	return tx.Model(&tokenRow{}).Where("revoked_at = 0").Where(where, args...).Update("revoked_at", micros(s.now())).Error
}

func tokenHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
