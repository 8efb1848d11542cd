package health

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"socle/inventory"
)

// judge hears of power, and complains of all that is off.
type judge struct {
	heard []inventory.PowerSight
	fail  bool
}

func (j *judge) SeePower(_ context.Context, _ inventory.Machine, s inventory.PowerSight) (string, time.Duration, error) {
	j.heard = append(j.heard, s)
	if j.fail {
		return "", 0, errors.New("the disk is full")
	}
	if s.Before != s.Power {
		return "", 30 * time.Second, nil
	}
	return "power is off", 0, nil
}

// TestPowerIsCompared: what a look finds otherwise than known is told, with what the look before found, and is looked
// at again soon; what is known already is not told.
func TestPowerIsCompared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard(1)
		w.machines[0].Power = inventory.PowerOn
		w.machines[0].Wish.Want(inventory.PowerOn, false, "a", time.Now().Add(-time.Hour))
		answers := []inventory.Power{"on", "off", "off", "off", "", "off", "on"}
		w.ask = func(context.Context, string) (inventory.Vitals, error) {
			n := min(len(w.asked["n000"]), len(answers))
			if p := answers[n-1]; p != "" {
				return inventory.Vitals{Power: p}, nil
			}
			return inventory.Vitals{}, errors.New("it does not answer")
		}
		j := &judge{}
		run(t, w, Options{Every: 5 * time.Minute, Energy: j}, 35*time.Minute)
		at := w.asked["n000"]
		if len(j.heard) != 4 || len(at) < 7 {
			t.Fatalf("asked %d times, heard %+v", len(at), j.heard)
		}
		for i, want := range []struct {
			before inventory.Power
			look   int
		}{{"on", 1}, {"off", 2}, {"off", 3}, {"", 5}} {
			got := j.heard[i]
			if got.Power != inventory.PowerOff || got.Before != want.before || !got.Asked.Equal(at[want.look]) {
				t.Errorf("heard %+v, want after %q at %v", got, want.before, at[want.look])
			}
		}
		if soon, usual := at[2].Sub(at[1]), at[3].Sub(at[2]); soon != 30*time.Second || usual < 4*time.Minute {
			t.Errorf("looked again after %v and %v", soon, usual)
		}
		var drifts []string
		for _, l := range w.looks["n000"] {
			drifts = append(drifts, l.Drift)
		}
		if drifts[1] != "" || drifts[2] != "power is off" || drifts[3] != "power is off" || drifts[4] != "" || drifts[6] != "" {
			t.Errorf("complaints %q", drifts)
		}
	})
}

// TestPowerCannotBeCompared: then the looks go on as ever.
func TestPowerCannotBeCompared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard(1)
		w.ask = func(context.Context, string) (inventory.Vitals, error) {
			return inventory.Vitals{Power: inventory.PowerOff}, nil
		}
		j := &judge{fail: true}
		stats := run(t, w, Options{Every: 5 * time.Minute, Energy: j}, 30*time.Minute)
		if len(j.heard) < 5 || stats.Failed != 0 || len(w.looks["n000"]) < 5 {
			t.Errorf("heard %d, %+v", len(j.heard), stats)
		}
	})
}
