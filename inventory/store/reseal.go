package store

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"socle/internal/secret"
)

// resealBatch is how many values are sealed again in one transaction: other writers wait for it.
const resealBatch = 200

// place is a column of values that are sealed for the row's key. Whoever adds a sealed column adds it here, or its values are lost when the old key
// goes.
type place struct {
	table, key, column string
	where              string // which rows have any
	text               bool   // base64 in a text column
}

var places = []place{
	{table: "bmc_passwords", key: "machine_id", column: "sealed"},
	{table: "bmc_passwords", key: "machine_id", column: "other"},
	{table: "signing_keys", key: "public", column: "sealed"},
	{table: "settings", key: "name", column: "value", where: "name LIKE 'key %'", text: true},
	{table: "orders", key: "id", column: "params", where: "params <> ''", text: true},
}

// Resealed is what a pass over all sealed values came to.
type Resealed struct {
	Values int // that were sealed with an older key, and are sealed with the present one now
	Lost   int // that no key of the ring opens
}

// Reseal seals everything again that older keys of the ring have sealed, in transactions of a bounded size. Interrupted,
// it begins anew, and what was done is done. A value that changes meanwhile stays as it is: another pass finds it. each,
// when not nil, is called after every transaction.
func (s *Store) Reseal(ctx context.Context, each func()) (all Resealed, err error) {
	if s.keys == nil {
		return all, errNoKeys
	}
	for _, p := range places {
		for after, more := "", true; more; {
			var n Resealed
			n, after, more, err = s.resealBatch(ctx, p, after)
			if err != nil {
				return all, fmt.Errorf("sealing %s of %s again: %w", p.column, p.table, err)
			}
			if all.Values, all.Lost = all.Values+n.Values, all.Lost+n.Lost; each != nil && n.Values > 0 {
				each()
			}
		}
	}
	return all, nil
}

type sealedRow struct {
	Key   string `gorm:"column:of_row"`
	Value []byte `gorm:"column:sealed_value"`
}

func (s *Store) resealBatch(ctx context.Context, p place, after string) (n Resealed, last string, more bool, err error) {
	rows, err := s.sealed(ctx, p, after)
	if err != nil || len(rows) == 0 {
		return n, after, false, err
	}
	type change struct{ key, from, to any }
	var changes []change
	for _, r := range rows {
		fresh, err := s.resealOne(p, r)
		switch {
		case errors.Is(err, secret.ErrSealed):
			n.Lost++
		case err != nil:
			return n, after, false, fmt.Errorf("%s: %w", r.Key, err)
		case fresh == nil:
		case p.text:
			changes = append(changes, change{r.Key, string(r.Value), string(fresh)})
		default:
			changes = append(changes, change{r.Key, r.Value, fresh})
		}
	}
	if len(changes) > 0 {
		update := fmt.Sprintf("UPDATE %s SET %s = ? WHERE %s = ? AND %s = ?", p.table, p.column, p.key, p.column)
		err = s.quietly(ctx, func(tx *gorm.DB) error {
			n.Values = 0
			for _, c := range changes {
				done := tx.Exec(update, c.to, c.key, c.from)
				if done.Error != nil {
					return done.Error
				}
				n.Values += int(done.RowsAffected)
			}
			return nil
		})
	}
	return n, rows[len(rows)-1].Key, len(rows) == resealBatch, err
}

// sealed reads the next rows that have a value.
func (s *Store) sealed(ctx context.Context, p place, after string) (rows []sealedRow, err error) {
	where := []string{p.key + " > ?", p.column + " IS NOT NULL"}
	if p.where != "" {
		where = append(where, p.where)
	}
	query := fmt.Sprintf("SELECT %s AS of_row, %s AS sealed_value FROM %s WHERE %s ORDER BY %s LIMIT %d",
		p.key, p.column, p.table, strings.Join(where, " AND "), p.key, resealBatch)
	return rows, s.db.WithContext(ctx).Raw(query, after).Scan(&rows).Error
}

// resealOne returns the value sealed with the present key; nil when it is that already.
func (s *Store) resealOne(p place, r sealedRow) ([]byte, error) {
	sealed := r.Value
	if p.text {
		var err error
		if sealed, err = base64.StdEncoding.DecodeString(string(sealed)); err != nil {
			return nil, fmt.Errorf("%w: it is no base64", secret.ErrSealed)
		}
	}
	if len(sealed) == 0 || s.keys.Current(sealed) {
		return nil, nil
	}
	plain, err := s.keys.Unseal(sealed, r.Key)
	if err != nil {
		return nil, err
	}
	fresh, err := s.keys.Seal(plain, r.Key)
	if err != nil || !p.text {
		return fresh, err
	}
	return []byte(base64.StdEncoding.EncodeToString(fresh)), nil
}
