package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/inventory"
)

const swap = "hv01 port 1 and hv02 port 1 are swapped at leaf-a"

// cablePort is port 1 of a server, planned at the port of leaf-a that has its number.
func cablePort(server, state, heard string) api.CablePort {
	p := api.CablePort{Server: server, State: state, NIC: "eth0", Link: true, Plan: &api.Cable{Server: server, Port: "1", Switch: "leaf-a", SwitchPort: "Eth1/" + server[3:], Colour: "blue"},
		Heard: &api.CableHeard{Switch: "leaf-a.dc1", Port: heard}}
	if state == "swapped" {
		p.Bad, p.Text, p.Fix = true, swap, "Exchange the plugs."
	}
	return p
}

// TestCabling imports, shows and checks against a server, and goes on looking until all is right.
func TestCabling(t *testing.T) {
	world, flags := rack(t)
	file := filepath.Join(t.TempDir(), "plan.csv")
	if err := os.WriteFile(file, []byte("server,port,switch,switch_port\nhv01,1,leaf-a,Eth1/1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	right := api.CableReport{Ports: []api.CablePort{cablePort("hv01", "right", "Eth1/1"), cablePort("hv02", "right", "Eth1/2")}}
	world.Cable(api.CableReport{Ports: []api.CablePort{cablePort("hv01", "swapped", "Eth1/2"), cablePort("hv02", "swapped", "Eth1/1"), cablePort("hv03", "right", "Eth1/3")}})
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

// TestCablingWatch moves two plugs under the eyes of the watch, which only events can wake here.
func TestCablingWatch(t *testing.T) {
	world, flags := rack(t)
	bmc := api.CablePort{Server: "hv01", State: "unseen", Plan: &api.Cable{Server: "hv01", Port: "BMC", Switch: "mgmt", SwitchPort: "1"}, Blind: true}
	stray := api.CablePort{Server: "hv03", State: "extra", NIC: "eth2", Link: true, Text: "hv03 port eth2 is plugged in, and the plan has nothing there", Fix: "Pull the cable."}
	steps := []api.CableReport{
		{Ports: []api.CablePort{bmc, cablePort("hv01", "swapped", "Eth1/2"), cablePort("hv02", "swapped", "Eth1/1"), stray}},
		{Ports: []api.CablePort{bmc, cablePort("hv01", "listening", ""), cablePort("hv02", "listening", "")}},
		{Ports: []api.CablePort{bmc, cablePort("hv01", "right", "Eth1/1"), cablePort("hv02", "listening", "")}},
		{Ports: []api.CablePort{bmc, cablePort("hv01", "right", "Eth1/1"), cablePort("hv02", "right", "Eth1/2")}},
	}
	world.Cable(steps[0])
	looks := 0
	world.Answering(func(string) { // one look at a time
		if looks++; looks < len(steps) {
			world.Cable(steps[looks])
			world.Append(inventory.Event{Kind: "cables", Time: time.Now(), Actor: inventory.ActorAgent})
		}
	})
	c, err := (&clientFlags{server: flags[1], dataDir: flags[3], timeout: time.Minute}).client()
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	w := &cableWatch{client: c, silence: time.Hour, warn: func(err error) { t.Error(err) },
		tell: func(n cableNews) error {
			_, text, _ := strings.Cut(n.line(), "  ")
			told = append(told, text)
			return nil
		}}
	if err := w.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	blind := "1 of BMCs not checked: they do not tell what they hear"
	want := []string{
		swap + ".\n          Exchange the plugs.", stray.Text + ".\n          Pull the cable.", "1 extra, 2 swapped, " + blind,
		"hv01 port 1 is listening: leaf-a Eth1/1 is planned", "hv02 port 1 is listening: leaf-a Eth1/2 is planned",
		"hv03 port eth2 has no cable now, and none is planned", "2 listening, " + blind,
		"hv01 port 1 is right: it is at leaf-a Eth1/1", "1 right, 1 listening, " + blind,
		"hv02 port 1 is right: it is at leaf-a Eth1/2", "2 right, " + blind,
	}
	if !slices.Equal(told, want) {
		t.Errorf("told is\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
}

// TestCablingWatchEnds gives up, is stopped, and refuses, each with its exit code.
func TestCablingWatchEnds(t *testing.T) {
	world, flags := rack(t)
	watch := func(ctx context.Context, more ...string) (string, int) {
		out, err := run(ctx, slices.Concat([]string{"cabling", "watch"}, more, flags)...)
		if err != nil {
			out += err.Error()
		}
		return out, exitCode(err)
	}
	if out, code := watch(t.Context()); code != exitNotFound || !strings.Contains(out, "no cables of these") {
		t.Errorf("without a plan: exit %d: %s", code, out)
	}
	world.Cable(api.CableReport{Ports: []api.CablePort{cablePort("hv01", "swapped", "Eth1/2"), cablePort("hv02", "swapped", "Eth1/1")}})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	world.Answering(func(string) { stop() })
	if out, code := watch(ctx); code != exitBelow || !strings.Contains(out, "stopped before") {
		t.Errorf("stopped: exit %d: %s", code, out)
	}
	world.Answering(nil)
	if out, code := watch(t.Context(), "--within", "2s", "-o", "json"); code != exitBelow || !strings.Contains(out, "not as planned after 2s") {
		t.Errorf("after two seconds: exit %d: %s", code, out)
	}
	if _, code := watch(t.Context(), "--within", "-1s"); code != exitUsage {
		t.Errorf("less than no time: exit %d", code)
	}
	world.Cable(api.CableReport{Ports: []api.CablePort{cablePort("hv01", "right", "Eth1/1")}})
	if out, code := watch(t.Context(), "-o", "json"); code != 0 || !strings.Contains(out, `"text":"1 right"`) {
		t.Errorf("all right: exit %d: %s", code, out)
	}
}
