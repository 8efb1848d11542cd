package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
	"socle/inventory/store"
)

// TestSavedQueries: a name stands for one search, the newest; who saved it is in the history.
func TestSavedQueries(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		save := func(name, query string) inventory.SavedQuery {
			t.Helper()
			q, err := b.SaveQuery(b.ctx, inventory.SavedQuery{Name: name, Query: query, Actor: "eva"})
			must(t, err)
			b.pass(time.Minute)
			return q
		}
		big := save("big", "memory>1TB")
		save("bad", "fault:*")
		bad := save("bad", "fault:* or findings>0")
		all, err := b.SavedQueries(b.ctx)
		must(t, err)
		if diff := cmp.Diff([]inventory.SavedQuery{bad, big}, all); diff != "" {
			t.Error(diff)
		}
		one, err := b.SavedQuery(b.ctx, "bad")
		if err != nil || one != bad || one.Query != "fault:* or findings>0" || !one.Time.Equal(b.clock().Add(-time.Minute)) {
			t.Errorf("%+v, %v", one, err)
		}
		must(t, b.ForgetQuery(b.ctx, "adam", "big"))
		if _, err := b.SavedQuery(b.ctx, "big"); !errors.Is(err, inventory.ErrNotFound) {
			t.Errorf("%v", err)
		}
		if err := b.ForgetQuery(b.ctx, "adam", "big"); !errors.Is(err, inventory.ErrNotFound) {
			t.Errorf("%v", err)
		}
		var said []string
		for _, e := range b.events(store.EventFilter{Limit: 100}) {
			if e.Kind == "search" {
				said = append(said, e.Actor+": "+e.Reason)
			}
		}
		if got := strings.Join(said, "\n"); len(said) != 4 || !strings.Contains(got, "eva: the search memory>1TB was saved as big") || !strings.Contains(got, "adam: the saved search big was forgotten") {
			t.Error(got)
		}
	})
}
