package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
	"socle/inventory/acceptance"
	"socle/inventory/store"
)

// TestWaivers: what a person lets pass is kept as it was found, in the history, too, and ends once.
func TestWaivers(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m, other := b.plan(hv(1)), b.plan(hv(2))
		f := inventory.Finding{Source: inventory.FromParts, Kind: inventory.FindMissing, Subject: "DIMM A1", Got: "nothing", Reason: "DIMM A1 is missing", Serial: "S"}
		until := b.clock().Add(24 * time.Hour)
		w, err := b.Waive(b.ctx, acceptance.Waiver{MachineID: m.ID, Finding: f, Reason: "it comes on Monday", By: "token:ann", Until: until})
		must(t, err)
		want := acceptance.Waiver{ID: w.ID, MachineID: m.ID, Machine: m.Name, Finding: f, Reason: "it comes on Monday", By: "token:ann", At: b.clock(), Until: until}
		if diff := cmp.Diff(want, w); diff != "" || !w.Holds(b.clock()) || w.Holds(until) {
			t.Errorf("holds %v\n%s", w.Holds(b.clock()), diff)
		}
		b.pass(time.Minute)
		if _, err := b.Waive(b.ctx, acceptance.Waiver{MachineID: other.ID, Finding: f, Reason: "too", By: "token:ann"}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			ended, err := b.WithdrawWaiver(b.ctx, w.ID, "token:bob")
			must(t, err)
			if ended.Holds(b.clock()) || ended.Withdrawn.By != "token:bob" {
				t.Errorf("%+v", ended)
			}
		}
		all, err := b.Waivers(b.ctx, "")
		must(t, err)
		if len(all) != 2 || all[0].Withdrawn == nil || all[1].Withdrawn != nil || all[1].Machine != other.Name {
			t.Errorf("%+v", all)
		}
		if all, err := b.Waivers(b.ctx, m.ID); err != nil || len(all) != 1 {
			t.Errorf("%+v, %v", all, err)
		}
		var said []string
		for _, e := range b.events(store.EventFilter{Machine: m.ID, Limit: 100}) {
			if e.Kind == "waiver" {
				said = append(said, e.Actor+" "+e.Reason)
			}
		}
		if got := strings.Join(said, "\n"); len(said) != 2 || !strings.Contains(got, "token:ann waived: DIMM A1 is missing: it comes on Monday") || !strings.Contains(got, "token:bob no longer waived: DIMM A1 is missing") {
			t.Errorf("the history says\n%s", got)
		}
		if _, err := b.Waive(b.ctx, acceptance.Waiver{MachineID: "nobody", Finding: f}); !errors.Is(err, inventory.ErrNotFound) {
			t.Error(err)
		}
		if _, err := b.WithdrawWaiver(b.ctx, "nothing", "x"); !errors.Is(err, inventory.ErrNotFound) {
			t.Error(err)
		}
	})
}

// TestCriteria: every version stays, the newest of each counts.
func TestCriteria(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		for _, text := range []string{"one", "two", "two"} {
			_, err := b.PutCriteria(b.ctx, inventory.Document{Name: "e9", Text: text, Actor: "token:ann"})
			must(t, err)
		}
		if d, err := b.Criteria(b.ctx, "e9", 1); err != nil || d.Text != "one" {
			t.Errorf("%+v, %v", d, err)
		}
		if all, err := b.AllCriteria(b.ctx, false); err != nil || len(all) != 2 {
			t.Errorf("%+v, %v", all, err)
		}
		if all, err := b.AllCriteria(b.ctx, true); err != nil || len(all) != 1 || all[0].Text != "two" {
			t.Errorf("%+v, %v", all, err)
		}
	})
}
