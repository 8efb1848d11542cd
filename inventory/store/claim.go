package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"gorm.io/gorm"

	"socle/inventory"
)

// SaveLeases claims the addresses of leases in one transaction. A lease is stored only when its address is
// free, when the lease that stands there expired by the time the new one starts, or when it is of the same
// MAC. The rest is lost: the leases that stand in their way are returned, and nothing else is changed by
// them. When SaveLeases returns without an error, all others are on stable storage, and no other server will
// be granted their addresses. Leases of one address in one call are applied in their order.
func (s *Store) SaveLeases(ctx context.Context, leases []inventory.Lease) (lost []inventory.Lease, err error) {
	if len(leases) == 0 {
		return nil, nil
	}
	rounds := inRounds(leases)
	err = s.quietly(ctx, func(tx *gorm.DB) error {
		lost = lost[:0] // the transaction may run again
		seq, err := s.tickLeaseClock(ctx, tx)
		if err != nil {
			return err
		}
		for _, rows := range rounds {
			for chunk := range slices.Chunk(rows, batch) {
				held, err := s.claim(ctx, tx, chunk, seq)
				if err != nil {
					return err
				}
				lost = append(lost, held...)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("storing %d leases: %w", len(leases), err)
	}
	return lost, nil
}

const leaseTick = "UPDATE lease_clock SET seq = seq + 1 RETURNING seq"

// tickLeaseClock counts a change of leases. The lock on the clock's row is what puts transactions in line.
func (s *Store) tickLeaseClock(ctx context.Context, tx *gorm.DB) (seq int64, err error) {
	if raw, ok := tx.Statement.ConnPool.(*sql.Tx); ok && s.tick != nil {
		stmt := raw.StmtContext(ctx, s.tick)
		defer func() { _ = stmt.Close() }() // of this transaction; the prepared one stays
		err = stmt.QueryRowContext(context.WithoutCancel(ctx)).Scan(&seq)
		return seq, err
	}
	return seq, tx.Raw(leaseTick).Scan(&seq).Error
}

// prepare makes the statements that SQLite stores leases and evidence by. The engine is in this process: reading a
// statement costs as much as carrying it out.
func (s *Store) prepare(ctx context.Context) (err error) {
	if s.dialect != sqliteDialect {
		return nil // the driver keeps those of each connection
	}
	for _, p := range []struct {
		to   **sql.Stmt
		text string
	}{
		{&s.tick, leaseTick},
		{&s.upsert, "INSERT INTO leases (" + leaseColumns + ") VALUES (?,?,?,?,?,?,?,?,?,?)" + leaseClaim},
		{&s.witness, evidenceInsert},
	} {
		if *p.to, err = s.sql.PrepareContext(ctx, p.text); err != nil { //nolint:sqlclosecheck // closed together with the pool
			return fmt.Errorf("preparing statements: %w", err)
		}
	}
	return nil
}

// inRounds puts the leases into groups in which each address stands once: one statement must not write a
// row twice.
func inRounds(leases []inventory.Lease) (rounds [][]leaseRow) {
	seen := make(map[netip.Addr]int, len(leases))
	for _, l := range leases {
		n := seen[l.Addr]
		seen[l.Addr] = n + 1
		if n == len(rounds) {
			rounds = append(rounds, make([]leaseRow, 0, len(leases)))
		}
		rounds[n] = append(rounds[n], rowOfLease(l))
	}
	for _, r := range rounds {
		// One order for all writers.
		slices.SortFunc(r, func(a, b leaseRow) int { return strings.Compare(a.Addr, b.Addr) })
	}
	return rounds
}

const leaseColumns = "addr, mac, client_id, hostname, subnet, machine, starts, expires, seq, server"

// leaseClaim is the heart: whose condition is not met, no row is written for.
const leaseClaim = ` ON CONFLICT (addr) DO UPDATE SET mac = excluded.mac, client_id = excluded.client_id,
 hostname = excluded.hostname, subnet = excluded.subnet, machine = excluded.machine, starts = excluded.starts,
 expires = excluded.expires, seq = excluded.seq, server = excluded.server
 WHERE leases.expires <= excluded.starts
 OR leases.mac = excluded.mac AND (leases.mac <> '' OR leases.client_id = excluded.client_id)`

// claim writes rows, and returns the leases that stand in the way of those that it could not write.
func (s *Store) claim(ctx context.Context, tx *gorm.DB, rows []leaseRow, seq int64) ([]inventory.Lease, error) {
	var refused []string
	var err error
	if s.dialect == postgresDialect {
		refused, err = s.claimPostgres(ctx, tx, rows, seq)
	} else {
		refused, err = s.claimSQLite(ctx, tx, rows, seq)
	}
	if err != nil || len(refused) == 0 {
		return nil, err
	}
	var held []leaseRow
	if err := tx.Where("addr IN ?", refused).Order("addr").Find(&held).Error; err != nil {
		return nil, err
	}
	return leasesOf(held)
}

// claimSQLite writes row by row with one prepared statement: the engine is in this process, and parsing one
// long statement costs more.
func (s *Store) claimSQLite(ctx context.Context, tx *gorm.DB, rows []leaseRow, seq int64) (refused []string, err error) {
	raw, ok := tx.Statement.ConnPool.(*sql.Tx)
	if !ok {
		return nil, errors.New("storing leases: not in a transaction")
	}
	stmt := raw.StmtContext(ctx, s.upsert)
	defer func() { _ = stmt.Close() }()
	// The driver would start a goroutine for each row to watch the context; the transaction watches it.
	ctx = context.WithoutCancel(ctx)
	for _, r := range rows {
		done, err := stmt.ExecContext(ctx, r.Addr, r.MAC, r.ClientID, r.Hostname, r.Subnet, r.Machine, r.Starts, r.Expires, seq, s.self)
		if err != nil {
			return nil, err
		}
		if n, err := done.RowsAffected(); err != nil {
			return nil, err
		} else if n == 0 {
			refused = append(refused, r.Addr)
		}
	}
	return refused, nil
}

// claimPostgres writes all rows with one statement, whose text is the same for any number of them, so that
// it is prepared once for each connection.
func (s *Store) claimPostgres(ctx context.Context, tx *gorm.DB, rows []leaseRow, seq int64) (refused []string, err error) {
	var addr, mac, id, host, subnet, machine []string
	var starts, expires []int64
	for _, r := range rows {
		addr, mac, id, host = append(addr, r.Addr), append(mac, r.MAC), append(id, r.ClientID), append(host, r.Hostname)
		subnet, machine = append(subnet, r.Subnet), append(machine, r.Machine)
		starts, expires = append(starts, r.Starts), append(expires, r.Expires)
	}
	got, err := tx.Statement.ConnPool.QueryContext(ctx, "INSERT INTO leases ("+leaseColumns+`)
 SELECT u.*, $9::bigint, $10::text FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
 $7::bigint[], $8::bigint[]) AS u`+leaseClaim+" RETURNING leases.addr", addr, mac, id, host, subnet, machine, starts, expires, seq, s.self)
	if err != nil {
		return nil, err
	}
	defer func() { _ = got.Close() }()
	stored := make(map[string]bool, len(rows))
	for got.Next() {
		var a string
		if err := got.Scan(&a); err != nil {
			return nil, err
		}
		stored[a] = true
	}
	if err := got.Err(); err != nil {
		return nil, err
	}
	for _, a := range addr {
		if !stored[a] {
			refused = append(refused, a)
		}
	}
	return refused, nil
}
