package cabling

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiff(t *testing.T) {
	cable := func(line int, server, port, leaf, far string) Cable {
		return Cable{Line: line, Server: server, Port: port, Switch: leaf, SwitchPort: far}
	}
	known := []Cable{cable(0, "a", "1", "s", "1"), cable(0, "a", "2", "s", "2"), cable(0, "b", "1", "s", "3"), cable(0, "a", "3", "s", "4")}
	plan := []Cable{cable(2, "a", "1", "s", "1"), cable(3, "a", "2", "s", "5"), cable(4, "c", "1", "s", "2")}
	type step struct {
		line          int
		before, after string
	}
	steps := func(all []Change) (out []step) {
		for _, c := range all {
			s := step{line: c.Line}
			if c.Before != nil {
				s.before = c.Before.Key() + ">" + c.Before.Far()
			}
			if c.After != nil {
				s.after = c.After.Key() + ">" + c.After.Far()
			}
			out = append(out, s)
		}
		return out
	}
	want := []step{{0, "a\x003>s 4", ""}, {3, "a\x002>s 2", "a\x002>s 5"}, {4, "", "c\x001>s 2"}}
	changes, same, conflicts := Diff(known, plan, false)
	if diff := cmp.Diff(want, steps(changes), cmp.AllowUnexported(step{})); diff != "" || same != 1 || conflicts != nil {
		t.Errorf("%d same, conflicts %v, changes (-want +got):\n%s", same, conflicts, diff)
	}
	want = append([]step{{0, "b\x001>s 3", ""}}, want...)
	if changes, _, _ = Diff(known, plan, true); cmp.Diff(want, steps(changes), cmp.AllowUnexported(step{})) != "" {
		t.Errorf("as the whole plan: %v", steps(changes))
	}
	taken := append(plan, cable(5, "d", "1", "S", "03"))
	changes, _, conflicts = Diff(known, taken, false)
	if diff := cmp.Diff(Conflicts{{5, "S 03 is planned for b port 1 already"}}, conflicts); diff != "" || changes != nil {
		t.Errorf("changes %v, conflicts (-want +got):\n%s", changes, diff)
	}
	if _, _, conflicts = Diff(known, taken, true); conflicts != nil {
		t.Errorf("as the whole plan: %v", conflicts)
	}
}
