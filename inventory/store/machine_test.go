package store_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"socle/hardware"
	"socle/inventory"
	"socle/inventory/store"
)

var sameAddr = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

// full sets every part of a machine that a change may set.
func full(m *inventory.Machine, now time.Time) {
	m.State, m.Since, m.Target, m.Deadline, m.Step = inventory.Deploying, now, inventory.Active, now.Add(time.Hour), "write-image"
	m.Fault = &inventory.Fault{Kind: inventory.FaultNoDisk, Reason: "r\x00", Remedy: "m", Step: "s", Since: now, Count: 2, RetryAt: now.Add(time.Minute)}
	m.Hold = &inventory.Hold{Reason: "look", Actor: "token:admin", Since: now}
	m.Intent = inventory.Intent{State: inventory.Active, Role: "storage", Actor: "token:admin", Serial: "SN-0001"}
	m.Boot, m.Power, m.PowerAt = inventory.BootRamdisk, inventory.PowerOn, now
	m.Identity.NICMACs = []string{"52:54:00:00:00:01", "52:54:00:00:00:aa"}
	m.BMC.Seen = now
	m.Address = netip.MustParseAddr("198.18.0.10")
	m.Role = "storage"
	m.Deployed = inventory.Deployment{
		Image: "sha256:ab", Disk: "D1", DataDisks: []inventory.Data{{Serial: "D2", Label: "d1", SizeBytes: 1 << 62}},
		Written: now, PhonedHome: now, Verified: now, Evidence: []string{"'; DROP TABLE machines; --", "\x00"},
	}
	m.Facts = &hardware.Facts{
		System: hardware.System{Serial: "SN-0001", Product: strings.Repeat("<script>{{.}}\"", 1000)}, Kernel: "a\x00b",
		Memory: hardware.Memory{TotalBytes: 1 << 63}, Disks: []hardware.Disk{{Name: "sda", Serial: "D1", SizeBytes: 10}},
	}
	m.Op = &inventory.Op{Boot: inventory.BootRamdisk, At: now, Off: now, On: now}
	m.FactsAt, m.SeenAt = now, now
}

func TestChangeStoresEverything(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		want := m
		b.pass(time.Minute)
		full(&want, b.clock())
		got, err := b.Change(b.ctx, m.ID, "token:admin", func(m *inventory.Machine) (inventory.Note, error) {
			full(m, b.clock())
			m.ID, m.CreatedAt, m.Version = "other", time.Time{}, 99 // not to be changed
			return inventory.Note{Kind: "state", Reason: "test"}, nil
		})
		must(t, err)
		want.Version, want.UpdatedAt = 2, b.clock()
		if diff := cmp.Diff(want, got, sameAddr); diff != "" {
			t.Errorf("returned (-want +got):\n%s", diff)
		}
		for _, ref := range []string{m.ID, "hv01", "SN-0001", "sn-0001"} {
			if diff := cmp.Diff(want, b.machine(ref), sameAddr); diff != "" {
				t.Errorf("read as %s (-want +got):\n%s", ref, diff)
			}
		}
		all, err := b.Machines(b.ctx)
		must(t, err)
		if diff := cmp.Diff([]inventory.Machine{want}, all, sameAddr); diff != "" {
			t.Errorf("all machines (-want +got):\n%s", diff)
		}
		_, err = b.Change(b.ctx, m.ID, "a", func(m *inventory.Machine) (inventory.Note, error) {
			*m = inventory.Machine{Name: m.Name, State: inventory.Retired}
			return inventory.Note{}, nil
		})
		must(t, err)
		if diff := cmp.Diff(inventory.Machine{ID: m.ID, Name: "hv01", State: inventory.Retired, Version: 3, CreatedAt: m.CreatedAt, UpdatedAt: b.clock()},
			b.machine(m.ID), sameAddr); diff != "" {
			t.Errorf("emptied machine (-want +got):\n%s", diff)
		}
	})
}

func TestMachineByReference(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		p, q := hv(1), hv(2)
		q.Identity.Serial = "hv01" // a serial that is another machine's name
		_, err := b.Import(b.ctx, []store.Planned{p, q}, "a", false)
		must(t, err)
		for ref, want := range map[string]error{
			"": store.ErrNotFound, "hv99": store.ErrNotFound, "hv0": store.ErrNotFound, "%": store.ErrNotFound, "hv01": store.ErrAmbiguous,
		} {
			if _, err := b.Machine(b.ctx, ref); !errors.Is(err, want) {
				t.Errorf("machine %q: %v, want %v", ref, err, want)
			}
		}
		if _, err := b.Change(b.ctx, "no-such-id", "a", func(*inventory.Machine) (inventory.Note, error) {
			t.Error("called for no machine")
			return inventory.Note{}, nil
		}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("changing nothing: %v", err)
		}
	})
}

