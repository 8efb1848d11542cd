package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"socle/inventory"
	"socle/inventory/store"
)

func TestDeliveries(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		order := func(number string, quantity int) inventory.Delivery {
			return inventory.Delivery{Number: number, Vendor: "Dell", Expected: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), Lines: []inventory.OrderLine{
				{Line: 1, PartNumber: "210", Model: "r650", Description: "a\x00b", Quantity: quantity, UnitPrice: 12345, Currency: "EUR"}, {Line: 2, Description: "cable", Quantity: 9},
			}}
		}
		check := func(dry bool, want inventory.ImportResult, orders ...inventory.Delivery) {
			t.Helper()
			got, err := b.ImportDeliveries(b.ctx, orders, "token:admin", dry)
			must(t, err)
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		}
		check(true, inventory.ImportResult{Added: []string{"PO-2", "PO-1"}}, order("PO-2", 1), order("PO-1", 40))
		if all, err := b.Deliveries(b.ctx); err != nil || len(all) != 0 || len(b.events(store.EventFilter{})) != 0 {
			t.Fatalf("a dry run left %+v, %v", all, err)
		}
		check(false, inventory.ImportResult{Added: []string{"PO-2", "PO-1"}}, order("PO-2", 1), order("PO-1", 40))
		first := b.clock()
		b.pass(time.Hour)
		check(false, inventory.ImportResult{Changed: []string{"PO-2"}, Same: []string{"PO-1"}}, order("PO-2", 2), order("PO-1", 40))
		want := order("PO-1", 40)
		want.Actor, want.Time, want.Lines[0].Description = "token:admin", first, "a\x00b"
		all, err := b.Deliveries(b.ctx)
		must(t, err)
		if diff := cmp.Diff(want, all[0]); diff != "" || len(all) != 2 || all[1].Lines[0].Quantity != 2 {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
		e := b.events(store.EventFilter{})
		if len(e) != 3 || e[2].Kind != "delivery" || e[2].Reason != "delivery PO-2 was changed, with 2 lines" {
			t.Errorf("events are %+v", e)
		}
	})
}

func TestMappings(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		put := func(name, text string) inventory.Mapping {
			m, err := b.PutMapping(b.ctx, inventory.Mapping{Name: name, Text: text, Actor: "a"})
			must(t, err)
			return m
		}
		first := put("dell", "one")
		put("hpe", "two")
		b.pass(time.Hour)
		if again := put("dell", "one"); again != first {
			t.Errorf("the same once more is %+v", again)
		}
		put("dell", "three")
		if m, err := b.Mapping(b.ctx, "dell"); err != nil || m.Text != "three" || !m.Time.After(first.Time) {
			t.Errorf("%+v, %v", m, err)
		}
		if all, err := b.Mappings(b.ctx); err != nil || len(all) != 2 || all[1].Name != "hpe" {
			t.Errorf("%+v, %v", all, err)
		}
		must(t, b.DeleteMapping(b.ctx, "dell", "a"))
		if _, err := b.Mapping(b.ctx, "dell"); !errors.Is(err, store.ErrNotFound) {
			t.Error(err)
		}
		if err := b.DeleteMapping(b.ctx, "dell", "a"); !errors.Is(err, store.ErrNotFound) {
			t.Error(err)
		}
		if e := b.events(store.EventFilter{}); len(e) != 4 || e[3].Reason != "the mapping dell was deleted" {
			t.Errorf("events are %+v", e)
		}
	})
}
