package store_test

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
)

const macOne, macTwo = "52:54:00:00:0a:01", "52:54:00:00:0a:02"

// TestClaims: an address goes to whom it is free for, and to nobody else.
func TestClaims(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		addr := netip.MustParseAddr("198.18.0.9")
		// of is a lease from a minute to another, counted from the test's begin.
		of := func(mac string, from, to int) inventory.Lease {
			return inventory.Lease{Addr: addr, MAC: mac, Subnet: "prov", Starts: b.now.Add(time.Duration(from) * time.Minute), Expires: b.now.Add(time.Duration(to) * time.Minute)}
		}
		for i, step := range []struct {
			claim []inventory.Lease
			holds inventory.Lease
			lost  bool
		}{
			{[]inventory.Lease{of(macOne, 0, 60)}, of(macOne, 0, 60), false},                             // free
			{[]inventory.Lease{of(macTwo, 59, 120)}, of(macOne, 0, 60), true},                            // held
			{[]inventory.Lease{of(macOne, 30, 90)}, of(macOne, 30, 90), false},                           // renewed
			{[]inventory.Lease{of(macTwo, 89, 120)}, of(macOne, 30, 90), true},                           // still held
			{[]inventory.Lease{of(macTwo, 90, 120)}, of(macTwo, 90, 120), false},                         // expired
			{[]inventory.Lease{of(macOne, 91, 150)}, of(macTwo, 90, 120), true},                          // the first one comes late
			{[]inventory.Lease{of("", 91, 150)}, of(macTwo, 90, 120), true},                              // not to be quarantined by others
			{[]inventory.Lease{of(macTwo, 95, 95), of("", 95, 105)}, of("", 95, 105), false},             // declined by its client
			{[]inventory.Lease{of(macOne, 100, 150)}, of("", 95, 105), true},                             // in quarantine
			{[]inventory.Lease{of(macOne, 105, 106), of(macTwo, 106, 107)}, of(macTwo, 106, 107), false}, // in their order
		} {
			lost, err := b.SaveLeases(b.ctx, step.claim)
			must(t, err)
			var want []inventory.Lease
			if step.lost {
				want = append(want, step.holds)
			}
			if diff := cmp.Diff(want, lost, sameAddr); diff != "" {
				t.Errorf("step %d lost to (-want +got):\n%s", i, diff)
			}
			got, err := b.Leases(b.ctx)
			must(t, err)
			if diff := cmp.Diff([]inventory.Lease{step.holds}, got, sameAddr); diff != "" {
				t.Errorf("step %d (-want +got):\n%s", i, diff)
			}
		}
	})
}

// TestLeaseChanges: each of two processes learns what the other one wrote, once.
func TestLeaseChanges(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		other := b.open()
		first := []inventory.Lease{lease(b, 1), lease(b, 2)}
		_, err := b.SaveLeases(b.ctx, first)
		must(t, err)
		got, mark, err := other.LeaseChanges(b.ctx, -1)
		must(t, err)
		if len(got) != 2 || got[0].MAC != first[0].MAC {
			t.Fatalf("at the begin: %+v", got)
		}
		if got, again, err := other.LeaseChanges(b.ctx, mark); err != nil || len(got) != 0 || again != mark {
			t.Errorf("without a change: %+v, %d, %v", got, again, err)
		}
		_, err = other.SaveLeases(b.ctx, []inventory.Lease{lease(b, 3)})
		must(t, err)
		renewed := first[1]
		renewed.Expires = renewed.Expires.Add(time.Hour)
		_, err = b.SaveLeases(b.ctx, []inventory.Lease{renewed})
		must(t, err)
		got, mark, err = other.LeaseChanges(b.ctx, mark)
		must(t, err)
		if len(got) != 1 || got[0].Addr != renewed.Addr || !got[0].Expires.Equal(renewed.Expires) {
			t.Errorf("after a renewal and an own lease: %+v", got)
		}
		if got, _, err := other.LeaseChanges(b.ctx, mark); err != nil || len(got) != 0 {
			t.Errorf("they come twice: %+v, %v", got, err)
		}
	})
}

// TestClaimsInARace lets several processes claim the same addresses for clients of their own, all at once:
// each address has one winner, all others are told who it is, and following the changes shows every lease.
func TestClaimsInARace(t *testing.T) {
	const servers, rounds, addrs = 3, 20, 50
	onBoth(t, func(t *testing.T, b *bench) {
		watcher := b.open()
		seen := map[netip.Addr]string{}
		stop, watched := make(chan struct{}), make(chan error, 1)
		go func() {
			mark := int64(-1)
			for last := false; ; {
				got, next, err := watcher.LeaseChanges(b.ctx, mark)
				if err != nil || last {
					watched <- err
					return
				}
				mark = next
				for _, l := range got {
					seen[l.Addr] = l.MAC
				}
				select {
				case <-stop:
					last = len(got) == 0
				default:
				}
			}
		}()
		var mu sync.Mutex
		won := map[netip.Addr]string{}
		var wg sync.WaitGroup
		for n := range servers {
			s := b.open()
			wg.Go(func() {
				for r := range rounds {
					var claim []inventory.Lease
					for i := range addrs {
						l := lease(b, r*addrs+(i*7+n*13)%addrs) // each in another order
						l.MAC = fmt.Sprintf("52:54:00:%02x:00:00", n)
						claim = append(claim, l)
					}
					lost, err := s.SaveLeases(b.ctx, claim)
					if err != nil {
						t.Error(err)
						return
					}
					notMine := map[netip.Addr]bool{}
					for _, l := range lost {
						notMine[l.Addr] = true
					}
					mu.Lock()
					for _, l := range claim {
						if notMine[l.Addr] {
							continue
						}
						if other, twice := won[l.Addr]; twice {
							t.Errorf("%s was granted to %s and %s", l.Addr, other, l.MAC)
						}
						won[l.Addr] = l.MAC
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		close(stop)
		must(t, <-watched)
		if len(won) != rounds*addrs {
			t.Errorf("%d of %d addresses were granted", len(won), rounds*addrs)
		}
		if diff := cmp.Diff(won, seen, sameAddr); diff != "" {
			t.Errorf("what the watcher saw (-granted +seen):\n%s", diff)
		}
	})
}
