package provision

import (
	"testing"
	"time"

	"socle/api"
	"socle/inventory"
)

// TestNewTuning: an order holds what was ordered before it, also a boot that has not come yet, and leaves that as it is.
func TestNewTuning(t *testing.T) {
	e := &Engine{Options: Options{Now: time.Now}}
	now := time.Now()
	before := inventory.Tuning{Want: inventory.Values{"A": int64(1)}, Before: inventory.Values{"A": int64(0)}, Job: "/job", Reboot: true, Active: true, Taken: now, Stopped: now, Problem: "lost"}
	for _, c := range []struct {
		name   string
		op     *inventory.Op
		order  bool
		reboot bool
	}{
		{"its boot has not come", &inventory.Op{At: now, Off: now}, false, true},
		{"its boot is over", &inventory.Op{At: now, Off: now, On: now}, false, false},
		{"another one is ordered", &inventory.Op{At: now, Off: now, On: now}, true, true},
	} {
		old := before
		m := inventory.Machine{Tuning: &old, Op: c.op}
		got := e.newTuning(&m, "test", api.SettingsOrder{Reboot: c.order})
		got.Want["B"] = int64(2)
		if got.Reboot != c.reboot || got.Active != c.op.On.IsZero() || got.Job != "/job" || got.Want["A"] != int64(1) || !got.Taken.IsZero() || !got.Stopped.IsZero() || got.Problem != "" || len(old.Want) != 1 {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}
