package store_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"socle/internal/pgtest"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// engines are the databases that must all behave the same: every test of this package runs on each.
var engines = []struct {
	name string
	url  func(t testing.TB) string
}{
	{"sqlite", func(t testing.TB) string { return filepath.Join(t.TempDir(), "socle.db") }},
	{"postgres", func(t testing.TB) string { return pgtest.URL(t) }},
}

// bench is one database for one test, with a clock that the test moves.
type bench struct {
	*store.Store
	t    *testing.T
	ctx  context.Context
	url  string
	keys *secret.Keyring

	mu  sync.Mutex
	now time.Time
}

// onBoth runs a test on a fresh database of each engine.
func onBoth(t *testing.T, test func(t *testing.T, b *bench)) {
	t.Helper()
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			keys, err := secret.Open(filepath.Join(t.TempDir(), "keys"))
			must(t, err)
			b := &bench{t: t, ctx: t.Context(), url: e.url(t), keys: keys, now: time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC)}
			b.Store = b.open()
			test(t, b)
		})
	}
}

// open opens the database once more, like another process would.
func (b *bench) open() *store.Store {
	b.t.Helper()
	s, err := store.Open(b.ctx, store.Options{URL: b.url, Keys: b.keys, Now: b.clock})
	must(b.t, err)
	b.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.t.Errorf("closing the store: %v", err)
		}
	})
	return s
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// plan imports servers and returns the machine of the first.
func (b *bench) plan(planned ...store.Planned) inventory.Machine {
	b.t.Helper()
	_, err := b.Import(b.ctx, planned, "token:admin", false)
	must(b.t, err)
	return b.machine(planned[0].Name)
}

func (b *bench) machine(ref string) inventory.Machine {
	b.t.Helper()
	m, err := b.Machine(b.ctx, ref)
	must(b.t, err)
	return m
}

func (b *bench) events(f store.EventFilter) []inventory.Event {
	b.t.Helper()
	e, err := b.Events(b.ctx, f)
	must(b.t, err)
	return e
}

// hv is a planned server with everything that a manifest can say, different for every n.
func hv(n int) store.Planned {
	d := string(rune('0' + n%10))
	return store.Planned{
		Planned: inventory.Planned{
			Line: n + 1, Name: "hv0" + d, Role: "hypervisor",
			Identity: inventory.Identity{Serial: "SN-000" + d, UUID: "11111111-1111-1111-1111-00000000000" + d, NICMACs: []string{"52:54:00:00:00:0" + d}},
			Place:    inventory.Place{Site: "lab", Rack: "R1", U: 10 + n},
			BMC:      inventory.BMC{Protocol: inventory.IPMI, Address: "198.18.1.1" + d, User: "admin"},
		},
		Password: secret.New("pw-" + d),
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
