package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"socle/inventory"
	"socle/inventory/certificate"
)

type certificateRow struct {
	Number   int64 `gorm:"primaryKey;autoIncrement:false"`
	Previous string
	Digest   string
	Kind     string
	Name     string
	Verdict  string
	Machines int64
	Actor    string
	Time     int64
	File     string
}

// TableName implements gorm's Tabler.
func (certificateRow) TableName() string { return "certificates" }

// IssueCertificate signs a statement as the next one of the chain, and stores it for good. Its number and its predecessor are
// set here, one at a time.
func (s *Store) IssueCertificate(ctx context.Context, state certificate.Statement) (c certificate.Certificate, err error) {
	key, err := s.SigningKey(ctx)
	if err != nil {
		return c, err
	}
	draft, err := certificate.NewDraft(state) // everybody else would wait for it in the transaction
	if err != nil {
		return c, err
	}
	err = s.write(ctx, func(tx *gorm.DB) error {
		if err := s.lock(tx, lockCertificates); err != nil {
			return err
		}
		var last certificateRow
		if err := tx.Select("number", "digest").Order("number DESC").Limit(1).Find(&last).Error; err != nil {
			return err
		}
		if c, err = draft.Seal(last.Number+1, last.Digest, key); err != nil {
			return err
		}
		e := c.Entry()
		row := certificateRow{
			Number: e.Number, Previous: last.Digest, Digest: e.Digest, Kind: e.Kind, Name: clean(e.Name), Verdict: e.Verdict,
			Machines: int64(e.Machines), Actor: cut(e.Actor, 200), Time: micros(s.now()), File: string(c.File()),
		}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return s.append(tx, inventory.Event{Actor: row.Actor, Kind: "certificate",
			Reason: fmt.Sprintf("issued certificate %d of %s %s: %s", row.Number, row.Kind, row.Name, row.Verdict)})
	})
	if err != nil {
		return certificate.Certificate{}, fmt.Errorf("issuing a certificate: %w", err)
	}
	return c, nil
}

// Certificate is the file of one, byte for byte; ErrNotFound when there is none of this number.
func (s *Store) Certificate(ctx context.Context, number int64) ([]byte, error) {
	var row certificateRow
	if err := s.db.WithContext(ctx).Take(&row, "number = ?", number).Error; err != nil {
		return nil, notFound(err, "reading the certificate %d", number)
	}
	return []byte(row.File), nil
}

// Certificates lists those of a machine, by ID, or all, the newest first, without their files.
func (s *Store) Certificates(ctx context.Context, machine string) ([]inventory.CertificateEntry, error) {
	var rows []certificateRow
	q := s.db.WithContext(ctx).Omit("file").Order("number DESC")
	switch {
	case machine == "":
	case s.dialect == postgresDialect:
		q = q.Where("strpos(file, ?) > 0", certificate.Mention(machine))
	default:
		q = q.Where("instr(file, ?) > 0", certificate.Mention(machine))
	}
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading certificates: %w", err)
	}
	all := make([]inventory.CertificateEntry, 0, len(rows))
	for _, r := range rows {
		all = append(all, inventory.CertificateEntry{Number: r.Number, Digest: r.Digest, Kind: r.Kind, Name: r.Name, Verdict: r.Verdict, Machines: int(r.Machines), Actor: r.Actor, Time: instant(r.Time)})
	}
	return all, nil
}
