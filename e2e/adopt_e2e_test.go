//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/internal/secret"
	"socle/lab"
)

// TestE2EAdopt is a server of whose BMC nobody knows the password: the manifest's is wrong. Somebody switches it on, the
// agent makes an account from inside, and with it the server is inspected and switched off over the network. Beside it
// stands one whose BMC is found because it tells of itself.
func TestE2EAdopt(t *testing.T) {
	spec := Spec(BIOS("lost", 1), UEFI("told", 2)) // the second one stays off: only its BMC matters
	sc := Play(t, spec, ServerOptions{})
	wrong := spec
	wrong.Servers = slices.Clone(spec.Servers)
	wrong.Servers[0].BMC.Password = lab.Password{Secret: secret.New("not-the-one")}
	sc.Import(t, wrong)
	sc.Do(t, "machine", "inspect", "lost")
	sc.Faulty(t, 2*time.Minute, "lost", "bmc-auth", "adopt")
	if out := sc.Do(t, "bmc", "adopt", "lost"); !strings.Contains(out, "the agent makes one") {
		t.Errorf("bmc adopt says %q", out)
	}
	if out := sc.Do(t, "bmc", "scan", "--ssdp", "--mdns", "--interface", sc.Interface()); !strings.Contains(out, spec.Servers[1].BMC.Address.String()) || !strings.Contains(out, "told (by address)") {
		t.Errorf("bmc scan says\n%s", out)
	}
	sc.Power(t, "lost", lab.PowerOn) // a person at the rack
	var m api.Machine
	Until(t, 15*time.Minute, "the BMC of lost has an account of Socle's", func() bool {
		now, err := sc.API.Machine(t.Context(), "lost")
		if err == nil {
			m = now
		}
		return m.BMC != nil && m.BMC.Origin == "socle"
	})
	if m.BMC.User != "socle-a" || m.Fault != nil {
		t.Errorf("its BMC is %+v, its fault %+v", *m.BMC, m.Fault)
	}
	m = sc.Await(t, "lost", 10*time.Minute, "is inspected", func(m api.Machine) bool { return m.State == "ready" })
	server := spec.Servers[0]
	if b := m.Facts.BMC; b == nil || b.Address != server.BMC.Address.String() || !strings.EqualFold(b.MAC, server.BMC.MAC) || b.Source != "static" || b.Channel != 1 {
		t.Errorf("from inside the BMC is %+v", b)
	}
	for _, step := range []struct{ do, says string }{{"power status lost", "on"}, {"power off lost", "off"}, {"power status lost", "off"},
		{"bmc show lost", "ipmi"}, {"bmc list lost", "socle-a, of the socle"}, {"bmc adopt lost", "its login works"}} {
		if out := sc.Do(t, strings.Fields(step.do)...); !strings.Contains(out, step.says) {
			t.Errorf("%s says %q, want %q", step.do, out, step.says)
		}
	}
	if n := strings.Count(sc.Console("lost"), "Done: bmc-account"); n != 1 {
		t.Errorf("the agent made %d accounts, want one", n)
	}
}