func TestChangeLeavesOneEvent(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		last := b.events(store.EventFilter{})[0].Seq
		b.pass(time.Second)
		_, err := b.Change(b.ctx, m.ID, "dhcp", func(m *inventory.Machine) (inventory.Note, error) {
			m.SeenAt = b.clock()
			m.Facts = &hardware.Facts{Kernel: "secret-size"}
			return inventory.Note{Kind: "state", Reason: "asked for an address\x00\xff"}, m.Move(inventory.Discovered, b.clock())
		})
		must(t, err)
		got := b.events(store.EventFilter{After: last})
		if len(got) != 1 {
			t.Fatalf("%d events", len(got))
		}
		e := got[0]
		if e.Machine != m.ID || e.Name != "hv01" || e.Actor != "dhcp" || e.Kind != "state" || e.Reason != "asked for an address\uFFFD\uFFFD" || !e.Time.Equal(b.clock()) {
			t.Errorf("event is %+v", e)
		}
		var before, after map[string]any
		must(t, json.Unmarshal(e.Before, &before))
		must(t, json.Unmarshal(e.After, &after))
		sum := after["facts_sha256"]
		want := map[string]any{"state": "expected", "since": "2026-11-23T12:00:00.123456Z", "seen_at": nil, "facts_sha256": ""}
		if diff := cmp.Diff(want, before); diff != "" {
			t.Errorf("before (-want +got):\n%s", diff)
		}
		want = map[string]any{"state": "discovered", "since": "2026-11-23T12:00:01.123456Z", "seen_at": "2026-11-23T12:00:01.123456Z", "facts_sha256": sum}
		if diff := cmp.Diff(want, after); diff != "" || len(fmt.Sprint(sum)) != 64 {
			t.Errorf("after (-want +got):\n%s", diff)
		}
	})
}

// TestChangeQuietly proves that what is no change leaves no trace, and a mere sign of life no event.
func TestChangeQuietly(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		last := b.events(store.EventFilter{Latest: true, Limit: 1})[0].Seq
		var queued atomic.Int64
		b.SetEnqueue(func(context.Context, *sql.Tx, string) error { queued.Add(1); return nil })
		change := func(note inventory.Note, fn func(*inventory.Machine)) inventory.Machine {
			got, err := b.Change(b.ctx, m.ID, "a", func(m *inventory.Machine) (inventory.Note, error) { fn(m); return note, nil })
			must(t, err)
			return got
		}
		if got := change(inventory.Note{}, func(*inventory.Machine) {}); got.Version != 1 {
			t.Errorf("no change made version %d", got.Version)
		}
		if got := change(inventory.Note{}, func(m *inventory.Machine) { m.SeenAt = b.clock() }); got.Version != 2 || !got.SeenAt.Equal(b.clock()) {
			t.Errorf("a sign of life made %+v", got)
		}
		if events := b.events(store.EventFilter{After: last}); len(events) != 0 || queued.Load() != 0 {
			t.Errorf("quiet changes left %d events and queued %d", len(events), queued.Load())
		}
		change(inventory.Note{Kind: "note", Reason: "said"}, func(*inventory.Machine) {})
		change(inventory.Note{}, func(m *inventory.Machine) { m.Power = inventory.PowerOff })
		if events := b.events(store.EventFilter{After: last}); len(events) != 2 || queued.Load() != 2 {
			t.Errorf("changes left %d events and queued %d", len(events), queued.Load())
		}
	})
}

func TestChangeRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1), hv(2))
		no := errors.New("no")
		for name, tt := range map[string]struct {
			fn   func(*inventory.Machine) error
			want error
		}{
			"by fn":           {func(m *inventory.Machine) error { m.Role = "x"; return no }, no},
			"taken name":      {func(m *inventory.Machine) error { m.Name = "hv02"; return nil }, store.ErrTaken},
			"no such road":    {func(m *inventory.Machine) error { return m.Move(inventory.Active, b.clock()) }, inventory.ErrTransition},
			"no state at all": {func(m *inventory.Machine) error { m.State = "lost"; return nil }, nil},
			"no name":         {func(m *inventory.Machine) error { m.Name = ""; return nil }, nil},
		} {
			_, err := b.Change(b.ctx, m.ID, "a", func(m *inventory.Machine) (inventory.Note, error) { return inventory.Note{Kind: "x"}, tt.fn(m) })
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("%s: error %v, want %v", name, err, tt.want)
			}
		}
		if diff := cmp.Diff(m, b.machine(m.ID), sameAddr); diff != "" {
			t.Errorf("a refused change changed:\n%s", diff)
		}
		if n := len(b.events(store.EventFilter{})); n != 2 {
			t.Errorf("%d events", n)
		}
	})
}

