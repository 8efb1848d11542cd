package app

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
)

// TestAlarmsReachTheHistory raises an event as DHCP does, and reads it where the dashboard and the command line
// read.
func TestAlarmsReachTheHistory(t *testing.T) {
	keys, err := secret.Open(filepath.Join(t.TempDir(), "keys"))
	must(t, err)
	s, err := store.Open(t.Context(), store.Options{URL: filepath.Join(t.TempDir(), "db"), Keys: keys})
	must(t, err)
	defer s.Close()
	a := newAlarms(s, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.run(ctx) }()
	a.raise(inventory.Event{Actor: inventory.ActorDHCP, Kind: "address", Reason: "198.18.0.9 is in use by somebody else"})
	for end := time.Now().Add(10 * time.Second); ; {
		events, err := s.Events(t.Context(), store.EventFilter{})
		must(t, err)
		if len(events) == 1 && events[0].Actor == "dhcp" && events[0].Kind == "address" && events[0].Reason == "198.18.0.9 is in use by somebody else" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the history has %+v", events)
		}
	}
	cancel()
	must(t, <-done)
}
