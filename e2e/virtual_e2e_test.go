//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/lab"
)

// TestE2EVirtualMedia boots a server on whose network nobody speaks DHCP by the virtual media of its BMC: one command makes
// the medium, has the BMC fetch it, boots the firmware from the virtual CD, and the agent speaks from the static address
// that it was given. The server is killed while the firmware boots; the next one goes on. Then the drive is read to be empty.
func TestE2EVirtualMedia(t *testing.T) {
	sc := Play(t, Spec(UEFI("vm1", 1)), ServerOptions{Services: []string{"api", "workers", "boot"}, Media: true})
	host := sc.HostAddr().String()
	net := host[:strings.LastIndexByte(host, '.')]
	if out := sc.Do(t, "bmc", "media", "list", "vm1"); !strings.Contains(out, "CD") || !strings.Contains(out, "empty") {
		t.Errorf("before:\n%s", out)
	}
	sc.Do(t, "machine", "inspect", "vm1", "--media", "--address", net+".51/24")
	seen, killed := "", false
	m := sc.Await(t, "vm1", 10*time.Minute, "is inspected", func(m api.Machine) bool {
		if seen == "" && m.Medium != nil && m.Medium.In != nil {
			seen = sc.Do(t, "bmc", "media", "list", "vm1")
			if strings.Contains(seen, "empty") && !strings.Contains(seen, "socle-boot.iso") {
				seen = ""
			}
		}
		if seen != "" && m.Power == "on" && !killed {
			killed = true
			sc.Kill(t)
			sc.Start(t)
		}
		return m.State == "ready"
	})
	if m.Address != net+".51" || m.FactsAt == nil || m.Medium == nil || !m.Medium.Wanted || m.Medium.In != nil {
		t.Errorf("it came from %q, medium %+v, facts at %v", m.Address, m.Medium, m.FactsAt)
	}
	if !killed {
		t.Error("the server was not killed while the firmware booted")
	}
	if !strings.Contains(seen, "/boot/medium/") || !strings.Contains(seen, "…") {
		t.Errorf("while it booted, the drive was not seen to hold our medium without its secret:\n%s", seen)
	}
	sc.WantOnePowerOn(t, "vm1")
	if out := sc.Do(t, "bmc", "media", "list", "vm1"); strings.Contains(out, ".iso") {
		t.Errorf("after:\n%s", out)
	}
	if out := sc.Do(t, "boot", "show", "vm1"); !strings.Contains(out, "own order") {
		t.Errorf("the CD is still chosen:\n%s", out)
	}
	journal, err := lab.Journal(sc.Rack.Dir, sc.Name, "vm1")
	if err != nil {
		t.Fatal(err)
	}
	var did []string
	for _, e := range journal {
		if word, _, _ := strings.Cut(e.Action, " "); word == "insert" || word == "eject" {
			did = append(did, word)
		}
	}
	if !slices.Equal(did, []string{"insert", "eject"}) {
		t.Errorf("the drive was %v, want one insert and one eject", did)
	}
	lines, err := sc.API.Evidence(t.Context(), "vm1", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if l.Source == "dhcp" || l.Source == "tftp" {
			t.Errorf("it was booted by the network: %+v", l)
		}
	}
	events := sc.Do(t, "events", "--machine", "vm1", "-n", "200")
	for _, want := range []string{"lies in the virtual drive of its BMC", "is ejected, and the BMC shows its drive empty"} {
		if !strings.Contains(events, want) {
			t.Errorf("the history does not say %q:\n%s", want, events)
		}
	}
}
