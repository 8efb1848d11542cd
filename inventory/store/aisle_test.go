package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"socle/inventory"
	"socle/inventory/offline"
	"socle/inventory/store"
)

// trip is a laptop's way into the aisle and back.
type trip struct {
	b        *bench
	snapshot offline.Snapshot
	chain    *offline.Chain
}

// leave takes a snapshot of all machines.
func (b *bench) leave(machines ...inventory.Machine) *trip {
	b.pass(time.Second)
	s := offline.Snapshot{ID: "SNAP-" + machines[0].Name, Taken: b.clock(), Expires: b.clock().Add(time.Hour), Actor: "token:anna", Scope: []string{"lab/R1"}}
	for _, m := range machines {
		s.Servers = append(s.Servers, offline.Server{ID: m.ID, Name: m.Name, Serial: m.Serial(), Place: m.Place})
	}
	return &trip{b: b, snapshot: s, chain: offline.NewChain(s.ID)}
}

// did writes an act down, a minute after the last.
func (w *trip) did(e offline.Entry) {
	w.b.t.Helper()
	w.b.pass(time.Minute)
	e.Time, e.Actor, e.Rack = w.b.clock(), "anna", "lab/R1"
	_, err := w.chain.Add(e)
	must(w.b.t, err)
}

func (w *trip) racks(m inventory.Machine) {
	w.b.t.Helper()
	w.did(offline.Entry{Kind: offline.ActRacked, Machine: m.ID, Name: m.Name, Code: m.Serial(), Place: m.Place})
}

func (w *trip) sync(dryRun bool) []offline.Act {
	w.b.t.Helper()
	w.b.pass(time.Hour)
	acts, err := w.b.SyncActs(w.b.ctx, offline.Batch{Snapshot: w.snapshot, Entries: w.chain.Entries, SentBy: "token:anna", Skew: time.Hour}, dryRun)
	must(w.b.t, err)
	return acts
}

