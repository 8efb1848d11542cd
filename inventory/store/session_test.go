package store_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
	"socle/inventory/store"
)

func (b *bench) session(id string, m inventory.Machine) inventory.Session {
	b.t.Helper()
	s := inventory.Session{ID: id, Machine: m.ID, BootID: "boot-" + id, StartedAt: b.clock()}
	must(b.t, b.StartSession(b.ctx, s))
	s.SeenAt = s.StartedAt
	return s
}

func (b *bench) issue(s inventory.Session, kind string) inventory.Order {
	b.t.Helper()
	o, err := b.Issue(b.ctx, inventory.Order{Machine: s.Machine, Session: s.ID, Kind: kind, Serial: "SN-0001", Params: json.RawMessage(`{"disk_serial":"D1"}`)})
	must(b.t, err)
	return o
}

func TestSession(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1), hv(2))
		if _, err := b.LiveSession(b.ctx, m.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("no session: %v", err)
		}
		want := b.session("s1", m)
		b.session("s9", b.machine("hv02"))
		b.pass(time.Minute)
		must(t, b.StartSession(b.ctx, want)) // the answer was lost
		must(t, b.TouchSession(b.ctx, "s1", b.clock()))
		want.SeenAt = b.clock()
		for name, read := range map[string]func() (inventory.Session, error){
			"by ID": func() (inventory.Session, error) { return b.Session(b.ctx, "s1") },
			"live":  func() (inventory.Session, error) { return b.LiveSession(b.ctx, m.ID) },
		} {
			got, err := read()
			must(t, err)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		if got := b.machine("hv01"); !got.SeenAt.Equal(b.clock()) || got.Version != m.Version {
			t.Errorf("touching made version %d, seen at %v", got.Version, got.SeenAt)
		}
		must(t, b.EndSession(b.ctx, "s1"))
		must(t, b.EndSession(b.ctx, "s1"))
		if err := b.TouchSession(b.ctx, "s1", b.clock()); !errors.Is(err, store.ErrSessionEnded) {
			t.Errorf("touching an ended session: %v", err)
		}
		for name, err := range map[string]error{
			"touching": b.TouchSession(b.ctx, "s0", b.clock()), "ending": b.EndSession(b.ctx, "s0"),
			"starting": b.StartSession(b.ctx, inventory.Session{ID: "s7", Machine: "nobody"}),
		} {
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s what is not there: %v", name, err)
			}
		}
	})
}

// TestNewBootEndsTheOld: a new session ends the machine's older one, its token and its orders, and nobody else's.
func TestNewBootEndsTheOld(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1), hv(2))
		var queued atomic.Int64
		b.SetEnqueue(func(context.Context, *sql.Tx, string) error { queued.Add(1); return nil })
		s1 := b.session("s1", m)
		other := b.session("s9", b.machine("hv02"))
		text := b.token(store.TokenSpec{Kind: inventory.TokenSession, Machine: m.ID, Subject: "s1"})
		done, taken, issued := b.issue(s1, "inspect"), b.issue(s1, "write-image"), b.issue(s1, "seed")
		theirs := b.issue(other, "inspect")
		_, err := b.Report(b.ctx, "s1", done.ID, inventory.OrderReport{Seq: 1, State: inventory.OrderDone})
		must(t, err)
		if o, err := b.NextOrder(b.ctx, "s1"); err != nil || o.ID != taken.ID {
			t.Fatal(o, err)
		}
		b.pass(time.Minute)
		queued.Store(0)
		s2 := b.session("s2", m)
		if live, err := b.LiveSession(b.ctx, m.ID); err != nil || live.ID != s2.ID {
			t.Errorf("live session is %s, %v", live.ID, err)
		}
		if old, err := b.Session(b.ctx, "s1"); err != nil || !old.EndedAt.Equal(b.clock()) {
			t.Errorf("old session is %+v, %v", old, err)
		}
		if _, err := b.Token(b.ctx, inventory.TokenSession, text); !errors.Is(err, store.ErrNoToken) {
			t.Errorf("the old session's token: %v", err)
		}
		want := map[string]inventory.OrderState{done.ID: inventory.OrderDone, taken.ID: inventory.OrderLost, issued.ID: inventory.OrderLost}
		orders, err := b.Orders(b.ctx, m.ID)
		must(t, err)
		for _, o := range orders {
			if o.State != want[o.ID] || o.EndedAt.IsZero() {
				t.Errorf("order %s is %s, ended %v", o.Kind, o.State, o.EndedAt)
			}
		}
		if o, err := b.Orders(b.ctx, theirs.Machine); err != nil || o[0].State != inventory.OrderIssued {
			t.Errorf("another machine's order is %+v, %v", o, err)
		}
		if queued.Load() != 1 {
			t.Errorf("queued %d", queued.Load())
		}
		// What the old boot still says changes nothing, and it gets nothing more to do.
		if o, err := b.Report(b.ctx, "s1", taken.ID, inventory.OrderReport{Seq: 9, State: inventory.OrderDone}); err != nil || o.State != inventory.OrderLost {
			t.Errorf("late report: %s, %v", o.State, err)
		}
		if _, err := b.NextOrder(b.ctx, "s1"); !errors.Is(err, store.ErrSessionEnded) {
			t.Errorf("next order of an ended session: %v", err)
		}
		if _, err := b.Issue(b.ctx, inventory.Order{Machine: m.ID, Session: "s1", Kind: "seed"}); !errors.Is(err, store.ErrSessionEnded) {
			t.Errorf("order to an ended session: %v", err)
		}
		if _, err := b.Issue(b.ctx, inventory.Order{Machine: m.ID, Session: "s9", Kind: "seed"}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("order to another machine's session: %v", err)
		}
	})
}

