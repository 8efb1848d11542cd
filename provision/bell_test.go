package provision

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"
)

// tower is a store of orders for bells.
type tower struct {
	mu         sync.Mutex
	orders     []string // sessions, in the order of numbers
	ended      []string
	looks      int
	subscribed int
	changes    chan struct{}
}

func (t *tower) Subscribe() (<-chan struct{}, func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.subscribed++
	return t.changes, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.subscribed--
	}
}

func (t *tower) OrdersSince(_ context.Context, num int64) ([]string, int64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.looks++
	return t.orders[num:], int64(len(t.orders)), nil
}

func (t *tower) EndedSince(context.Context, time.Time) ([]string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ended, nil
}

func (t *tower) issue(session string) {
	t.mu.Lock()
	t.orders = append(t.orders, session)
	t.mu.Unlock()
	select {
	case t.changes <- struct{}{}:
	default:
	}
}

func (t *tower) subscribers() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.subscribed
}

func rings(t *testing.T, ring <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-ring:
	case <-time.After(time.Minute):
		t.Fatalf("%s: it does not ring", what)
	}
}

// TestBell has two agents wait: each hears of its own orders alone, and of the end of its session, and when nobody waits
// nobody looks.
func TestBell(t *testing.T) {
	source := &tower{changes: make(chan struct{}, 1)}
	b := newBell(source, slog.New(slog.DiscardHandler), time.Now)
	one, stopOne := b.wait(t.Context(), "one")
	two, stopTwo := b.wait(t.Context(), "two")
	source.issue("one")
	rings(t, one, "an order of the first")
	source.issue("two")
	rings(t, two, "an order of the second")
	select {
	case <-one:
		t.Error("the first hears of an order of the second")
	default:
	}
	source.mu.Lock()
	source.ended = []string{"one"}
	source.mu.Unlock()
	rings(t, one, "the end of the first's session")
	stopOne()
	stopTwo()
	for end := time.Now().Add(time.Minute); source.subscribers() > 0; {
		if time.Now().After(end) {
			t.Fatal("somebody looks on when nobody waits")
		}
		time.Sleep(time.Millisecond)
	}
	again, stop := b.wait(t.Context(), "three")
	defer stop()
	source.issue("three")
	rings(t, again, "an order after all had gone")
}