// TestChangeRace lets many goroutines of two stores on one database count on one machine: no count is lost,
// and every one has its event.
func TestChangeRace(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		stores := []*store.Store{b.Store, b.open()}
		const workers, each = 16, 8
		var calls atomic.Int64
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				for range each {
					_, err := stores[w%2].Change(b.ctx, m.ID, "a", func(m *inventory.Machine) (inventory.Note, error) {
						calls.Add(1)
						m.Place.U++
						return inventory.Note{Kind: "count"}, nil
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		got := b.machine(m.ID)
		if got.Place.U != m.Place.U+workers*each || got.Version != m.Version+workers*each {
			t.Errorf("%d changes made U %d and version %d", workers*each, got.Place.U, got.Version)
		}
		if n := len(b.events(store.EventFilter{Limit: 1000})); n != 1+workers*each {
			t.Errorf("%d events", n)
		}
		if calls.Load() <= workers*each {
			t.Errorf("fn was called %d times: no race was lost, so this test proves nothing", calls.Load())
		}
	})
}

// TestChangeLooksAgain changes the machine behind the back of a change, which must then see the new one.
func TestChangeLooksAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		var saw []string
		got, err := b.Change(b.ctx, m.ID, "slow", func(m *inventory.Machine) (inventory.Note, error) {
			saw = append(saw, m.Role)
			if len(saw) == 1 {
				_, err := b.Change(b.ctx, m.ID, "quick", func(m *inventory.Machine) (inventory.Note, error) {
					m.Role = "storage"
					return inventory.Note{Kind: "role"}, nil
				})
				must(t, err)
			}
			m.Step = "after " + m.Role
			return inventory.Note{Kind: "step"}, nil
		})
		must(t, err)
		if diff := cmp.Diff([]string{"hypervisor", "storage"}, saw); diff != "" || got.Step != "after storage" || got.Role != "storage" {
			t.Errorf("saw %q and stored %+v", saw, got)
		}
	})
}

func TestEnqueueInTheSameTransaction(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		_, err := b.SQL().ExecContext(b.ctx, "CREATE TABLE jobs (machine TEXT)")
		must(t, err)
		fail := errors.New("the queue is full")
		var answer error
		b.SetEnqueue(func(ctx context.Context, tx *sql.Tx, id string) error {
			var state string // sees the change that it is part of
			if err := tx.QueryRowContext(ctx, "SELECT state FROM machines WHERE id = '"+id+"'").Scan(&state); err != nil || state != "discovered" {
				t.Errorf("the queue saw state %q, %v", state, err)
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO jobs VALUES ('"+id+"')"); err != nil {
				return err
			}
			return answer
		})
		move := func(m *inventory.Machine) (inventory.Note, error) {
			return inventory.Note{Kind: "state"}, m.Move(inventory.Discovered, b.clock())
		}
		answer = fail
		if _, err := b.Change(b.ctx, m.ID, "a", move); !errors.Is(err, fail) {
			t.Errorf("error %v", err)
		}
		if got := b.machine(m.ID); got.State != inventory.Expected || got.Version != 1 {
			t.Errorf("the change stayed although its work could not be queued: %+v", got)
		}
		if n := b.count("SELECT count(*) FROM jobs"); n != 0 {
			t.Errorf("%d jobs of no change", n)
		}
		if n := len(b.events(store.EventFilter{Machine: m.ID})); n != 1 {
			t.Errorf("%d events", n)
		}
		answer = nil
		_, err = b.Change(b.ctx, m.ID, "a", move)
		must(t, err)
		if n := b.count("SELECT count(*) FROM jobs"); n != 1 {
			t.Errorf("%d jobs of one change", n)
		}
	})
}

func (b *bench) count(query string) (n int) {
	b.t.Helper()
	must(b.t, b.SQL().QueryRowContext(b.ctx, query).Scan(&n))
	return n
}

func TestSubscribe(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		ticks, cancel := b.Subscribe()
		m := b.plan(hv(1), hv(2))
		for range 3 {
			_, err := b.Change(b.ctx, m.ID, "a", func(m *inventory.Machine) (inventory.Note, error) { m.Place.U++; return inventory.Note{}, nil })
			must(t, err)
		}
		select {
		case <-ticks:
		default:
			t.Fatal("no tick after commits")
		}
		select {
		case <-ticks:
			t.Fatal("several commits made several ticks")
		default:
		}
		_, err := b.Change(b.ctx, m.ID, "a", func(*inventory.Machine) (inventory.Note, error) { return inventory.Note{}, errors.New("no") })
		if err == nil {
			t.Fatal("no error")
		}
		cancel()
		must(t, b.SetSetting(b.ctx, "a", "b"))
		select {
		case <-ticks:
			t.Fatal("a tick of nothing, or after the end")
		default:
		}
	})
}

func TestCancelledContext(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		ctx, cancel := context.WithCancel(b.ctx)
		_, err := b.Change(ctx, m.ID, "a", func(m *inventory.Machine) (inventory.Note, error) {
			cancel()
			m.Role = "x"
			return inventory.Note{}, nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if diff := cmp.Diff(m, b.machine(m.ID), sameAddr, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("a cancelled change changed:\n%s", diff)
		}
	})
}