// TestBootsRace starts many sessions of one machine at once: one lives in the end.
func TestBootsRace(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		stores := []*store.Store{b.Store, b.open()}
		var wg sync.WaitGroup
		for w := range 12 {
			wg.Go(func() {
				if err := stores[w%2].StartSession(b.ctx, inventory.Session{ID: fmt.Sprint("s", w), Machine: m.ID, StartedAt: b.clock()}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if live, all := b.count("SELECT count(*) FROM sessions WHERE ended_at = 0"), b.count("SELECT count(*) FROM sessions"); live != 1 || all != 12 {
			t.Errorf("%d of %d sessions live", live, all)
		}
	})
}

func TestOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		s := b.session("s1", m)
		if _, err := b.NextOrder(b.ctx, "s1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("no order: %v", err)
		}
		first := b.issue(s, "write-image")
		second := b.issue(s, "reboot")
		want := inventory.Order{
			ID: first.ID, Machine: m.ID, Session: "s1", Kind: "write-image", Serial: "SN-0001", Params: json.RawMessage(`{"disk_serial":"D1"}`),
			State: inventory.OrderIssued, IssuedAt: b.clock(),
		}
		same := func(what string, got inventory.Order, err error) {
			t.Helper()
			must(t, err)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		same("issued", first, nil)
		b.pass(time.Second)
		want.State, want.TakenAt = inventory.OrderTaken, b.clock()
		for range 2 { // the answer was lost the first time
			got, err := b.NextOrder(b.ctx, "s1")
			same("taken", got, err)
			b.pass(time.Second)
		}
		report := func(r inventory.OrderReport) (inventory.Order, error) { return b.Report(b.ctx, "s1", first.ID, r) }
		want.Seq, want.Done, want.Total, want.Wire = 2, 20, 100, 10
		got, err := report(inventory.OrderReport{Seq: 2, State: inventory.OrderTaken, Done: 20, Total: 100, Wire: 10})
		same("progress", got, err)
		got, err = report(inventory.OrderReport{Seq: 1, State: inventory.OrderTaken, Done: 10, Total: 100})
		same("a report that was overtaken", got, err)
		got, err = report(inventory.OrderReport{Seq: 2, State: inventory.OrderFailed})
		same("the same number", got, err)
		b.pass(time.Second)
		want.State, want.Seq, want.Code, want.Message, want.Result, want.EndedAt = inventory.OrderFailed, 3, "disk-error", "bad \uFFFD block", json.RawMessage(`{"at":"\u0000"}`), b.clock()
		want.Done, want.Total, want.Wire = 0, 0, 0
		last := inventory.OrderReport{Seq: 3, State: inventory.OrderFailed, Code: "disk-error", Message: "bad \x00 block", Result: json.RawMessage(`{"at":"\u0000"}`)}
		got, err = report(last)
		same("final", got, err)
		got, err = report(last)
		same("final again", got, err)
		got, err = report(inventory.OrderReport{Seq: 4, State: inventory.OrderDone})
		same("a final order stays final", got, err)
		if got, err := b.NextOrder(b.ctx, "s1"); err != nil || got.ID != second.ID {
			t.Errorf("next is %s, %v", got.Kind, err)
		}
		orders, err := b.Orders(b.ctx, m.ID)
		must(t, err)
		if len(orders) != 2 || orders[0].ID != second.ID || cmp.Diff(want, orders[1]) != "" {
			t.Errorf("orders are %+v", orders)
		}
		for what, r := range map[string]inventory.OrderReport{
			"no number": {State: inventory.OrderDone}, "a state of the server's": {Seq: 9, State: inventory.OrderLost},
			"no state": {Seq: 9}, "no JSON": {Seq: 9, State: inventory.OrderDone, Result: json.RawMessage("{")},
		} {
			if _, err := b.Report(b.ctx, "s1", second.ID, r); err == nil {
				t.Errorf("a report with %s was stored", what)
			}
		}
		if _, err := b.Report(b.ctx, "s2", first.ID, last); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("report of another session: %v", err)
		}
		if _, err := b.Issue(b.ctx, inventory.Order{ID: first.ID, Machine: m.ID, Session: "s1", Kind: "seed"}); err == nil {
			t.Error("an order was issued twice")
		}
	})
}

