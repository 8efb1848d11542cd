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

// TestFindings: a source replaces what it found, the history says what is new and what is gone, and looking again
// without news says nothing.
func TestFindings(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m, other := b.plan(hv(1)), b.plan(hv(2))
		dimm := inventory.Finding{Source: inventory.FromParts, Kind: inventory.FindMissing, Subject: "DIMM A1", Want: "16 GiB", Reason: "DIMM A1 is missing"}
		disk := inventory.Finding{Source: inventory.FromParts, Kind: inventory.FindExtra, Subject: "disk X", Got: "a\x00b", Reason: "disk X was not ordered", Minor: true}
		set := func(id string, list ...inventory.Finding) {
			t.Helper()
			must(t, b.SetFindings(b.ctx, inventory.Findings{Machine: id, Source: inventory.FromParts, Time: b.clock(), List: list}, "assess"))
			b.pass(time.Minute)
		}
		said := func() (words []string) {
			for _, e := range b.events(store.EventFilter{Machine: m.ID, Limit: 100}) {
				if e.Kind == "finding" {
					words = append(words, e.Reason)
				}
			}
			return words
		}
		set(m.ID, disk, dimm)
		set(m.ID, disk, dimm)
		set(m.ID, disk)
		set(other.ID)
		if got := said(); len(got) != 2 || !strings.Contains(strings.Join(got, "\n"), "found: DIMM A1 is missing; found: disk X was not ordered") || !strings.Contains(strings.Join(got, "\n"), "no longer: DIMM A1 is missing") {
			t.Errorf("%q", got)
		}
		disk.Got = "a\uFFFDb"
		got, err := b.Findings(b.ctx, m.ID)
		must(t, err)
		want := []inventory.Findings{{Machine: m.ID, Source: inventory.FromParts, Time: b.clock().Add(-2 * time.Minute), List: []inventory.Finding{disk}}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if all, err := b.Findings(b.ctx, ""); err != nil || len(all) != 2 {
			t.Errorf("%+v, %v", all, err)
		}
		if err := b.SetFindings(b.ctx, inventory.Findings{Machine: "nobody", Source: inventory.FromParts}, "assess"); !errors.Is(err, inventory.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}
