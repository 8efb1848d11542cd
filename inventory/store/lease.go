package store

import (
	"context"
	"fmt"
	"net/netip"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/inventory"
)

type leaseRow struct {
	Addr     string `gorm:"primaryKey"`
	MAC      string `gorm:"column:mac"`
	ClientID string
	Hostname string
	Subnet   string
	Machine  string
	Starts   int64
	Expires  int64
}

// TableName implements gorm's Tabler.
func (leaseRow) TableName() string { return "leases" }

// batch is how many rows go into one statement: both engines bound the number of its parameters.
const batch = 500

// Leases returns all leases, also those that have expired.
func (s *Store) Leases(ctx context.Context) ([]inventory.Lease, error) {
	var rows []leaseRow
	if err := s.db.WithContext(ctx).Order("addr").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading leases: %w", err)
	}
	leases := make([]inventory.Lease, 0, len(rows))
	for _, r := range rows {
		addr, err := netip.ParseAddr(r.Addr)
		if err != nil {
			return nil, fmt.Errorf("reading leases: %w", err)
		}
		leases = append(leases, inventory.Lease{
			Addr: addr, MAC: r.MAC, ClientID: r.ClientID, Hostname: r.Hostname, Subnet: r.Subnet, Machine: r.Machine,
			Starts: instant(r.Starts), Expires: instant(r.Expires),
		})
	}
	return leases, nil
}

// SaveLeases stores leases in one transaction, in the place of older ones of the same addresses. When it
// returns without an error they are on stable storage. Of two of one address the last counts.
func (s *Store) SaveLeases(ctx context.Context, leases []inventory.Lease) error {
	at := make(map[netip.Addr]int, len(leases))
	rows := make([]leaseRow, 0, len(leases))
	for _, l := range leases {
		row := leaseRow{
			Addr: l.Addr.String(), MAC: clean(l.MAC), ClientID: cut(l.ClientID, 512), Hostname: cut(l.Hostname, 255),
			Subnet: clean(l.Subnet), Machine: l.Machine, Starts: micros(l.Starts), Expires: micros(l.Expires),
		}
		if i, twice := at[l.Addr]; twice {
			rows[i] = row
			continue
		}
		at[l.Addr] = len(rows)
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil
	}
	err := s.write(ctx, func(tx *gorm.DB) error {
		return tx.Clauses(clause.OnConflict{UpdateAll: true}).CreateInBatches(&rows, batch).Error
	})
	if err != nil {
		return fmt.Errorf("storing %d leases: %w", len(rows), err)
	}
	return nil
}

// DeleteLeases removes the leases of addresses; one that is not there is no error.
func (s *Store) DeleteLeases(ctx context.Context, addrs []netip.Addr) error {
	texts := make([]string, 0, len(addrs))
	for _, a := range addrs {
		texts = append(texts, a.String())
	}
	err := s.write(ctx, func(tx *gorm.DB) error {
		for len(texts) > 0 {
			n := min(len(texts), batch)
			if err := tx.Where("addr IN ?", texts[:n]).Delete(&leaseRow{}).Error; err != nil {
				return err
			}
			texts = texts[n:]
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("deleting %d leases: %w", len(addrs), err)
	}
	return nil
}
