package simulate

import (
	"bytes"
	"encoding/csv"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/hardware"
	"socle/internal/config"
	"socle/inventory/manifest"
)

func fleet(t testing.TB, s Spec) *Fleet {
	t.Helper()
	f, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// allOdd has each oddity once.
func allOdd() map[Oddity]int {
	all := map[Oddity]int{}
	for _, o := range Oddities() {
		all[o] = 1
	}
	return all
}

func TestEqualSpecsMakeEqualFleets(t *testing.T) {
	s := Spec{Servers: 100, Seed: 7, Odd: allOdd()}
	a, b := fleet(t, s), fleet(t, s)
	if d := cmp.Diff(a.Manifest(), b.Manifest()); d != "" {
		t.Errorf("two fleets of one spec differ:\n%s", d)
	}
	for i := range a.Servers {
		if d := cmp.Diff(a.Facts(i), b.Facts(i)); d != "" {
			t.Errorf("server %d of two fleets of one spec differs:\n%s", i, d)
		}
	}
	s.Seed = 8
	if bytes.Equal(a.Manifest(), fleet(t, s).Manifest()) || bytes.Equal(a.odd(), fleet(t, s).odd()) {
		t.Error("another seed makes the same fleet")
	}
}

// TestNothingElseDiffers looks at all servers: they are alike but for what names them, and for what is odd with them.
func TestNothingElseDiffers(t *testing.T) {
	f := fleet(t, Spec{Servers: 60, Seed: 3, Odd: allOdd()})
	usual := bare(f.base)
	found := map[Oddity]int{}
	for i, s := range f.Servers {
		facts := f.Facts(i)
		neighbour, ok := f.Heard(i, "eth1")
		swapped := neighbour.PortID != s.Cables[1].Port
		same := cmp.Equal(bare(facts), usual)
		switch s.Odd {
		case MissingDIMM, MovedDIMM, MissingDisk, WrongFirmware:
			if same {
				t.Errorf("%s is to have %s, and is as usual", s.Name, s.Odd)
			}
		default:
			if !same {
				t.Errorf("%s (%q) is not as usual: %s", s.Name, s.Odd, cmp.Diff(usual, bare(facts)))
			}
		}
		if !ok || swapped != (s.Odd == SwappedCables) {
			t.Errorf("%s (%q) hears %+v", s.Name, s.Odd, neighbour)
		}
		if taken := i > 0 && s.UUID == f.Servers[0].UUID; taken != (s.Odd == DuplicateUUID) {
			t.Errorf("%s (%q) has the UUID %s", s.Name, s.Odd, s.UUID)
		}
		found[s.Odd]++
	}
	for _, o := range Oddities() {
		if want := map[bool]int{true: 2, false: 1}[o == SwappedCables]; found[o] != want {
			t.Errorf("%d servers have %s, not %d", found[o], o, want)
		}
	}
}

// bare are the facts without what names a server and its parts, and what every simulated server has beside the sample.
func bare(f hardware.Facts) hardware.Facts {
	f.System.Serial, f.System.UUID, f.Kernel, f.BMC, f.NICs, f.Firmware.Mode = "", "", "", nil, nil, ""
	f.CPUs = append([]hardware.CPU(nil), f.CPUs...)
	for i := range f.CPUs {
		f.CPUs[i].Flags = nil
	}
	f.Memory.DIMMs = append([]hardware.DIMM(nil), f.Memory.DIMMs...)
	for i := range f.Memory.DIMMs {
		f.Memory.DIMMs[i].Serial = ""
	}
	f.Disks = append([]hardware.Disk(nil), f.Disks...)
	for i := range f.Disks {
		d := &f.Disks[i]
		d.Serial, d.WWN, d.Transport, d.Rotational = "", "", "", false
	}
	return f
}

func TestPlan(t *testing.T) {
	dir := t.TempDir()
	f := fleet(t, Spec{Servers: 2000, Seed: 1})
	if err := f.Plan(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.Open(filepath.Join(dir, "manifest.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = text.Close() }()
	machines, err := manifest.Parse(text)
	if err != nil || len(machines) != 2000 {
		t.Errorf("the manifest has %d servers: %v", len(machines), err)
	}
	for name, want := range map[string]int{"racks.csv": 150, "cabling.csv": 4000, "odd.csv": 0} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
		if err != nil || len(rows) != want+1 {
			t.Errorf("%s has %d lines, not %d: %v", name, len(rows), want+1, err)
		}
	}
	c, err := config.Load(filepath.Join(dir, "socle.yaml"), func(string) (string, bool) { return "", false })
	if err != nil || len(c.Subnets) != 2 {
		t.Errorf("the configuration: %v", err)
	}
}

func TestWrongSpecs(t *testing.T) {
	for _, c := range []struct {
		spec Spec
		want string
	}{
		{Spec{}, "0 servers"},
		{Spec{Servers: MostServers + 1}, "10001 servers"},
		{Spec{Servers: 5000, Network: netip.MustParsePrefix("10.0.0.0/18")}, "room for 4080 servers"},
		{Spec{Servers: 5, Network: netip.MustParsePrefix("2001:db8::/18")}, "an IPv4 network"},
		{Spec{Servers: 5, Network: netip.MustParsePrefix("10.0.0.0/24")}, "from /8 to /18"},
		{Spec{Servers: 3, Odd: map[Oddity]int{MissingDIMM: 4}}, "missing-dimm: there are not enough servers"},
		{Spec{Servers: 1, Odd: map[Oddity]int{SwappedCables: 1}}, "swapped-cables: there are not enough servers"},
	} {
		if _, err := New(c.spec); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, not %q", c.spec, err, c.want)
		}
	}
}

func TestParseOddities(t *testing.T) {
	got, err := ParseOddities("missing-dimm=3, slow-disk,never-appears=0")
	if d := cmp.Diff(map[Oddity]int{MissingDIMM: 3, SlowDisk: 1, NeverAppears: 0}, got); err != nil || d != "" {
		t.Errorf("%v: %s", err, d)
	}
	for text, want := range map[string]string{"dimm": `"dimm" is not known`, "slow-disk=x": `"x" is no number`, "slow-disk=-1": `"-1" is no number`} {
		if _, err := ParseOddities(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, not %q", text, err, want)
		}
	}
}

func TestAddresses(t *testing.T) {
	s := Spec{Servers: 1, Network: netip.MustParsePrefix("198.19.0.0/16")}
	first, last := s.Pool()
	got := []string{s.Provisioning().String(), s.Relay().String(), first.String(), last.String(), s.Management().String(), s.bmc(0).String(), s.Cable().String(), s.Host().String(), s.Router().String()}
	want := []string{"198.19.0.0/17", "198.19.0.1", "198.19.0.16", "198.19.127.254", "198.19.128.0/18", "198.19.128.8", "198.19.255.252/30", "198.19.255.253", "198.19.255.254"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestStats(t *testing.T) {
	s := newStats()
	s.reach(0, PoweredOn, 0)
	s.reach(0, GotAddress, 2*time.Second)
	s.reach(0, PoweredOn, 0) // again
	s.reach(1, PoweredOn, 0)
	s.reach(1, SystemUp, time.Second) // an older disk
	for m, want := range map[Milestone]int{PoweredOn: 2, GotAddress: 2, AgentUp: 1, SystemUp: 1} {
		if got := s.Reached(m); got != want {
			t.Errorf("%d servers are %s, not %d", got, milestoneNames[m], want)
		}
	}
	s.fail("the network is down")
	var b bytes.Buffer
	if err := s.Summary(&b); err != nil || !strings.Contains(b.String(), "the network is down") || !strings.Contains(b.String(), "2s") {
		t.Errorf("%v:\n%s", err, &b)
	}
}
