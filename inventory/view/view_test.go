package view_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"socle/internal/pgtest"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
	"socle/inventory/view"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func onBoth(t *testing.T, test func(t *testing.T, open func() *store.Store)) {
	for name, url := range map[string]func() string{
		"sqlite":   func() string { return filepath.Join(t.TempDir(), "db") },
		"postgres": func() string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := secret.Open(filepath.Join(t.TempDir(), "keys"))
			must(t, err)
			at := url()
			test(t, func() *store.Store {
				s, err := store.Open(t.Context(), store.Options{URL: at, Keys: keys})
				must(t, err)
				t.Cleanup(func() { must(t, s.Close()) })
				return s
			})
		})
	}
}

func newView(t testing.TB, s view.Source, now func() time.Time) *view.View {
	t.Helper()
	v, err := view.New(context.Background(), s, slog.New(slog.DiscardHandler), now)
	must(t, err)
	return v
}

func id(serial, uuid string, macs ...string) inventory.Identity {
	return inventory.Identity{Serial: serial, UUID: uuid, NICMACs: macs}.Normalize()
}

// TestSaysWhatTheStoreSays compares the two on identities that collide in every way: whenever the view
// recognises a machine, the store recognises the same one and changes nothing.
func TestSaysWhatTheStoreSays(t *testing.T) {
	s, err := store.Open(t.Context(), store.Options{URL: filepath.Join(t.TempDir(), "db")})
	must(t, err)
	defer s.Close()
	dice := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[dice.IntN(len(list))] }
	serial := func() string {
		return pick("", "", "none", "s1", fmt.Sprint("S", dice.IntN(20)), fmt.Sprint("S", dice.IntN(20)))
	}
	uuid := func() string {
		return pick("", "03000200-0400-0500-0006-000700080009", "03000200-0400-0500-0006-000700080009", "11111111-0000-0000-0000-000000000001")
	}
	mac := func() string { return fmt.Sprintf("52:54:00:00:00:%02x", dice.IntN(60)) }
	random := func() inventory.Identity {
		i := inventory.Identity{Serial: serial(), UUID: uuid(), NICMACs: []string{mac()}}
		if dice.IntN(3) == 0 {
			i.NICMACs = append(i.NICMACs, mac())
		}
		if dice.IntN(6) == 0 {
			i.NICMACs = nil
		}
		if dice.IntN(10) == 0 {
			i.BMCMAC = mac()
		}
		return i.Normalize()
	}
	v := newView(t, s, nil)
	said, silent := 0, 0
	var asked []inventory.Identity
	for range 1000 {
		seen := random()
		if len(asked) > 0 && dice.IntN(2) == 0 {
			seen = asked[dice.IntN(len(asked))]
		}
		asked = append(asked, seen)
		if seen.Serial == "" && seen.UUID == "" && seen.BMCMAC == "" && len(seen.NICMACs) == 0 {
			continue
		}
		must(t, v.Refresh(t.Context()))
		got, ok := v.Recognise(seen)
		m, created, err := s.Recognise(t.Context(), seen, "test")
		if !ok {
			silent++
			continue
		}
		said++
		if err != nil || created || m.ID != got.ID || m.Boot != got.Boot || m.State != got.State || !m.Sketch().Identity.Equal(got.Identity) {
			t.Fatalf("%+v: the view says %+v, the store %+v, created %v, %v", seen, got, m, created, err)
		}
		if dice.IntN(20) == 0 { // a person decides about it
			_, err := s.Change(t.Context(), m.ID, "test", func(m *inventory.Machine) (inventory.Note, error) {
				if m.Fault = nil; m.State == inventory.Discovered {
					return inventory.Note{Kind: "state", Reason: "test"}, m.Move(inventory.Retired, time.Now())
				}
				return inventory.Note{Kind: "test", Reason: "test"}, nil
			})
			must(t, err)
		}
	}
	t.Logf("recognised %d times, left to the store %d times, %d machines", said, silent, v.Size())
	if said < 100 || silent < 100 {
		t.Errorf("recognised %d times, left to the store %d times: both were to be tried", said, silent)
	}
}

// TestFollowsOtherProcesses changes machines through one store and looks at them through another.
func TestFollowsOtherProcesses(t *testing.T) {
	onBoth(t, func(t *testing.T, open func() *store.Store) {
		here, there := open(), open()
		ctx, cancel := context.WithCancel(t.Context())
		v := newView(t, here, nil)
		ended := make(chan error, 1)
		go func() { ended <- v.Run(ctx) }()
		await := func(what string, is func() bool) {
			t.Helper()
			for range 1000 {
				if is() {
					return
				}
				<-time.After(10 * time.Millisecond)
			}
			t.Fatalf("%s: not seen in the view", what)
		}
		m, _, err := there.Recognise(ctx, id("S1", "", "52:54:00:00:00:01"), "test")
		must(t, err)
		await("a new machine", func() bool { s, ok := v.ByMAC("52:54:00:00:00:01"); return ok && s.ID == m.ID })
		if s, ok := v.Recognise(id("S1", "", "52:54:00:00:00:01")); !ok || s.Boot != inventory.BootRamdisk {
			t.Errorf("got %+v, %v", s, ok)
		}
		_, _, err = there.Recognise(ctx, id("S1", "", "52:54:00:00:00:02"), "test")
		must(t, err)
		await("another interface", func() bool { _, ok := v.ByMAC("52:54:00:00:00:02"); return ok })
		_, err = there.Change(ctx, m.ID, "test", func(m *inventory.Machine) (inventory.Note, error) {
			m.Identity.NICMACs, m.Boot = []string{"52:54:00:00:00:02"}, inventory.BootDisk
			return inventory.Note{Kind: "test", Reason: "test"}, nil
		})
		must(t, err)
		await("an interface that went", func() bool { _, ok := v.ByMAC("52:54:00:00:00:01"); return !ok })
		if s, _ := v.ByMAC("52:54:00:00:00:02"); s.Boot != inventory.BootDisk {
			t.Errorf("it boots %s", s.Boot)
		}
		_, err = there.Change(ctx, m.ID, "test", func(m *inventory.Machine) (inventory.Note, error) {
			return inventory.Note{Kind: "state", Reason: "test"}, m.Move(inventory.Retired, time.Now())
		})
		must(t, err)
		await("a retired machine", func() bool { _, ok := v.ByMAC("52:54:00:00:00:02"); return !ok })
		before, err := here.Machine(ctx, m.ID)
		must(t, err)
		if _, ok := v.Recognise(id("S1", "", "52:54:00:00:00:02")); !ok {
			t.Error("a retired machine that asks is one that is known")
		}
		cancel()
		must(t, <-ended)
		after, err := here.Machine(context.Background(), m.ID)
		must(t, err)
		if !after.SeenAt.After(before.SeenAt) || after.Version != before.Version {
			t.Errorf("seen at %s before it asked, %s after it; version %d and %d", before.SeenAt, after.SeenAt, before.Version, after.Version)
		}
	})
}

