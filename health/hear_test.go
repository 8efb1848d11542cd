package health

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"socle/inventory"
)

// told are ears that tests speak into.
type told struct {
	mu     sync.Mutex
	hints  map[string]func()
	asked  map[string]int
	forgot []string
	hear   func(name string) (posts bool, err error) // nil: a stream until the end
	ends   map[string]chan struct{}
}

func (e *told) Hear(ctx context.Context, m inventory.Machine, hint func()) (bool, error) {
	e.mu.Lock()
	e.asked[m.Name]++
	e.hints[m.Name] = hint
	end := make(chan struct{})
	e.ends[m.Name] = end
	e.mu.Unlock()
	if e.hear != nil {
		return e.hear(m.Name)
	}
	select {
	case <-ctx.Done():
	case <-end:
	}
	return false, nil
}

func (e *told) Forget(_ context.Context, m inventory.Machine) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.forgot = append(e.forgot, m.Name)
	return nil
}

func newTold() *told {
	return &told{hints: map[string]func(){}, asked: map[string]int{}, ends: map[string]chan struct{}{}}
}

// lookedBetween counts looks within a part of a run.
func (w *ward) lookedBetween(name string, from, to time.Time) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, at := range w.asked[name] {
		if !at.Before(from) && at.Before(to) {
			n++
		}
	}
	return n
}

// TestHints: whose BMC tells of something is looked at at once, and not again and again however much it tells; by a stream
// as by the store. The others are looked at in their turn.
func TestHints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, e := newWard(3), newTold()
		w.ask = well
		ctx, cancel := context.WithCancel(t.Context())
		watch := New(Options{Store: w, BMC: w, Ears: e, Holder: "me", Every: time.Hour})
		done := make(chan error, 1)
		go func() { done <- watch.Run(ctx) }()
		time.Sleep(time.Minute) // each was looked at, and is heard
		at := time.Now()
		e.hints["n000"]()
		w.mu.Lock()
		w.hints = []string{"id-n001", "id-nobody"}
		w.mu.Unlock()
		time.Sleep(3 * time.Second)
		for name, want := range map[string]int{"n000": 1, "n001": 1, "n002": 0} {
			if n := w.lookedBetween(name, at, time.Now()); n != want {
				t.Errorf("%s was looked at %d times; want %d", name, n, want)
			}
		}
		at = time.Now()
		for range 10 * 60 * 10 {
			e.hints["n000"]()
			time.Sleep(100 * time.Millisecond)
		}
		if n := w.lookedBetween("n000", at, time.Now()); n < 20 || n > 31 {
			t.Errorf("one that tells on and on was looked at %d times in ten minutes", n)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestHintWhileLooking: what is told while a look is under way may have come after it saw the part: there is another.
func TestHintWhileLooking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, e := newWard(1), newTold()
		w.ask = func(ctx context.Context, _ string) (inventory.Vitals, error) {
			return inventory.Vitals{}, sleep(ctx, 5*time.Second)
		}
		w.hints = nil
		ctx, cancel := context.WithCancel(t.Context())
		watch := New(Options{Store: w, BMC: w, Ears: e, Holder: "me", Every: time.Hour})
		done := make(chan error, 1)
		go func() { done <- watch.Run(ctx) }()
		time.Sleep(time.Minute)
		e.hints["n000"]()
		time.Sleep(2 * time.Second) // it is being looked at
		e.hints["n000"]()
		time.Sleep(time.Minute)
		if n := len(w.asked["n000"]); n != 3 {
			t.Errorf("it was looked at %d times", n)
		}
		cancel()
		<-done
	})
}

// TestHearing: a stream that ends makes a look and is opened again; who posts is asked again from time to time, who is deaf
// or fails is left alone for long; who is gone is made to post no more.
func TestHearing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, e := newWard(4), newTold()
		w.ask = well
		e.hear = func(name string) (bool, error) {
			switch name {
			case "n000":
				return true, nil
			case "n001":
				return false, ErrDeaf
			case "n002":
				return false, errors.New("no answer")
			}
			time.Sleep(10 * time.Minute)
			return false, nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		watch := New(Options{Store: w, BMC: w, Ears: e, Holder: "me", Every: 5 * time.Minute})
		done := make(chan error, 1)
		go func() { done <- watch.Run(ctx) }()
		time.Sleep(2*time.Hour + time.Minute)
		e.mu.Lock()
		for name, want := range map[string][2]int{"n000": {3, 5}, "n001": {1, 1}, "n002": {8, 13}, "n003": {8, 13}} {
			if n := e.asked[name]; n < want[0] || n > want[1] {
				t.Errorf("%s was asked %d times in two hours; want %v", name, n, want)
			}
		}
		e.mu.Unlock()
		w.mu.Lock()
		w.machines = w.machines[1:]
		w.mu.Unlock()
		time.Sleep(time.Minute)
		if len(e.forgot) != 1 || e.forgot[0] != "n000" {
			t.Errorf("forgotten: %v", e.forgot)
		}
		cancel()
		<-done
	})
}