func outcomes(acts []offline.Act) string {
	var all []string
	for _, a := range acts {
		text := string(a.Outcome)
		if a.Again {
			text += " again"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// TestSyncActs: what is as it was is applied once; what changed meanwhile is a conflict, and changes nothing.
func TestSyncActs(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		b.plan(hv(1), hv(2), hv(3), hv(4))
		one, two, three, four := b.machine("hv01"), b.machine("hv02"), b.machine("hv03"), b.machine("hv04")
		w := b.leave(one, two, three, four)
		for _, m := range []inventory.Machine{one, two, three, four} {
			w.racks(m)
		}
		w.did(offline.Entry{Kind: offline.ActNote, Machine: one.ID, Name: one.Name, Text: "left rail is bent"})
		w.did(offline.Entry{Kind: offline.ActSeen, Code: "XYZ", Text: "no server has it"})
		// Meanwhile: the plan moves hv02, somebody racks hv03, and hv04 is retired.
		b.pass(time.Minute)
		moved := hv(2)
		moved.Place.U = 30
		_, err := b.Import(b.ctx, []store.Planned{moved}, "token:bob", false)
		must(t, err)
		_, err = b.SaveRacking(b.ctx, three.ID, "token:bob")
		must(t, err)
		_, err = b.Change(b.ctx, four.ID, "token:bob", func(m *inventory.Machine) (inventory.Note, error) {
			m.State = inventory.Retired
			return inventory.Note{Kind: "state", Reason: "burnt"}, nil
		})
		must(t, err)

		const want = "applied, conflict, same, conflict, applied, applied"
		if got := outcomes(w.sync(true)); got != want {
			t.Fatalf("a dry run: %s", got)
		}
		if all, err := b.Acts(b.ctx, store.ActFilter{Limit: 100}); err != nil || len(all) != 0 {
			t.Fatalf("a dry run stored %v, %v", all, err)
		}
		acts := w.sync(false)
		if got := outcomes(acts); got != want {
			t.Fatalf("%s", got)
		}
		c := acts[1]
		if !strings.Contains(strings.Join(c.Why, ""), "U 12, and is to go into rack lab/R1, U 30 now") || c.Change.Actor != "token:bob" || c.Known != "hv02 goes into rack lab/R1, U 30" {
			t.Errorf("%+v", c)
		}
		if c := acts[3]; c.Known != "hv04 is retired" || c.Change.What != "burnt" {
			t.Errorf("%+v", c)
		}
		rackings, err := b.Rackings(b.ctx)
		must(t, err)
		r := rackings[one.ID]
		if len(rackings) != 2 || r.Actor != "anna (sent by token:anna)" || !r.Time.Equal(w.chain.Entries[0].Time) || r.Place != one.Place || rackings[three.ID].Actor != "token:bob" {
			t.Errorf("%+v", rackings)
		}
		history := b.events(store.EventFilter{Machine: one.ID, Latest: true, Limit: 2})
		if e := history[0]; e.Actor != "token:anna" || e.Reason != "hv01 into rack lab/R1, U 11, by anna in the aisle at 2026-11-23 12:01 UTC by a clock that was 1h0m0s ahead" || history[1].Kind != "note" {
			t.Errorf("%+v", history)
		}
		count := len(b.events(store.EventFilter{Limit: 1000}))
		if got := outcomes(w.sync(false)); got != "applied again, conflict again, same again, conflict again, applied again, applied again" {
			t.Errorf("sent again: %s", got)
		}
		if again := len(b.events(store.EventFilter{Limit: 1000})); again != count {
			t.Errorf("sending again made %d events", again-count)
		}
		w.racks(one)
		if got := w.sync(false); len(got) != 7 || got[6].Outcome != offline.Same {
			t.Errorf("what is new in a journal: %s", outcomes(got))
		}
		open, err := b.Acts(b.ctx, store.ActFilter{Open: true, Limit: 10})
		if err != nil || len(open) != 2 {
			t.Errorf("%s, %v", outcomes(open), err)
		}
	})
}

// TestDecideActs: a person decides, knowing what is known now; each conflict is decided once.
func TestDecideActs(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		b.plan(hv(1), hv(2), hv(3))
		one, two, three := b.machine("hv01"), b.machine("hv02"), b.machine("hv03")
		w := b.leave(one, two, three)
		w.racks(one)
		w.racks(two)
		w.racks(three)
		replan := func(n, u int) {
			p := hv(n)
			p.Place.U = u
			_, err := b.Import(b.ctx, []store.Planned{p}, "token:bob", false)
			must(t, err)
		}
		replan(1, 40)
		replan(2, 41)
		replan(3, 11) // where hv01 was put
		acts := w.sync(false)
		if got := outcomes(acts); got != "conflict, conflict, conflict" || !strings.Contains(strings.Join(acts[0].Why, "; "), "U 11 of rack lab/R1 is that of machine hv03 now") {
			t.Fatalf("%s %v", got, acts[0].Why)
		}
		decide := func(n int, mine bool) (offline.Act, error) {
			return b.DecideAct(b.ctx, acts[n].ID, "token:carl", "I looked", mine)
		}
		if _, err := decide(0, true); !errors.Is(err, offline.ErrImpossible) || !strings.Contains(err.Error(), "that of machine hv03: give that another place first") {
			t.Errorf("into a place that is taken: %v", err)
		}
		if m := b.machine("hv01"); m.Place.U != 40 {
			t.Errorf("what cannot be taken changed %+v", m.Place)
		}
		a, err := decide(1, true)
		must(t, err)
		if m := b.machine("hv02"); a.Outcome != offline.Mine || m.Place != two.Place || m.Version <= two.Version {
			t.Errorf("%+v, %+v", a, m.Place)
		}
		rackings, err := b.Rackings(b.ctx)
		must(t, err)
		if r := rackings[two.ID]; r.Place != two.Place || !strings.HasPrefix(r.Actor, "anna") {
			t.Errorf("%+v", r)
		}
		if _, err := decide(1, false); !errors.Is(err, offline.ErrDecided) || !strings.Contains(err.Error(), "token:carl decided so at") {
			t.Errorf("a second time: %v", err)
		}
		replan(3, 44) // before anybody decides about hv03
		if a, err := decide(2, false); !errors.Is(err, offline.ErrMoved) || a.Known != "hv03 goes into rack lab/R1, U 44" {
			t.Errorf("%v: %+v", err, a)
		}
		a, err = decide(2, false)
		must(t, err)
		if e := b.events(store.EventFilter{Latest: true, Limit: 1})[0]; e.Kind != "aisle-decision" || e.Actor != "token:carl" ||
			!strings.HasPrefix(e.Reason, "what the server knew stays: hv03 goes into rack lab/R1, U 44") || !strings.HasSuffix(e.Reason, ": I looked") || a.Outcome != offline.Theirs {
			t.Errorf("%+v", e)
		}
		if _, err := decide(0, true); !errors.Is(err, offline.ErrMoved) {
			t.Errorf("its place is free meanwhile: %v", err)
		}
		if _, err := decide(0, true); err != nil {
			t.Error(err)
		}
		if _, err := b.DecideAct(b.ctx, "nothing", "x", "", true); !errors.Is(err, store.ErrNotFound) {
			t.Error(err)
		}
		done, err := b.Acts(b.ctx, store.ActFilter{Decided: true, Limit: 10})
		if err != nil || len(done) != 3 {
			t.Errorf("%s, %v", outcomes(done), err)
		}
	})
}
