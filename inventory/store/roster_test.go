package store_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/hardware/sample"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
)

// TestRoster: what is listed is what each machine is, but for its facts.
func TestRoster(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1), hv(2))
		_, err := b.Change(b.ctx, m.ID, "agent", func(m *inventory.Machine) (inventory.Note, error) {
			m.Facts, m.FactsAt, m.Hold = &sampleFacts(t)[0].Facts, b.clock(), &inventory.Hold{Reason: "look", Actor: "me", Since: b.clock()}
			return inventory.Note{Kind: "facts", Reason: "seen"}, nil
		})
		must(t, err)
		want, err := b.Machines(b.ctx)
		must(t, err)
		if want[0].Facts == nil {
			t.Fatal("the facts were not stored")
		}
		want[0].Facts = nil
		got, err := b.Roster(b.ctx)
		must(t, err)
		if d := cmp.Diff(want, got, cmp.AllowUnexported(inventory.Machine{}), cmp.Comparer(func(a, b fmt.Stringer) bool { return a.String() == b.String() })); d != "" {
			t.Error(d)
		}
		if few, err := b.Named(b.ctx, "hv02", "nobody"); err != nil || len(few) != 1 || few[0].Name != "hv02" || few[0].Facts != nil {
			t.Errorf("of hv02 there is %+v, %v", few, err)
		}
	})
}

// TestOrdersInProgress: of each machine the newest order that is not finished, and none of a boot that is over.
func TestOrdersInProgress(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		one, two := b.plan(hv(1), hv(2), hv(3)), b.machine("hv02")
		s1, s2 := b.session("s1", one), b.session("s2", two)
		b.issue(s1, "inspect")
		newest, finished := b.issue(s1, "write-image"), b.issue(s2, "inspect")
		_, err := b.Report(b.ctx, "s2", finished.ID, inventory.OrderReport{Seq: 1, State: inventory.OrderDone})
		must(t, err)
		all, err := b.OrdersInProgress(b.ctx)
		must(t, err)
		if o := all[one.ID]; len(all) != 1 || o.ID != newest.ID || o.Kind != "write-image" || o.Params != nil {
			t.Errorf("in progress is %+v, not order %s alone", all, newest.ID)
		}
		must(t, b.EndSession(b.ctx, "s1"))
		if all, err := b.OrdersInProgress(b.ctx); err != nil || len(all) != 0 {
			t.Errorf("after the end of the boot in progress is %+v, %v", all, err)
		}
	})
}

// TestOrdersSince: agents are told of orders that nobody has taken, and of the end of their session.
func TestOrdersSince(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		one, two := b.plan(hv(1), hv(2)), b.machine("hv02")
		s1, s2 := b.session("s1", one), b.session("s2", two)
		_, last, err := b.OrdersSince(b.ctx, 0)
		must(t, err)
		b.issue(s1, "inspect")
		b.issue(s2, "inspect")
		b.issue(s2, "seed")
		sessions, next, err := b.OrdersSince(b.ctx, last)
		must(t, err)
		slices.Sort(sessions)
		if d := cmp.Diff([]string{"s1", "s2"}, sessions); d != "" || next != last+3 {
			t.Errorf("from %d to %d: %s", last, next, d)
		}
		_, err = b.NextOrder(b.ctx, "s1")
		must(t, err)
		if sessions, _, err := b.OrdersSince(b.ctx, next); err != nil || slices.Contains(sessions, "s1") {
			t.Errorf("an order that was taken is told again: %v, %v", sessions, err)
		}
		b.pass(time.Minute)
		must(t, b.EndSession(b.ctx, "s1"))
		if ended, err := b.EndedSince(b.ctx, b.clock()); err != nil || !slices.Equal(ended, []string{"s1"}) {
			t.Errorf("ended are %v, %v", ended, err)
		}
		if ended, err := b.EndedSince(b.ctx, b.clock().Add(time.Second)); err != nil || len(ended) != 0 {
			t.Errorf("later ended are %v, %v", ended, err)
		}
	})
}

func sampleFacts(t testing.TB) []sample.Server {
	t.Helper()
	all, err := sample.All()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// BenchmarkLists reads 2,000 machines with the facts of real servers, as pages and commands do.
func BenchmarkLists(b *testing.B) {
	keys, err := secret.Open(filepath.Join(b.TempDir(), "keys"))
	if err != nil {
		b.Fatal(err)
	}
	s, err := store.Open(b.Context(), store.Options{URL: filepath.Join(b.TempDir(), "socle.db"), Keys: keys})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	samples := sampleFacts(b)
	var planned []store.Planned
	for i := range 2000 {
		p := hv(1)
		p.Line, p.Name, p.Place.Rack, p.Place.U = i+1, fmt.Sprintf("n%04d", i), fmt.Sprintf("r%02d", i/40), i%40+1
		p.BMC.Address = fmt.Sprintf("198.19.%d.%d", i/250, i%250)
		p.Identity = inventory.Identity{Serial: fmt.Sprintf("SN-%04d", i), NICMACs: []string{fmt.Sprintf("52:54:00:00:%02x:%02x", i>>8, i&0xff)}}
		planned = append(planned, p)
	}
	if _, err := s.Import(b.Context(), planned, "token:admin", false); err != nil {
		b.Fatal(err)
	}
	all, err := s.Machines(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for i, m := range all {
		_, err := s.Change(b.Context(), m.ID, "agent", func(m *inventory.Machine) (inventory.Note, error) {
			m.Facts = &samples[i%len(samples)].Facts
			return inventory.Note{Kind: "facts", Reason: "seen"}, nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	for name, read := range map[string]func() (int, error){
		"machines":           func() (int, error) { m, err := s.Machines(b.Context()); return len(m), err },
		"roster":             func() (int, error) { m, err := s.Roster(b.Context()); return len(m), err },
		"orders-in-progress": func() (int, error) { _, err := s.OrdersInProgress(b.Context()); return len(all), err },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if n, err := read(); err != nil || n != len(all) {
					b.Fatal(n, err)
				}
			}
		})
	}
}
