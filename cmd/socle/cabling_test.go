package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"socle/api"
)

// TestCabling imports, shows and checks against a server, and goes on looking until all is right.
func TestCabling(t *testing.T) {
	world, flags := rack(t)
	file := filepath.Join(t.TempDir(), "plan.csv")
	if err := os.WriteFile(file, []byte("server,port,switch,switch_port\nhv01,1,leaf-a,Eth1/1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	swap := "hv01 port 1 and hv02 port 1 are swapped at leaf-a"
	port := func(server, state, heard string) api.CablePort {
		p := api.CablePort{Server: server, State: state, NIC: "eth0", Link: true, Plan: &api.Cable{Server: server, Port: "1", Switch: "leaf-a", SwitchPort: "Eth1/" + server[3:], Colour: "blue"},
			Heard: &api.CableHeard{Switch: "leaf-a.dc1", Port: heard}}
		if state == "swapped" {
			p.Bad, p.Text, p.Fix = true, swap, "Exchange the plugs."
		}
		return p
	}
	right := api.CableReport{Ports: []api.CablePort{port("hv01", "right", "Eth1/1"), port("hv02", "right", "Eth1/2")}}
	world.Cable(api.CableReport{Ports: []api.CablePort{port("hv01", "swapped", "Eth1/2"), port("hv02", "swapped", "Eth1/1"), port("hv03", "right", "Eth1/3")}})
	for _, tc := range []struct {
		line  string
		code  int
		has   []string
		hasNo string
	}{
		{"cabling import " + file + " --dry-run", 0, []string{"0 changes, 0 cables as before"}, ""},
		{"cabling import " + file + ".gone", 1, []string{"opening"}, ""},
		{"cabling show hv[01-03]", 0, []string{"hv03    1     leaf-a  Eth1/3", "blue"}, ""},
		{"cabling export", 0, []string{"server,port,switch,switch_port,group,label,colour,length\nhv01,1,leaf-a,Eth1/1,,,blue,\n"}, ""},
		{"cabling check hv[", 2, nil, ""},
		{"cabling check", exitBelow, []string{"hv01    1     swapped  leaf-a Eth1/1  leaf-a.dc1 Eth1/2  eth0", "1 right, 2 swapped", swap + ".\n  Exchange the plugs."}, "hv03"},
		{"cabling check --all", exitBelow, []string{"hv03    1     right"}, ""},
		{"cabling check -o json", exitBelow, []string{`"fix": "Exchange the plugs."`}, ""},
	} {
		out, err := run(t.Context(), append(strings.Fields(tc.line), flags...)...)
		if got := exitCode(err); got != tc.code {
			t.Errorf("%s: exit %d, want %d: %v", tc.line, got, tc.code, err)
		}
		if err != nil {
			out += err.Error()
		}
		for _, want := range tc.has {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", tc.line, want, out)
			}
		}
		if tc.hasNo != "" && strings.Contains(out, tc.hasNo) {
			t.Errorf("%s: %q in\n%s", tc.line, tc.hasNo, out)
		}
		if strings.HasSuffix(tc.line, "check") && strings.Count(out, swap) != 1 {
			t.Errorf("%s: the swap is not told once:\n%s", tc.line, out)
		}
	}
	if !slices.ContainsFunc(world.Calls(), func(c string) bool {
		return strings.HasSuffix(c, "imports a cabling plan of 52 bytes, whole false, dry run true")
	}) {
		t.Errorf("calls are %q", world.Calls())
	}
	world.Answering(func(machines string) {
		if machines == "hv[01-02]" { // the first answer was of before
			world.Cable(right)
		}
	})
	out, err := run(t.Context(), append([]string{"cabling", "check", "hv[01-02]", "--watch"}, flags...)...)
	if err != nil || !strings.Contains(out, "2 swapped") || !strings.HasSuffix(strings.TrimSpace(out), "2 right") {
		t.Errorf("%v:\n%s", err, out)
	}
}
