// Package dhcptest is what the tests of the DHCP servers share: a store of leases in memory, a collector of boot
// evidence, and a ramdisk that says that it runs.
package dhcptest

import (
	"context"
	"sync"

	"socle/inventory"
)

// Leases keeps leases in memory, and fails when told to. Its zero value is empty.
type Leases struct {
	mu     sync.Mutex
	byAddr map[string]inventory.Lease
	err    error
	news   []inventory.Lease
	calls  int
}

// LeaseChanges tells all at first, and afterwards only what Tell was given.
func (l *Leases) LeaseChanges(_ context.Context, after int64) (out []inventory.Lease, mark int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if after < 0 {
		for _, lease := range l.byAddr {
			out = append(out, lease)
		}
	}
	out, l.news = append(out, l.news...), nil
	return out, 0, l.err
}

// SaveLeases stores them, and returns the leases of others that are in the way of some.
func (l *Leases) SaveLeases(_ context.Context, leases []inventory.Lease) (lost []inventory.Lease, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	if l.err != nil {
		return nil, l.err
	}
	for _, lease := range leases {
		if held, ok := l.byAddr[lease.Addr.String()]; ok && held.MAC != lease.MAC && held.Expires.After(lease.Starts) {
			lost = append(lost, held)
			continue
		}
		l.put(lease)
	}
	return lost, nil
}

// Put stores a lease as another server would, without a word.
func (l *Leases) Put(lease inventory.Lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.put(lease)
}

func (l *Leases) put(lease inventory.Lease) {
	if l.byAddr == nil {
		l.byAddr = map[string]inventory.Lease{}
	}
	l.byAddr[lease.Addr.String()] = lease
}

// Tell has the next LeaseChanges report leases of other servers.
func (l *Leases) Tell(leases ...inventory.Lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.news = append(l.news, leases...)
}

// Fail makes every call fail from now on; nil: no longer.
func (l *Leases) Fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

// Lease returns the lease of an address.
func (l *Leases) Lease(addr string) (inventory.Lease, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lease, ok := l.byAddr[addr]
	return lease, ok
}

// Calls is how often leases were stored.
func (l *Leases) Calls() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls
}
