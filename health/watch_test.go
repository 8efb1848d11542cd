package health

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"socle/inventory"
)

// ward is a store and the BMCs of its servers, in memory. Sockets and databases have tests of their own: these here are
// about time.
type ward struct {
	mu       sync.Mutex
	machines []inventory.Machine
	before   []inventory.Condition
	looks    map[string][]inventory.Look
	marks    map[string][]inventory.LogMark
	asked    map[string][]time.Time
	inside   map[string]int
	lits     []inventory.Lit
	events   []string
	holder   string
	until    time.Time
	refuse   bool // to store
	hints    []string

	ask   func(ctx context.Context, name string) (inventory.Vitals, error)
	light func(name string) error
}

func newWard(n int) *ward {
	w := &ward{looks: map[string][]inventory.Look{}, marks: map[string][]inventory.LogMark{}, asked: map[string][]time.Time{}, inside: map[string]int{}}
	for i := range n {
		name := fmt.Sprintf("n%03d", i)
		w.machines = append(w.machines, inventory.Machine{ID: "id-" + name, Name: name, State: inventory.Active, BMC: inventory.BMC{Protocol: inventory.Redfish, Address: name}})
	}
	return w
}

func (w *ward) Roster(context.Context) ([]inventory.Machine, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]inventory.Machine(nil), w.machines...), nil
}

func (w *ward) Machine(_ context.Context, id string) (inventory.Machine, error) {
	for _, m := range w.machines {
		if m.ID == id {
			return m, nil
		}
	}
	return inventory.Machine{}, inventory.ErrNotFound
}

func (w *ward) Conditions(context.Context) ([]inventory.Condition, error) { return w.before, nil }

func (w *ward) AddLooks(_ context.Context, looks []inventory.Look) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse {
		return errors.New("the disk is full")
	}
	for _, l := range looks {
		w.looks[l.Name] = append(w.looks[l.Name], l)
	}
	return nil
}

func (w *ward) Tenure(_ context.Context, _, holder string, length time.Duration) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.holder != "" && w.holder != holder && !time.Now().After(w.until) {
		return false, nil
	}
	w.holder, w.until = holder, time.Now().Add(length)
	return true, nil
}

func (w *ward) Lights(context.Context) ([]inventory.Lit, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]inventory.Lit(nil), w.lits...), nil
}

func (w *ward) Unlight(_ context.Context, id string, _ time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, l := range w.lits {
		if l.Machine == id {
			w.lits = append(w.lits[:i], w.lits[i+1:]...)
			break
		}
	}
	return nil
}

func (w *ward) Append(_ context.Context, e inventory.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e.Name+": "+e.Reason)
	return nil
}

func (w *ward) TakeHints(context.Context) ([]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := w.hints
	w.hints = nil
	return ids, nil
}

func (w *ward) Vitals(ctx context.Context, m inventory.Machine, since inventory.LogMark) (inventory.Vitals, error) {
	w.mu.Lock()
	w.asked[m.Name] = append(w.asked[m.Name], time.Now())
	w.marks[m.Name] = append(w.marks[m.Name], since)
	w.inside[m.Name]++
	if w.inside[m.Name] > 1 {
		w.events = append(w.events, m.Name+": asked twice at a time")
	}
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.inside[m.Name]--
	}()
	return w.ask(ctx, m.Name)
}

func (w *ward) Locate(_ context.Context, m inventory.Machine, on bool, _ time.Duration) (inventory.Locator, error) {
	if on {
		return "", errors.New("nobody asked for a light")
	}
	return inventory.LocatorOff, w.light(m.Name)
}

// well answers after a tenth of a second.
func well(ctx context.Context, name string) (inventory.Vitals, error) {
	return inventory.Vitals{Mark: inventory.LogMark{ID: "mark of " + name}}, sleep(ctx, 100*time.Millisecond)
}

// run watches for a time, in a bubble.
func run(t *testing.T, w *ward, o Options, length time.Duration) Stats {
	t.Helper()
	o.Store, o.BMC, o.Holder = w, w, "me"
	watch := New(o)
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	if err := watch.Run(ctx); err != nil {
		t.Error(err)
	}
	return watch.Stats()
}

