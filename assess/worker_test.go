package assess_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"socle/assess"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
)

// odd finds that machines whose name ends with a digit above five are extra, and looks at no machine whose name begins with "dark".
type odd struct {
	looks  atomic.Int64
	failed atomic.Bool
}

func (*odd) Source() inventory.FindingSource { return inventory.FromParts }

func (o *odd) Find(_ context.Context, machines []inventory.Machine) (map[string][]inventory.Finding, error) {
	o.looks.Add(1)
	if o.failed.Load() {
		return nil, errors.New("out of order")
	}
	found := map[string][]inventory.Finding{}
	for _, m := range machines {
		if strings.HasPrefix(m.Name, "dark") {
			continue
		}
		found[m.ID] = []inventory.Finding{}
		if m.Name[len(m.Name)-1] > '5' {
			found[m.ID] = append(found[m.ID], inventory.Finding{Kind: inventory.FindExtra, Subject: "server", Reason: m.Name + " is too many"})
		}
	}
	return found, nil
}

func fleet(t *testing.T, names ...string) *store.Store {
	t.Helper()
	keys, err := secret.Open(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{URL: filepath.Join(t.TempDir(), "socle.db"), Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	add(t, s, names...)
	return s
}

func add(t *testing.T, s *store.Store, names ...string) {
	t.Helper()
	var all []store.Planned
	for i, n := range names {
		all = append(all, store.Planned{Planned: inventory.Planned{Line: i + 2, Name: n, Identity: inventory.Identity{Serial: "SN" + n}}})
	}
	if _, err := s.Import(t.Context(), all, "test", false); err != nil {
		t.Fatal(err)
	}
}

func findings(t *testing.T, s *store.Store) map[string]string {
	t.Helper()
	all, err := s.Findings(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, f := range all {
		m, err := s.Machine(t.Context(), f.Machine)
		if err != nil {
			t.Fatal(err)
		}
		var words []string
		for _, x := range f.List {
			words = append(words, string(x.Source)+": "+x.Reason)
		}
		said[m.Name] = strings.Join(words, "; ")
	}
	return said
}

func written(t *testing.T, s *store.Store) (n int) {
	t.Helper()
	all, err := s.Events(t.Context(), store.EventFilter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.Kind == "finding" {
			n++
		}
	}
	return n
}

// TestAssess: what is found is kept, a second look writes nothing, and a machine that is not looked at keeps what it has;
// a check that fails keeps no other from its work.
func TestAssess(t *testing.T) {
	s := fleet(t, "a1", "a7", "dark8")
	dark, err := s.Machine(t.Context(), "dark8")
	if err != nil {
		t.Fatal(err)
	}
	before := inventory.Findings{Machine: dark.ID, Source: inventory.FromParts, List: []inventory.Finding{{Source: inventory.FromParts, Reason: "as it was"}}}
	if err := s.SetFindings(t.Context(), before, "test"); err != nil {
		t.Fatal(err)
	}
	bad, good := &odd{}, &odd{}
	bad.failed.Store(true)
	w := assess.Worker{Store: s, Checks: []assess.Check{bad, good}, Log: slog.New(slog.DiscardHandler), Now: time.Now}
	for range 2 {
		if err := w.Assess(t.Context()); err == nil || !strings.Contains(err.Error(), "check parts: out of order") {
			t.Errorf("%v", err)
		}
	}
	got := findings(t, s)
	if len(got) != 3 || got["a1"] != "" || got["a7"] != "parts: a7 is too many" || got["dark8"] != "parts: as it was" {
		t.Errorf("%v", got)
	}
	if n := written(t, s); n != 2 {
		t.Errorf("%d events", n)
	}
	times, err := s.Findings(t.Context(), dark.ID)
	if err != nil || !times[0].Time.IsZero() {
		t.Errorf("%+v, %v", times, err)
	}
}

// TestRun: the worker looks when it starts and when something changed, and ends with its context.
func TestRun(t *testing.T) {
	s := fleet(t, "a7")
	changes, cancel := s.Subscribe()
	defer cancel()
	check := &odd{}
	w := assess.Worker{Store: s, Checks: []assess.Check{check}, Log: slog.New(slog.DiscardHandler), Now: time.Now}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	limit := time.After(time.Minute)
	wait := func(name string) {
		t.Helper()
		for findings(t, s)[name] == "" {
			select {
			case <-changes:
			case <-limit:
				t.Fatalf("nothing was found of %s", name)
			}
		}
	}
	wait("a7")
	add(t, s, "a8")
	wait("a8")
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
