// Package replica keeps the leases that a DHCP server remembers in step with the store that several servers share, for
// DHCPv4 and DHCPv6 alike.
package replica

import (
	"context"
	"log/slog"
	"time"

	"socle/inventory"
)

// Store tells which leases changed after a mark: all for a negative one.
type Store interface {
	LeaseChanges(ctx context.Context, after int64) (leases []inventory.Lease, mark int64, err error)
}

// Follower reads the store for one server. Its methods are for one goroutine at a time.
type Follower struct {
	Store Store
	// Learn takes in leases that were read, and tells how many concern the server; asked is when the store was asked.
	Learn   func(leases []inventory.Lease, asked time.Time) int
	Service string        // in the log, e.g. "DHCPv6"
	Timeout time.Duration // of one question
	Every   time.Duration // between two questions
	Now     func() time.Time
	Log     *slog.Logger

	mark   int64
	loaded bool
}

// Load reads all leases, and tries until it has them or ctx ends: no packet is answered before.
func (f *Follower) Load(ctx context.Context) {
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		n, err := f.Sync(ctx)
		if err == nil {
			f.Log.Info("leases loaded", "service", f.Service, "leases", n)
			return
		}
		if ctx.Err() != nil {
			return
		}
		f.Log.Error("leases cannot be loaded, nobody is answered until they are", "service", f.Service, "err", err, "retry", wait)
		if !Sleep(ctx, wait) {
			return
		}
	}
}

// Sync reads what other servers wrote since the last time.
func (f *Follower) Sync(ctx context.Context) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
	after, asked := f.mark, f.Now()
	if !f.loaded {
		after = -1
	}
	leases, mark, err := f.Store.LeaseChanges(ctx, after)
	if err != nil {
		return 0, err
	}
	f.mark, f.loaded = mark, true
	return f.Learn(leases, asked), nil
}

// Follow does Sync again and again until ctx ends.
func (f *Follower) Follow(ctx context.Context) {
	for away := false; Sleep(ctx, f.Every); {
		_, err := f.Sync(ctx)
		if err != nil && !away && ctx.Err() == nil {
			f.Log.Warn("leases of other servers cannot be read; the database still decides who gets an address", "service", f.Service, "err", err)
		}
		away = err != nil
	}
}

// Sleep waits, and tells whether it did so to the end.
func Sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
