package inventory

import (
	"testing"

	"socle/hardware"
)

func TestBurnInFor(t *testing.T) {
	plans := []BurnInPlan{{Model: "PowerEdge", Seconds: 1}, {Model: "poweredge R640", Seconds: 2}, {Model: "R640-gold", Seconds: 3}}
	facts := &hardware.Facts{System: hardware.System{Product: "PowerEdge R640"}}
	for _, c := range []struct {
		m    Machine
		want int
	}{{Machine{Facts: facts}, 2}, {Machine{Model: "PowerEdge R750"}, 1}, {Machine{Model: "R640-gold", Facts: &hardware.Facts{}}, 3}, {Machine{Model: "ProLiant"}, 0}, {Machine{}, 0}} {
		if p, ok := BurnInFor(plans, &c.m); p.Seconds != c.want || ok != (c.want > 0) {
			t.Errorf("%q: plan %+v, %v, want %d", c.m.Model, p, ok, c.want)
		}
	}
	if _, ok := BurnInFor([]BurnInPlan{{Seconds: 1}}, &Machine{}); !ok {
		t.Error("a plan for all does not fit")
	}
}
