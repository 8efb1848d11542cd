package main

import (
	"slices"
	"strings"
	"testing"
)

func TestPlan(t *testing.T) {
	world, flags := rack(t)
	for _, tc := range []struct {
		line string
		code int
		has  []string
	}{
		{"plan hypervisor=1 --spread rack,feed --from hv[01-03],-hv02", 0, []string{"hv01     hypervisor  r1", "2 findings", "hv02     spare", "could be hypervisor", "it is held: fan", "r1: 1"}},
		{"plan hypervisor=3 -o json", 5, []string{`"short": [`, `"machines": "hv01"`}},
		{"plan hypervisor=1 --from @{name:st01}", 0, nil},
		{"buildout --dry-run hv01", 0, []string{"hv01     hypervisor"}},
		{"plan hypervisor", 2, nil},
		{"plan hypervisor=0", 2, nil},
		{"plan =3", 2, nil},
		{"plan", 2, nil},
		{"plan hypervisor=1 --spread moon", 2, nil},
	} {
		out, err := run(t.Context(), append(strings.Fields(tc.line), flags...)...)
		if got := exitCode(err); got != tc.code {
			t.Errorf("%s: exit %d, want %d: %s %v", tc.line, got, tc.code, out, err)
		}
		for _, want := range tc.has {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", tc.line, want, out)
			}
		}
	}
	for _, want := range []string{"plan [{hypervisor 1}] of [hv01 hv03] over [rack feed]", "plan [{hypervisor 1}] of [st01] over []", "plan [] of [hv01] over []"} {
		if !slices.Contains(world.Calls(), want) {
			t.Errorf("no %q in %q", want, world.Calls())
		}
	}
	if strings.Contains(strings.Join(world.Calls(), "\n"), "buildout") {
		t.Errorf("something was begun: %q", world.Calls())
	}
}
