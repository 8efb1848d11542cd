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

// TestChosenBurnIn: a plan with a name holds only when it is chosen, and for machines that it fits.
func TestChosenBurnIn(t *testing.T) {
	plans := []BurnInPlan{{Model: "Power", Seconds: 60, Tests: []string{"cpu", "disk"}}, {Name: "long", Seconds: 600, Tests: []string{"disk", "memory", "cpu"}}, {Name: "quick", Model: "PowerEdge R640", Seconds: 5, Tests: []string{"disk"}}}
	m := Machine{Model: "PowerEdge R640"}
	own, ok := BurnInFor(plans, &m)
	if !ok || own.Name != "" {
		t.Errorf("nothing was chosen, and the plan is %+v", own)
	}
	for name, covers := range map[string]bool{"quick": false, "long": true, "gone": true} {
		m.Intent.Plan = name
		p, ok := BurnInFor(plans, &m)
		if want := map[string]string{"quick": "quick", "long": "long"}[name]; !ok || p.Name != want || p.Covers(own) != covers {
			t.Errorf("%s was chosen: %+v, covers %v", name, p, p.Covers(own))
		}
	}
	if all := BurnInChoices(plans, &Machine{Model: "PowerEdge R750"}); len(all) != 1 || all[0].Name != "long" {
		t.Errorf("choices %+v", all)
	}
	if _, ok := OwnBurnIn(plans, &Machine{Model: "ProLiant"}); ok {
		t.Error("a plan with a name holds by itself")
	}
	if (BurnInPlan{Tests: own.Tests, Seconds: 59}).Covers(own) {
		t.Error("less time is not enough")
	}
}
