package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
	"socle/inventory/store"
)

func TestBaselines(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) { versions(t, b, b.PutBaseline, b.Baseline, b.Baselines) })
}

func TestModels(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		_, err := b.PutBaseline(b.ctx, inventory.Baseline{Name: "autumn", Text: "of another kind"})
		must(t, err)
		versions(t, b, b.PutModel, b.Model, b.Models)
		newest, err := b.NewestModels(b.ctx)
		must(t, err)
		if len(newest) != 2 || newest[0].Name != "autumn" || newest[0].Version != 2 || newest[0].Text != "a: 2" || newest[1].Name != "winter" {
			t.Errorf("%+v", newest)
		}
	})
}

// versions: what is put again as it was makes no new version, and the older ones stay.
func versions(t *testing.T, b *bench, keep func(context.Context, inventory.Document) (inventory.Document, error),
	read func(context.Context, string, int) (inventory.Document, error), list func(context.Context) ([]inventory.Document, error)) {
	put := func(name, text string) inventory.Document {
		t.Helper()
		got, err := keep(b.ctx, inventory.Document{Name: name, Text: text, Actor: "token:admin"})
		must(t, err)
		return got
	}
	one := put("autumn", "a: 1")
	if one.Version != 1 || one.Actor != "token:admin" || !one.Time.Equal(b.clock()) {
		t.Errorf("%+v", one)
	}
	b.pass(time.Hour)
	if again := put("autumn", "a: 1"); cmp.Diff(one, again) != "" {
		t.Errorf("the same text again: %+v", again)
	}
	two := put("autumn", "a: 2")
	put("winter", "a: 1")
	for version, want := range map[int]inventory.Document{0: two, 1: one, 2: two} {
		if got, err := read(b.ctx, "autumn", version); err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("version %d: %+v, %v", version, got, err)
		}
	}
	if _, err := read(b.ctx, "autumn", 3); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	all, err := list(b.ctx)
	must(t, err)
	if len(all) != 3 || all[0].Version != 2 || all[2].Name != "winter" {
		t.Errorf("%+v", all)
	}
}

func TestCampaigns(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		first := b.plan(hv(1), hv(2))
		second := b.machine("hv02")
		start := func() (inventory.Campaign, error) {
			return b.StartCampaign(b.ctx, inventory.Campaign{
				Baseline: "autumn", Version: 1, Waves: []inventory.Wave{{Count: 1}, {Percent: 100}}, Parallel: 4, Actor: "token:admin", Began: b.clock(),
				Updates: []inventory.Update{{Machine: second.ID, Name: "hv02", State: inventory.UpdateWaiting}, {Machine: first.ID, Name: "hv01", State: inventory.UpdateWaiting}},
			}, inventory.Event{Actor: "token:admin", Kind: "firmware", Reason: "began"})
		}
		c, err := start()
		must(t, err)
		if _, err := start(); !errors.Is(err, store.ErrCampaign) {
			t.Errorf("a second one: %v", err)
		}
		for _, id := range []string{c.ID, ""} {
			if got, err := b.Campaign(b.ctx, id); err != nil || cmp.Diff(c, got) != "" {
				t.Errorf("%+v, %v", got, err)
			}
		}
		// Two processes change it at once, and neither change is lost.
		other := b.open()
		done := make(chan error, 2)
		for i, s := range []*store.Store{b.Store, other} {
			go func() {
				_, err := s.ChangeCampaign(b.ctx, c.ID, func(c *inventory.Campaign) ([]inventory.Event, error) {
					c.Updates[i].State, c.Updates[i].Reason = inventory.UpdateDone, "BIOS"
					return []inventory.Event{{Machine: c.Updates[i].Machine, Name: c.Updates[i].Name, Kind: "firmware", Actor: "x", Reason: "done"}}, nil
				})
				done <- err
			}()
		}
		must(t, errors.Join(<-done, <-done))
		no := errors.New("no")
		if _, err := b.ChangeCampaign(b.ctx, c.ID, func(c *inventory.Campaign) ([]inventory.Event, error) { c.Wave = 7; return nil, no }); !errors.Is(err, no) {
			t.Error(err)
		}
		got, err := b.Campaign(b.ctx, c.ID)
		must(t, err)
		if got.Count(inventory.UpdateDone) != 2 || got.Wave != 0 {
			t.Errorf("%+v", got)
		}
		if e := b.events(store.EventFilter{Machine: first.ID, Latest: true, Limit: 1}); len(e) != 1 || e[0].Reason != "done" {
			t.Errorf("%+v", e)
		}
		_, err = b.ChangeCampaign(b.ctx, c.ID, func(c *inventory.Campaign) ([]inventory.Event, error) { c.Ended = b.clock(); return nil, nil })
		must(t, err)
		b.pass(time.Minute)
		next, err := start()
		must(t, err)
		all, err := b.Campaigns(b.ctx)
		must(t, err)
		if len(all) != 2 || all[0].ID != next.ID || all[0].Open() == all[1].Open() {
			t.Errorf("%+v", all)
		}
		if _, err := b.ChangeCampaign(b.ctx, "nobody", nil); !errors.Is(err, store.ErrNotFound) {
			t.Error(err)
		}
	})
}