// TestEveryServerInTurn: each is looked at every five minutes, not all at once, and its log from where it was left.
func TestEveryServerInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard(100)
		w.ask = well
		stats := run(t, w, Options{Every: 5 * time.Minute, Parallel: 4}, time.Hour)
		for _, m := range w.machines {
			at := w.asked[m.Name]
			if len(at) < 11 || len(at) > 14 {
				t.Errorf("%s was asked %d times in an hour", m.Name, len(at))
			}
			for i := range at[1:] {
				if d := at[i+1].Sub(at[i]); d < 4*time.Minute || d > 6*time.Minute {
					t.Errorf("%s: %v between two looks", m.Name, d)
				}
			}
			if w.marks[m.Name][0] != (inventory.LogMark{}) || w.marks[m.Name][1].ID != "mark of "+m.Name {
				t.Errorf("%s: marks %v", m.Name, w.marks[m.Name][:2])
			}
			if n := len(w.looks[m.Name]); n < len(at)-1 {
				t.Errorf("%s: %d of %d looks were stored", m.Name, n, len(at))
			}
		}
		if stats.Failed != 0 || stats.Lost != 0 || stats.Inside != 0 || len(w.events) > 0 {
			t.Errorf("%+v %v", stats, w.events)
		}
	})
}

// TestSickOnesDelayNobody: of 200 servers ten hang for a minute, ten refuse the password and ten fail at once. With only
// four places the others are looked at as often as without them, and as soon.
func TestSickOnesDelayNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		latest := func(sick bool) (first, gap time.Duration) {
			w := newWard(200)
			w.ask = func(ctx context.Context, name string) (inventory.Vitals, error) {
				switch {
				case sick && strings.HasSuffix(name, "0") && name < "n100":
					return inventory.Vitals{}, errors.Join(sleep(ctx, time.Minute), errors.New("it does not answer"))
				case sick && strings.HasSuffix(name, "1") && name < "n100":
					return inventory.Vitals{}, fmt.Errorf("password: %w", ErrRefused)
				case sick && strings.HasSuffix(name, "2") && name < "n100":
					return inventory.Vitals{}, errors.New("nonsense")
				}
				return well(ctx, name)
			}
			start := time.Now()
			stats := run(t, w, Options{Every: 5 * time.Minute, Parallel: 4}, time.Hour)
			for _, m := range w.machines {
				at := w.asked[m.Name]
				if l := w.looks[m.Name]; l[0].Failure != "" {
					if strings.HasSuffix(m.Name, "1") && (len(at) > 5 || !l[0].Refused) {
						t.Errorf("%s refused and was asked %d times", m.Name, len(at))
					}
					continue
				}
				first = max(first, at[0].Sub(start))
				for i := range at[1:] {
					gap = max(gap, at[i+1].Sub(at[i]))
				}
			}
			if sick && stats.Failed < 200 {
				t.Errorf("%+v", stats)
			}
			return first, gap
		}
		first, gap := latest(false)
		sickFirst, sickGap := latest(true)
		t.Logf("the last one was first asked after %v, with sick ones %v; longest pause %v, with sick ones %v", first, sickFirst, gap, sickGap)
		// Once, before it is known who is sick, they hold places for two seconds each: 10 × 2 s / 4 places.
		if sickFirst > first+6*time.Second || sickGap > gap+6*time.Second {
			t.Error("healthy servers had to wait")
		}
	})
}

// TestAfterARestart: what was looked at lately is not looked at again at once, and logs go on where they were left.
func TestAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard(3)
		w.ask = well
		w.before = []inventory.Condition{
			{Machine: "id-n000", Time: time.Now().Add(-time.Minute), Mark: inventory.LogMark{ID: "17"}},
			{Machine: "id-n001", Time: time.Now().Add(-time.Hour), Failures: 5},
		}
		start := time.Now()
		run(t, w, Options{Every: 5 * time.Minute}, 10*time.Minute)
		if d := w.asked["n000"][0].Sub(start); d < 3*time.Minute || w.marks["n000"][0].ID != "17" {
			t.Errorf("n000 was asked after %v from %v on", d, w.marks["n000"][0])
		}
		for _, name := range []string{"n001", "n002"} {
			if d := w.asked[name][0].Sub(start); d > 11*time.Second {
				t.Errorf("%s was asked after %v", name, d)
			}
		}
	})
}

