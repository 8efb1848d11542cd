package store

import (
	"context"
	"fmt"
	"net/netip"

	"gorm.io/gorm"

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
	Seq      int64  // of the lease clock, at the last change
	Server   string // that made it
}

// TableName implements gorm's Tabler.
func (leaseRow) TableName() string { return "leases" }

// batch is how many rows go into one statement: both engines bound the number of its parameters.
const batch = 500

func rowOfLease(l inventory.Lease) leaseRow {
	return leaseRow{
		Addr: l.Addr.String(), MAC: clean(l.MAC), ClientID: cut(l.ClientID, 512), Hostname: cut(l.Hostname, 255),
		Subnet: clean(l.Subnet), Machine: l.Machine, Starts: micros(l.Starts), Expires: micros(l.Expires),
	}
}

func (r leaseRow) lease() (inventory.Lease, error) {
	addr, err := netip.ParseAddr(r.Addr)
	if err != nil {
		return inventory.Lease{}, fmt.Errorf("reading leases: %w", err)
	}
	return inventory.Lease{
		Addr: addr, MAC: r.MAC, ClientID: r.ClientID, Hostname: r.Hostname, Subnet: r.Subnet, Machine: r.Machine,
		Starts: instant(r.Starts), Expires: instant(r.Expires),
	}, nil
}

func leasesOf(rows []leaseRow) ([]inventory.Lease, error) {
	leases := make([]inventory.Lease, 0, len(rows))
	for _, r := range rows {
		l, err := r.lease()
		if err != nil {
			return nil, err
		}
		leases = append(leases, l)
	}
	return leases, nil
}

// Leases returns all leases, also those that have expired.
func (s *Store) Leases(ctx context.Context) ([]inventory.Lease, error) {
	var rows []leaseRow
	if err := s.db.WithContext(ctx).Order("addr").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading leases: %w", err)
	}
	return leasesOf(rows)
}

// LeaseChanges returns the leases that other processes changed after a mark, and the next mark. Begin with a
// mark of -1, which returns all leases, whoever wrote them.
func (s *Store) LeaseChanges(ctx context.Context, after int64) ([]inventory.Lease, int64, error) {
	db := s.db.WithContext(ctx)
	// The clock is read first: what is committed between the two reads has a higher number and comes again.
	var mark int64
	if err := db.Raw("SELECT seq FROM lease_clock").Scan(&mark).Error; err != nil {
		return nil, after, fmt.Errorf("reading the lease clock: %w", err)
	}
	if mark == after {
		return nil, after, nil
	}
	var rows []leaseRow
	if err := db.Where("seq > ? AND server <> ?", after, s.self).Order("seq, addr").Find(&rows).Error; err != nil {
		return nil, after, fmt.Errorf("reading changed leases: %w", err)
	}
	leases, err := leasesOf(rows)
	if err != nil {
		return nil, after, err
	}
	return leases, mark, nil
}

// DeleteLeases removes the leases of addresses; one that is not there is no error. Other servers are not told.
func (s *Store) DeleteLeases(ctx context.Context, addrs []netip.Addr) error {
	texts := make([]string, 0, len(addrs))
	for _, a := range addrs {
		texts = append(texts, a.String())
	}
	err := s.quietly(ctx, func(tx *gorm.DB) error {
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
