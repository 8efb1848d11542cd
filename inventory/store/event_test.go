package store_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"socle/inventory"
	"socle/inventory/store"
)

func TestEvents(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		for n := range 5 {
			must(t, b.Append(b.ctx, inventory.Event{Machine: fmt.Sprint("m", n%2), Kind: "k", Reason: fmt.Sprint(n), After: json.RawMessage(`{"n":1}`)}))
		}
		reasons := func(f store.EventFilter) (s string) {
			for _, e := range b.events(f) {
				s += e.Reason
			}
			return s
		}
		first := b.events(store.EventFilter{Limit: 1})[0].Seq
		for want, f := range map[string]store.EventFilter{
			"01234": {}, "024": {Machine: "m0"}, "234": {After: first + 1}, "01": {Limit: 2}, "34": {Limit: 2, Latest: true}, "24": {Machine: "m0", Limit: 2, Latest: true}, "": {After: 1 << 40},
		} {
			if got := reasons(f); got != want {
				t.Errorf("%+v: events %s, want %s", f, got, want)
			}
		}
		m := b.plan(hv(1))
		if got := reasons(store.EventFilter{Machine: "hv01"}); got != "line 2 of a manifest" || got != reasons(store.EventFilter{Machine: m.ID}) {
			t.Errorf("events of hv01: %s", got)
		}
		if err := b.Append(b.ctx, inventory.Event{After: json.RawMessage(`{broken`)}); err == nil {
			t.Error("an event that is no JSON was stored")
		}
	})
}

// TestHistoryIsAppendOnly tries to change the history behind the store's back.
func TestHistoryIsAppendOnly(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		b.plan(hv(1))
		statements := []string{"UPDATE events SET reason = 'forged'", "DELETE FROM events", "DELETE FROM events WHERE seq = 1"}
		switch b.Dialect() {
		case "sqlite":
			statements = append(statements, "INSERT OR REPLACE INTO events (seq, time) VALUES (1, 0)")
		case "postgres":
			statements = append(statements, "TRUNCATE events", "INSERT INTO events (seq, time) OVERRIDING SYSTEM VALUE VALUES (1, 0) ON CONFLICT (seq) DO UPDATE SET reason = 'forged'")
		}
		for _, s := range statements {
			if _, err := b.SQL().ExecContext(b.ctx, s); err == nil {
				t.Errorf("%s was carried out", s)
			}
		}
		if e := b.events(store.EventFilter{}); len(e) != 1 || e[0].Reason != "line 2 of a manifest" {
			t.Errorf("history is %+v", e)
		}
	})
}

// TestEventsAppearInOrder reads the history while many write it: whoever goes on from the last event that he
// saw must miss none.
func TestEventsAppearInOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		const writers, each = 8, 40
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for n := range each {
					if err := b.Append(b.ctx, inventory.Event{Reason: fmt.Sprint(w, n)}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		done := make(chan struct{})
		go func() { wg.Wait(); close(done) }()
		var last int64
		var total int
		read := func() {
			for _, e := range b.events(store.EventFilter{After: last}) {
				last, total = e.Seq, total+1
			}
		}
		for running := true; running; {
			select {
			case <-done:
				running = false
			default:
			}
			read()
		}
		for range writers * each / 100 {
			read()
		}
		if total != writers*each {
			t.Errorf("the reader saw %d of %d events", total, writers*each)
		}
	})
}