// TestComingAndGoing: a new server is looked at within a minute, one that is gone or retired no more.
func TestComingAndGoing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard(3)
		w.ask = well
		time.AfterFunc(12*time.Minute, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.machines[0].State = inventory.Retired
			w.machines[1].BMC.Address = ""
			w.machines = append(w.machines, newWard(4).machines[3])
		})
		start := time.Now()
		run(t, w, Options{Every: 5 * time.Minute}, time.Hour)
		if n := len(w.asked["n000"]) + len(w.asked["n001"]); n > 8 {
			t.Errorf("those that are gone were asked %d times", n)
		}
		if d := w.asked["n003"][0].Sub(start); d > 13*time.Minute {
			t.Errorf("the new one was asked after %v", d)
		}
	})
}

// TestStoreFails: looks wait for the database, and none is stored twice.
func TestStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard(2)
		w.ask, w.refuse = well, true
		time.AfterFunc(30*time.Minute, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.refuse = false
		})
		stats := run(t, w, Options{Every: 5 * time.Minute}, time.Hour)
		for _, m := range w.machines {
			if l := w.looks[m.Name]; len(l) < 11 || len(l) > len(w.asked[m.Name]) || l[0].Time.Sub(w.asked[m.Name][0]) > time.Second {
				t.Errorf("%s: %d looks stored of %d", m.Name, len(l), len(w.asked[m.Name]))
			}
		}
		if stats.Lost != 0 {
			t.Errorf("%+v", stats)
		}
	})
}

// TestOneAtATime: of two processes one works, and the other takes over when it is gone.
func TestOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard(1)
		w.ask = well
		var all sync.WaitGroup
		for _, p := range []struct {
			name   string
			length time.Duration
		}{{"a", 20 * time.Minute}, {"b", time.Hour}} {
			ctx, cancel := context.WithTimeout(t.Context(), p.length)
			defer cancel()
			all.Go(func() { _ = New(Options{Store: w, BMC: w, Every: 5 * time.Minute, Holder: p.name}).Run(ctx) })
			synctest.Wait() // the first one has it
		}
		all.Wait()
		if n := len(w.asked["n000"]); n < 9 || n > 15 {
			t.Errorf("asked %d times in an hour", n)
		}
	})
}

// TestLightsGoOut: at their time, and again and again where a BMC does not do it.
func TestLightsGoOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard(3)
		start := time.Now()
		lit := func(n int, length time.Duration) inventory.Lit {
			l := inventory.Lit{Machine: w.machines[n].ID, Name: w.machines[n].Name, Actor: "token:admin"}
			if length > 0 {
				l.Until = start.Add(length)
			}
			return l
		}
		w.lits = []inventory.Lit{lit(0, 10*time.Minute), lit(1, time.Minute), lit(2, 0)}
		out := map[string]time.Duration{}
		tries := 0
		w.light = func(name string) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if name == "n001" {
				if tries++; tries < 5 {
					return errors.New("it does not answer")
				}
			}
			out[name] = time.Since(start)
			return nil
		}
		run(t, w, Options{}, time.Hour)
		if d := out["n000"]; d < 10*time.Minute || d > 10*time.Minute+6*time.Second {
			t.Errorf("n000 went out after %v", d)
		}
		if d := out["n001"]; d < 2*time.Minute || d > 5*time.Minute || tries != 5 {
			t.Errorf("n001 went out after %v and %d tries", d, tries)
		}
		if _, was := out["n002"]; was || len(w.lits) != 1 || len(w.events) != 2 {
			t.Errorf("left: %+v, told: %v", w.lits, w.events)
		}
	})
}
