package demo

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"socle/api"
	"socle/internal/config"
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

// TestSettingsAreReadByTheServer also holds that BMCs, whose network does not lead to that of the servers, reach what they fetch.
func TestSettingsAreReadByTheServer(t *testing.T) {
	rack, dir := lab.Default(), t.TempDir()
	key, file := filepath.Join(dir, "key"), filepath.Join(dir, "socle.yaml")
	text, err := yaml.Marshal(settings(rack, dir, "lo", "8443", "8081", map[string]string{
		"url": "http://198.18.0.5:8080", "user": "socle:verify", "key_file": key, "hash_suffix_file": key}))
	for name, text := range map[string]string{key: "secret\n", file: string(text)} {
		if err = errors.Join(err, os.WriteFile(name, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load(file, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if len(c.Roles) != 2 || c.Roles[1].Name != "storage" || c.Roles[1].Match.MinDisks != 5 || c.Roles[1].DataDisks.MinCount != 4 {
		t.Errorf("roles %+v", c.Roles)
	}
	for what, at := range map[string]string{"media": c.Boot.MediaURL, "firmware": c.Firmware.URL} {
		u, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		host, err := netip.ParseAddr(u.Hostname())
		if err != nil || !rack.Management.Contains(host) || u.Port() != "8081" {
			t.Errorf("BMCs in %s are to fetch %s at %s, %v", rack.Management, what, at, err)
		}
		for _, s := range rack.Servers {
			if s.BMC.Address == host {
				t.Errorf("%s is to be fetched from the BMC of %s", what, s.Name)
			}
		}
	}
	if host, port, err := net.SplitHostPort(c.Boot.Listen); err != nil || host != "" || port != "8081" {
		t.Errorf("the boot HTTP is at %s only", c.Boot.Listen)
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
