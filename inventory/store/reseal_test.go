package store_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
)

// TestReseal renews the key of more passwords than fit into one transaction, and of everything else that is sealed; what
// changes on the way is found by the next pass.
func TestReseal(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		const machines = 205
		var rows []store.Planned
		for i := range machines {
			rows = append(rows, store.Planned{Planned: inventory.Planned{Line: i + 2, Name: fmt.Sprintf("n%03d", i), Identity: inventory.Identity{Serial: fmt.Sprintf("SN%03d", i)},
				BMC: inventory.BMC{Protocol: inventory.IPMI, Address: fmt.Sprintf("bmc%03d", i), User: "admin"}, Place: inventory.Place{Rack: fmt.Sprintf("r%03d", i), U: 1}},
				Password: secret.New(fmt.Sprintf("pw-%03d", i))})
		}
		m := b.plan(rows...)
		_, err := b.ChangeLogin(b.ctx, m.ID, "a", func(_ *inventory.Machine, p *secret.Pair) (inventory.Note, error) {
			p.Other = secret.New("other")
			return inventory.Note{Kind: "bmc", Reason: "rotation"}, nil
		})
		must(t, err)
		must(t, b.StartSession(b.ctx, inventory.Session{ID: "s", Machine: m.ID, BootID: "b"}))
		_, err = b.Issue(b.ctx, inventory.Order{Machine: m.ID, Session: "s", Kind: "k", Params: json.RawMessage(`{"a":1}`)})
		must(t, err)
		_, err = b.Issue(b.ctx, inventory.Order{Machine: m.ID, Session: "s", Kind: "without parameters"})
		must(t, err)
		key, err := b.Key(b.ctx, "k")
		must(t, err)
		if n, err := b.Reseal(b.ctx, nil); err != nil || n != (store.Resealed{}) {
			t.Errorf("with one key only: %+v, %v", n, err)
		}
		must(t, b.keys.Rotate())
		parts := 0
		n, err := b.Reseal(b.ctx, func() {
			if parts++; parts == 1 { // the first password is in the first part: it is changed right after it
				must(t, b.SetBMCPassword(b.ctx, m.ID, secret.New("newer")))
			}
		})
		// The second password of the first machine is gone with that change.
		if err != nil || n != (store.Resealed{Values: machines + 2}) || parts != 4 {
			t.Errorf("in %d parts %+v, %v", parts, n, err)
		}
		if n, err := b.Reseal(b.ctx, nil); err != nil || n != (store.Resealed{}) {
			t.Errorf("again: %+v, %v", n, err)
		}
		must(t, b.keys.Retire())
		again := b.open()
		for i := range machines {
			m, err := again.Machine(b.ctx, rows[i].Name)
			must(t, err)
			_, p, err := again.Login(b.ctx, m.ID)
			want := rows[i].Password.Reveal()
			if i == 0 {
				want = "newer"
			}
			if err != nil || p.Current.Reveal() != want {
				t.Fatalf("%s: %v", rows[i].Name, err)
			}
		}
		if k, err := again.Key(b.ctx, "k"); err != nil || k.Reveal() != key.Reveal() {
			t.Errorf("the shared key: %v", err)
		}
		if all, err := again.Orders(b.ctx, m.ID); err != nil || len(all) != 2 || fmt.Sprint(string(all[1].Params)) != `{"a":1}` {
			t.Errorf("the orders: %+v, %v", all, err)
		}
	})
}
