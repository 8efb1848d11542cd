package health

import (
	"context"
	"fmt"
	"time"

	"socle/inventory"
)

// How lights are looked after.
const (
	lightEvery = 5 * time.Second // between two looks at which are on
	lightAgain = 10 * time.Second
	lightRest  = 5 * time.Minute // at most, before a BMC that failed is asked again
)

// lights switches off the lights whose time is over. A BMC that does not do it is asked again, for ever: somebody may
// stand before the wrong server.
func (w *Watch) lights(ctx context.Context) {
	type trouble struct {
		until time.Time
		rest  time.Duration
	}
	bad := map[string]trouble{}
	done := make(chan inventory.Lit)
	failed := make(chan inventory.Lit)
	busy := map[string]bool{}
	for wait := time.Duration(0); ; wait = lightEvery {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			for range busy {
				select {
				case <-done:
				case <-failed:
				}
			}
			return
		case l := <-done:
			delete(busy, l.Machine)
			delete(bad, l.Machine)
		case l := <-failed:
			delete(busy, l.Machine)
			t := bad[l.Machine]
			t.rest = min(max(2*t.rest, lightAgain), lightRest)
			t.until = time.Now().Add(t.rest)
			bad[l.Machine] = t
		case <-timer.C:
		}
		timer.Stop()
		all, err := w.o.Store.Lights(ctx)
		if err != nil {
			if ctx.Err() == nil {
				w.o.Log.Warn("reading which locator lights are on", "err", err)
			}
			continue
		}
		now := time.Now()
		for _, l := range all {
			if l.Until.IsZero() || l.Until.After(now) || busy[l.Machine] || bad[l.Machine].until.After(now) {
				continue
			}
			busy[l.Machine] = true
			go func() { // owned by lights, which waits for it
				if w.darken(ctx, l) {
					done <- l
				} else {
					failed <- l
				}
			}()
		}
	}
}

// darken switches one off, says so in the history and forgets it.
func (w *Watch) darken(ctx context.Context, l inventory.Lit) bool {
	leave, err := w.sick.Enter(ctx)
	if err != nil {
		return false
	}
	defer leave()
	m, err := w.o.Store.Machine(ctx, l.Machine)
	if err == nil {
		_, err = w.o.BMC.Locate(ctx, m, false, 0)
	}
	if err == nil {
		err = w.o.Store.Unlight(ctx, l.Machine, l.Until)
	}
	if err == nil {
		err = w.o.Store.Append(ctx, inventory.Event{Machine: l.Machine, Name: l.Name, Actor: "health", Kind: "locate",
			Reason: fmt.Sprintf("the locator light is off: its time is over (%s had switched it on)", l.Actor)})
	}
	if err != nil && ctx.Err() == nil {
		w.o.Log.Warn("switching off a locator light whose time is over; it is tried again", "machine", l.Name, "err", err)
	}
	return err == nil
}