// away is a source that can go.
type away struct {
	view.Source
	gone atomic.Bool
}

func (a *away) Sketches(ctx context.Context, after int64) ([]inventory.Sketch, int64, error) {
	if a.gone.Load() {
		return nil, 0, errors.New("gone")
	}
	return a.Source.Sketches(ctx, after)
}

// TestOldViewRecognisesNobody takes the database away: after MaxAge the view decides no boot any more. DHCP still
// learns whose a MAC is.
func TestOldViewRecognisesNobody(t *testing.T) {
	s, err := store.Open(t.Context(), store.Options{URL: filepath.Join(t.TempDir(), "db")})
	must(t, err)
	defer s.Close()
	seen := id("S1", "", "52:54:00:00:00:01")
	_, _, err = s.Recognise(t.Context(), seen, "test")
	must(t, err)
	now := time.Now()
	source := &away{Source: s}
	v := newView(t, source, func() time.Time { return now })
	source.gone.Store(true)
	now = now.Add(view.MaxAge)
	if v.Refresh(t.Context()) == nil {
		t.Error("no error without the database")
	}
	if _, ok := v.Recognise(seen); !ok {
		t.Error("not recognised in time")
	}
	now = now.Add(time.Nanosecond)
	if _, ok := v.Recognise(seen); ok {
		t.Error("recognised from an old view")
	}
	if _, ok := v.ByMAC("52:54:00:00:00:01"); !ok {
		t.Error("DHCP does not know the MAC")
	}
	source.gone.Store(false)
	must(t, v.Refresh(t.Context()))
	if _, ok := v.Recognise(seen); !ok {
		t.Error("not recognised with the database back")
	}
}

// TestAnotherDatabase puts a shorter history under the view, as a restored backup is.
func TestAnotherDatabase(t *testing.T) {
	var stores []*store.Store
	for n := range 2 {
		s, err := store.Open(t.Context(), store.Options{URL: filepath.Join(t.TempDir(), "db")})
		must(t, err)
		defer s.Close()
		for i := range 3 - n {
			_, _, err = s.Recognise(t.Context(), id(fmt.Sprint("S", n, i), "", fmt.Sprintf("52:54:00:00:0%d:0%d", n, i)), "test")
			must(t, err)
		}
		stores = append(stores, s)
	}
	source := &away{Source: stores[0]}
	v := newView(t, source, nil)
	source.Source = stores[1]
	must(t, v.Refresh(t.Context()))
	_, old := v.ByMAC("52:54:00:00:00:00")
	if _, ok := v.ByMAC("52:54:00:00:01:01"); !ok || old || v.Size() != 2 {
		t.Errorf("%d machines, the old ones known: %v", v.Size(), old)
	}
}

func BenchmarkRecognise(b *testing.B) {
	for _, n := range []int{10, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			src := make(fleet, n)
			for i := range src {
				src[i] = inventory.Sketch{ID: fmt.Sprint(i), Name: fmt.Sprint("m", i), State: inventory.Ready, Identity: machine(i)}
			}
			v := newView(b, src, nil)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				seen := machine(i % n)
				seen.NICMACs = seen.NICMACs[:1]
				if _, ok := v.Recognise(seen); !ok {
					b.Fatal("not recognised")
				}
				i += 7919
			}
		})
	}
}

func machine(i int) inventory.Identity {
	return id(fmt.Sprintf("SN%08d", i), fmt.Sprintf("5ca1ab1e-0000-4000-8000-%012x", i),
		fmt.Sprintf("52:54:%02x:%02x:%02x:00", i>>16, i>>8&255, i&255), fmt.Sprintf("52:54:%02x:%02x:%02x:01", i>>16, i>>8&255, i&255))
}

// fleet is a source that never changes.
type fleet []inventory.Sketch

func (f fleet) Sketches(_ context.Context, after int64) ([]inventory.Sketch, int64, error) {
	if after > 0 {
		return nil, 1, nil
	}
	return f, 1, nil
}
func (fleet) Subscribe() (<-chan struct{}, func())               { return nil, func() {} }
func (fleet) Sighted(context.Context, []string, time.Time) error { return nil }
