package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
)

// TestFolding: equal rows become one, in the order of the first of each, without what is of one machine alone; what is no row
// of the table stays as it is.
func TestFolding(t *testing.T) {
	f := folding{name: "NAME", alone: []string{"SERIAL", "AT"}}
	var got []string
	f.table(func(row func(...string)) {
		row("before the table")
		row("AT", "STATE", "NAME", "SERIAL", "NOTE")
		row("1", "ready", "n01", "a", "-")
		row("2", "off", "n03", "b", "-")
		row("3", "ready", "n02", "c", "-")
		row("4", "ready", "n04", "d", "odd")
		row("5", "", "-", "", "nobody")
		row()
		row("ROLE", "NAME")
		row("x", "n1")
		row("AT", "STATE", "NAME", "SERIAL", "NOTE")
	})(func(cells ...string) { got = append(got, strings.Join(cells, "|")) })
	want := []string{"before the table", "STATE|NAME|NOTE", "ready|n[01-02]|-", "off|n03|-", "ready|n04|odd", "|-|nobody", "", "ROLE|NAME", "x|n1", "AT|STATE|NAME|SERIAL|NOTE"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	got = nil
	f.table(func(row func(...string)) { row("nothing was found") })(func(cells ...string) { got = append(got, cells...) })
	if len(got) != 1 {
		t.Errorf("%q", got)
	}
}

// TestFoldFlag: the lists of machines have it, and programs are told that it is not for them.
func TestFoldFlag(t *testing.T) {
	world, flags := rack(t)
	ms, err := world.Roster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ms {
		if strings.HasPrefix(m.Name, "hv") {
			m.State, m.Step, m.Role, m.Power, m.Fault, m.Hold = inventory.Ready, "", "hypervisor", inventory.PowerOn, nil, nil
			world.Put(m)
		}
	}
	for _, x := range []struct {
		line string
		code int
		has  []string
		not  string
	}{
		{"machine list --fold --role hypervisor", 0, []string{"NAME", "hv[01-04]", "hypervisor", "ready"}, "SERIAL"},
		{"machine list", 0, []string{"hv01", "SERIAL"}, "hv[01"},
		{"machine list --fold -o json", 2, []string{"--fold is for tables"}, ""},
		{"search name:hv* --fold", 0, []string{"hv[01-04]  ready"}, "SERIAL"},
		{"bmc list --fold", 0, []string{"MACHINE", "PROTOCOL"}, "ADDRESS"},
		{"alarms --fold", 0, []string{"MACHINE"}, "SINCE"},
		{"waiver list --fold", 0, []string{"MACHINE"}, "ID"},
		{"buildout --dry-run --fold", 0, []string{"MACHINE", "SPREAD"}, "PLACE"},
	} {
		out, err := run(t.Context(), append(strings.Fields(x.line), flags...)...)
		if err != nil {
			out += err.Error()
		}
		if exitCode(err) != x.code || x.not != "" && strings.Contains(out, x.not) {
			t.Errorf("%s: exit code %d, want %d and no %q:\n%s", x.line, exitCode(err), x.code, x.not, out)
		}
		for _, w := range x.has {
			if !strings.Contains(out, w) {
				t.Errorf("%s: no %q in\n%s", x.line, w, out)
			}
		}
	}
}
