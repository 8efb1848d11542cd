package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
	"socle/inventory/store"
)

// TestBMCOrder: an order is stored once, ended once, and found as long as it is not over.
func TestBMCOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		o := inventory.BMCOrder{ID: "11111111-2222-3333-4444-555555555555", Machine: m.ID, Name: m.Name, Actor: "token:test", State: inventory.OrderTaken, IssuedAt: b.clock(),
			Task: inventory.StorageTask{Kind: inventory.DriveErase, Serial: m.Serial(), Drives: []string{"D1"}}}
		must(t, b.IssueBMCOrder(b.ctx, o))
		if err := b.IssueBMCOrder(b.ctx, o); !errors.Is(err, inventory.ErrUsed) {
			t.Errorf("the same once more: %v", err)
		}
		must(t, b.BegunBMCOrder(b.ctx, o.ID, "/redfish/v1/TaskService/Tasks/1"))
		o.Job = "/redfish/v1/TaskService/Tasks/1"
		open, err := b.OpenBMCOrders(b.ctx)
		must(t, err)
		if diff := cmp.Diff([]inventory.BMCOrder{o}, open); diff != "" {
			t.Error(diff)
		}
		done := o
		done.State, done.Message, done.EndedAt = inventory.OrderDone, "erased", b.clock().Add(time.Hour)
		must(t, b.EndBMCOrder(b.ctx, done))
		late := done
		late.State, late.Message = inventory.OrderFailed, "too late"
		must(t, b.EndBMCOrder(b.ctx, late))
		must(t, b.BegunBMCOrder(b.ctx, o.ID, "another"))
		got, err := b.BMCOrder(b.ctx, o.ID)
		must(t, err)
		if diff := cmp.Diff(done, got); diff != "" {
			t.Error(diff)
		}
		if all, err := b.BMCOrders(b.ctx, m.ID, 10); err != nil || len(all) != 1 {
			t.Errorf("%+v, %v", all, err)
		}
		if open, err := b.OpenBMCOrders(b.ctx); err != nil || len(open) != 0 {
			t.Errorf("%+v, %v", open, err)
		}
		if _, err := b.BMCOrder(b.ctx, "nobody"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("of nobody: %v", err)
		}
		if diff := cmp.Diff([]string{m.Name + ": ordered: erase the drive D1", m.Name + ": erase the drive D1: done: erased"}, reasons(b, "storage")); diff != "" {
			t.Error(diff)
		}
	})
}

// TestTuning: settings that wait are kept as they are, and what changed of them is in the history.
func TestTuning(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		on := true
		want := &inventory.Tuning{Want: inventory.Values{"Delay": int64(90), "Quiet": true, "Tag": "a\u2192b"}, Before: inventory.Values{"Delay": int64(60), "Tag": nil},
			SecureBoot: &on, Keys: inventory.KeysDefault, Actor: "token:test", At: b.clock(), Job: "/x", Reboot: true}
		_, err := b.Change(b.ctx, m.ID, "token:test", func(m *inventory.Machine) (inventory.Note, error) {
			m.Tuning = want
			return inventory.Note{Kind: "settings", Reason: "ordered"}, nil
		})
		must(t, err)
		got, err := b.Machine(b.ctx, m.ID)
		must(t, err)
		if diff := cmp.Diff(want, got.Tuning); diff != "" {
			t.Error(diff)
		}
		_, err = b.Change(b.ctx, m.ID, "test", func(m *inventory.Machine) (inventory.Note, error) {
			m.Tuning = nil
			return inventory.Note{Kind: "settings", Reason: "in force"}, nil
		})
		must(t, err)
		events := b.events(store.EventFilter{Machine: m.ID, Limit: 100})
		last := events[len(events)-1]
		if string(last.After) != `{"tuning":null}` || len(last.Before) < 50 {
			t.Errorf("%s → %s", last.Before, last.After)
		}
	})
}
