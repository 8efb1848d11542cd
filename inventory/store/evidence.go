package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"slices"

	"gorm.io/gorm"

	"socle/inventory"
)

type evidenceRow struct {
	Num     int64 `gorm:"primaryKey;autoIncrement"`
	Time    int64
	MAC     string `gorm:"column:mac"`
	Machine string
	Source  string
	Asked   string
	Reply   string
	Bytes   int64
	Kind    string
	Outcome string
	Client  string
	Arch    string
	File    string
	Total   int64
	Addr    string
	Peer    string
	PeerMAC string `gorm:"column:peer_mac"`
	Iface   string
	Relay   string
	Port    string
}

// TableName implements gorm's Tabler.
func (evidenceRow) TableName() string { return "evidence" }

func toEvidenceRow(e inventory.Evidence) evidenceRow {
	return evidenceRow{
		Time: micros(e.Time), MAC: clean(e.MAC), Machine: e.Machine, Source: cut(e.Source, 100),
		Asked: cut(e.Asked, 1024), Reply: cut(e.Reply, 1024), Bytes: e.Bytes,
		Kind: string(e.Kind), Outcome: string(e.Outcome), Client: string(e.Client), Arch: cut(e.Arch, 16),
		File: cut(e.File, 512), Total: e.Total, Addr: addrText(e.Addr), Peer: addrText(e.Peer), PeerMAC: clean(e.PeerMAC),
		Iface: cut(e.Iface, 64), Relay: addrText(e.Relay), Port: cut(e.Port, 300),
	}
}

func (r evidenceRow) evidence() inventory.Evidence {
	return inventory.Evidence{
		Time: instant(r.Time), MAC: r.MAC, Machine: r.Machine, Source: r.Source, Asked: r.Asked, Reply: r.Reply, Bytes: r.Bytes,
		Kind: inventory.EvidenceKind(r.Kind), Outcome: inventory.Outcome(r.Outcome), Client: inventory.Stage(r.Client), Arch: r.Arch,
		File: r.File, Total: r.Total, Addr: addrOf(r.Addr), Peer: addrOf(r.Peer), PeerMAC: r.PeerMAC,
		Iface: r.Iface, Relay: addrOf(r.Relay), Port: r.Port,
	}
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.WithZone("").String()
}

// addrOf reads what addrText wrote; what is no address is none.
func addrOf(s string) netip.Addr {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return a
}

// evidenceKept is how many lines of evidence are kept, of all machines together: anybody on the network can
// make some.
const evidenceKept = 500_000

// AddEvidence stores lines of boot evidence in one transaction. Long texts are cut, the oldest lines go.
func (s *Store) AddEvidence(ctx context.Context, lines []inventory.Evidence) error {
	if len(lines) == 0 {
		return nil
	}
	rows := make([]evidenceRow, 0, len(lines))
	for _, e := range lines {
		if e.Time.IsZero() {
			e.Time = s.now()
		}
		rows = append(rows, toEvidenceRow(e))
	}
	err := s.write(ctx, func(tx *gorm.DB) error {
		last, err := s.insertEvidence(ctx, tx, rows)
		if err != nil {
			return err
		}
		if last > evidenceKept {
			return tx.Where("num <= ?", last-evidenceKept).Delete(&evidenceRow{}).Error
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("storing %d lines of boot evidence: %w", len(lines), err)
	}
	return nil
}

const evidenceInsert = "INSERT INTO evidence (time, mac, machine, source, asked, reply, bytes, kind, outcome, client, arch, file, total, addr, peer, peer_mac," +
	" iface, relay, port) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"

// insertEvidence adds rows, and returns the number of the last one. With SQLite it does so one by one with a
// prepared statement, as storing leases does.
func (s *Store) insertEvidence(ctx context.Context, tx *gorm.DB, rows []evidenceRow) (last int64, err error) {
	raw, ok := tx.Statement.ConnPool.(*sql.Tx)
	if !ok || s.dialect != sqliteDialect {
		err := tx.CreateInBatches(&rows, batch).Error
		return rows[len(rows)-1].Num, err
	}
	stmt := raw.StmtContext(ctx, s.witness)
	defer func() { _ = stmt.Close() }()
	ctx = context.WithoutCancel(ctx) // the transaction watches it
	for _, r := range rows {
		done, err := stmt.ExecContext(ctx, r.Time, r.MAC, r.Machine, r.Source, r.Asked, r.Reply, r.Bytes, r.Kind, r.Outcome, r.Client, r.Arch, r.File, r.Total,
			r.Addr, r.Peer, r.PeerMAC, r.Iface, r.Relay, r.Port)
		if err != nil {
			return 0, err
		}
		if last, err = done.LastInsertId(); err != nil {
			return 0, err
		}
	}
	return last, nil
}

// Evidence returns the last lines (at most limit; 0 for 100) that concern a machine, by its ID, or a MAC, in
// their order in time.
func (s *Store) Evidence(ctx context.Context, machineIDorMAC string, limit int) ([]inventory.Evidence, error) {
	if limit <= 0 {
		limit = 100
	}
	q := s.db.WithContext(ctx)
	if mac := inventory.NormalizeMAC(machineIDorMAC); mac != "" {
		q = q.Where("mac = ?", mac)
	} else {
		// Lines from before the machine was known carry only a MAC.
		q = q.Where("machine = ? OR machine = '' AND mac IN (SELECT mac FROM machine_macs WHERE machine_id = ?)",
			clean(machineIDorMAC), clean(machineIDorMAC))
	}
	var rows []evidenceRow
	if err := q.Order("num DESC").Limit(min(limit, 10000)).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading the boot evidence of %s: %w", machineIDorMAC, err)
	}
	slices.Reverse(rows)
	lines := make([]inventory.Evidence, 0, len(rows))
	for _, r := range rows {
		lines = append(lines, r.evidence())
	}
	return lines, nil
}
