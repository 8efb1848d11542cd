package demo

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"socle/api"
	"socle/lab"
)

func TestSettled(t *testing.T) {
	spec := lab.Default()
	now := time.Now()
	machines := func(change func(map[string]*api.Machine)) []api.Machine {
		byname := map[string]*api.Machine{}
		for _, s := range spec.Servers {
			m := &api.Machine{Name: s.Name, Serial: s.Serial, State: "active"}
			if s.Stray {
				m.State, m.Hold, m.FactsAt = "discovered", &api.Hold{Reason: "is in no manifest"}, &now
			}
			byname[s.Name] = m
		}
		change(byname)
		var all []api.Machine
		for _, m := range byname {
			all = append(all, *m)
		}
		return all
	}
	for _, tc := range []struct {
		name   string
		change func(map[string]*api.Machine)
		want   bool
		err    string
	}{
		{name: "all where they should be", change: func(map[string]*api.Machine) {}, want: true},
		{name: "one deploying", change: func(m map[string]*api.Machine) { m["hv01"].State = "deploying" }},
		{name: "stray unseen", change: func(m map[string]*api.Machine) { delete(m, "stray") }},
		{name: "stray not looked at", change: func(m map[string]*api.Machine) { m["stray"].FactsAt = nil }},
		{name: "stray not held", change: func(m map[string]*api.Machine) { m["stray"].Hold = nil }},
		{name: "stray deployed", change: func(m map[string]*api.Machine) { m["stray"].State = "active" }},
		{name: "fault that is retried", change: func(m map[string]*api.Machine) {
			m["hv01"].State, m["hv01"].Fault = "deploying", &api.Fault{Reason: "r", RetryAt: &now}
		}},
		{name: "fault for a person", change: func(m map[string]*api.Machine) {
			m["st01"].State, m["st01"].Fault = "ready", &api.Fault{Reason: "no disk fits", Remedy: "seat the disks"}
		}, err: "st01 has a fault: no disk fits\n  what to do: seat the disks"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := &demo{Options: Options{Spec: spec}}
			got, err := d.settled(machines(tc.change))
			if got != tc.want || (err == nil) != (tc.err == "") || err != nil && err.Error() != tc.err {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestTableReadsWell(t *testing.T) {
	var out bytes.Buffer
	d := &demo{Options: Options{Out: &out}, server: &server{}}
	machines := []api.Machine{
		{Name: "hv01", Role: "hypervisor", State: "active", Timing: []api.Phase{{Name: "inspecting", Seconds: 47.4}, {Name: "deploying", Seconds: 200, Wire: 5 << 20}},
			Deployed: &api.Deployment{Evidence: []string{"libvirt answers", "a guest ran"}}},
		{Name: "x", State: "discovered", Hold: &api.Hold{Reason: "is in no manifest"}},
	}
	d.rows(machines)
	for _, want := range []string{"hv01    hypervisor  active      inspecting 47, deploying 200  5.0 MiB        a guest ran", "held: is in no manifest"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("table lacks %q:\n%s", want, out.String())
		}
	}
}

func TestLockAdmitsOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock(path); err == nil || !strings.Contains(err.Error(), "demo-down") {
		t.Errorf("a second demo: %v", err)
	}
	unlock()
	unlock, err = lock(path)
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	unlock()
	if err := stopRunning(path); err != nil {
		t.Errorf("nothing runs: %v", err)
	}
}

func TestRolesAreReadByTheServer(t *testing.T) {
	text, err := yaml.Marshal(map[string]any{"roles": roles()})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"name: storage", "min_count: 4", "min_disks: 5"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("roles lack %q:\n%s", want, text)
		}
	}
}

func TestFreePortAvoidsOneInUse(t *testing.T) {
	first, err := freePort(t.Context(), 20443)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", ":"+first)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if second, err := freePort(t.Context(), 20443); err != nil || second == first {
		t.Errorf("got %s after %s is in use, %v", second, first, err)
	}
}

func TestHostNumber(t *testing.T) {
	if got := hostNumber(netip.MustParsePrefix("198.18.40.0/24"), 5); got.String() != "198.18.40.5" {
		t.Errorf("got %s", got)
	}
}

func TestPeakMemory(t *testing.T) {
	if n := (&server{pid: os.Getpid()}).peakMemory(); n < 1<<20 {
		t.Errorf("this test has had %d bytes", n)
	}
}
