package config

import (
	"errors"
	"strings"
	"testing"

	"socle/inventory"
)

// TestBurnInPlans: names are unique and can be typed; plans without one need none.
func TestBurnInPlans(t *testing.T) {
	plan := func(name string) inventory.BurnInPlan {
		return inventory.BurnInPlan{Name: name, Tests: []string{"cpu"}, Seconds: 60, Memory: 50}
	}
	for _, c := range []struct {
		plans []inventory.BurnInPlan
		want  string
	}{
		{[]inventory.BurnInPlan{plan(""), plan(""), plan("a"), plan("b c")}, ""},
		{[]inventory.BurnInPlan{plan("a"), plan("a")}, `there are two plans with the name "a"`},
		{[]inventory.BurnInPlan{plan(" a")}, "begins or ends with a space"},
		{[]inventory.BurnInPlan{plan(strings.Repeat("x", 65))}, "longer than 64 bytes"},
	} {
		err := errors.Join(checkBurnIn(c.plans)...)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v, want %q", c.plans, err, c.want)
		}
	}
}