// TestReportQueuesOnce sends one final report many times at once: it has one event, and queues work once.
func TestReportQueuesOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		stores := []*store.Store{b.Store, b.open()}
		var queued atomic.Int64
		for _, s := range stores {
			s.SetEnqueue(func(context.Context, *sql.Tx, string) error { queued.Add(1); return nil })
		}
		s := b.session("s1", m)
		o := b.issue(s, "seed")
		queued.Store(0)
		last := b.events(store.EventFilter{Latest: true, Limit: 1})[0].Seq
		var wg sync.WaitGroup
		for w := range 12 {
			wg.Go(func() {
				got, err := stores[w%2].Report(b.ctx, "s1", o.ID, inventory.OrderReport{Seq: 5, State: inventory.OrderDone, Message: "seeded"})
				if err != nil || got.State != inventory.OrderDone {
					t.Errorf("%s, %v", got.State, err)
				}
			})
		}
		wg.Wait()
		events := b.events(store.EventFilter{After: last})
		if queued.Load() != 1 || len(events) != 1 || events[0].Kind != "order" || !strings.Contains(events[0].Reason, "seeded") {
			t.Errorf("queued %d, events %+v", queued.Load(), events)
		}
		// A report whose work cannot be queued is not stored: the agent sends it again.
		o = b.issue(s, "reboot")
		full := errors.New("full")
		b.SetEnqueue(func(context.Context, *sql.Tx, string) error { return full })
		if _, err := b.Report(b.ctx, "s1", o.ID, inventory.OrderReport{Seq: 1, State: inventory.OrderDone}); !errors.Is(err, full) {
			t.Errorf("error %v", err)
		}
		b.SetEnqueue(func(context.Context, *sql.Tx, string) error { return nil })
		if got, err := b.Report(b.ctx, "s1", o.ID, inventory.OrderReport{Seq: 1, State: inventory.OrderDone}); err != nil || got.State != inventory.OrderDone {
			t.Errorf("sent again: %s, %v", got.State, err)
		}
	})
}

// TestOrderParametersAreSealed: a seed carries the deployed system's secrets, so no order's parameters are
// readable in the database.
func TestOrderParametersAreSealed(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		o := b.issue(b.session("s1", b.plan(hv(1))), "seed")
		var stored string
		must(t, b.SQL().QueryRowContext(b.ctx, "SELECT params FROM orders").Scan(&stored))
		if strings.Contains(stored, "disk_serial") || stored == "" {
			t.Errorf("stored parameters are %q", stored)
		}
		for _, e := range b.events(store.EventFilter{}) {
			if strings.Contains(string(e.After)+e.Reason, "disk_serial") {
				t.Errorf("event %+v shows the parameters", e)
			}
		}
		if got, err := b.NextOrder(b.ctx, "s1"); err != nil || string(got.Params) != string(o.Params) {
			t.Errorf("handed out %s, %v", got.Params, err)
		}
	})
}
