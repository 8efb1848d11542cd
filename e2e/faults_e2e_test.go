//go:build e2e

package e2e

import (
	"testing"
	"time"

	"socle/api"
	"socle/internal/secret"
	"socle/lab"
)

// TestE2EServersThatCannot is a rack in which nearly everything is wrong, each server in its own way. Each gets a
// fault that says what it is and what to do, and the one sound server goes to work.
func TestE2EServersThatCannot(t *testing.T) {
	small := func(s lab.Server, product string) lab.Server {
		s.Product, s.Disks[0].SizeMiB = product, 512 // the image has 841 MiB
		return s
	}
	spec := Spec(
		BIOS("sound", 1), BIOS("nocable", 2), small(BIOS("nodisk", 3), "Tiny"), small(UEFI("toobig", 4), "Small"),
		BIOS("auth-ipmi", 5), UEFI("auth-rf", 6), BIOS("mute-ipmi", 7), UEFI("mute-rf", 8),
	)
	planned := spec
	planned.Servers = append([]lab.Server(nil), spec.Servers...)
	for _, i := range []int{4, 5} {
		planned.Servers[i].BMC.Password = lab.Password{Secret: secret.New("mistyped")}
	}
	const gib = 1 << 30
	roles := append(Roles()[:1],
		map[string]any{"name": "tiny", "image": Image, "verify": "none", "priority": 30, "match": map[string]any{"product": "Tiny"}, "system_disk": map[string]any{"min_bytes": 2 * gib}},
		map[string]any{"name": "small", "image": Image, "verify": "none", "priority": 30, "match": map[string]any{"product": "Small"}})
	sc := Play(t, spec, ServerOptions{Roles: roles, Limits: map[string]string{"boot": "15m"}})
	sc.Import(t, planned)
	sc.Fault(t, "nocable", lab.NoLink, true)
	sc.Fault(t, "mute-ipmi", lab.BMCSilent, true)
	sc.Fault(t, "mute-rf", lab.BMCSilent, true)
	sc.Do(t, "buildout")

	for _, name := range []string{"auth-ipmi", "auth-rf"} {
		m := sc.Faulty(t, 5*time.Minute, name, "bmc-auth", "password", "manifest", "lock")
		if m.Fault.RetryAt != nil {
			t.Errorf("%s: a wrong password is tried again at %s", name, m.Fault.RetryAt)
		}
	}
	for _, name := range []string{"mute-ipmi", "mute-rf"} {
		m := sc.Faulty(t, 5*time.Minute, name, "bmc-unreachable", "cable", "198.18.41.")
		if m.Fault.RetryAt == nil {
			t.Errorf("%s: a BMC that may come back is not tried again", name)
		}
	}
	sc.Faulty(t, 12*time.Minute, "nodisk", "no-disk", "at least 2.0 GiB", "seated")
	sc.Faulty(t, 12*time.Minute, "toobig", "image-too-big", "TOOBIG-SYS", "larger")
	sc.Active(t, 16*time.Minute, "sound")
	sc.Await(t, "nocable", time.Minute, "is on, with the network as next boot", func(m api.Machine) bool { return m.Power == "on" && m.Fault == nil })
	sc.Limit(t, map[string]string{"boot": "5s"}) // it has had its time
	sc.Faulty(t, 2*time.Minute, "nocable", "no-network-boot", "cable", "no agent")
	sc.Limit(t, map[string]string{"boot": "15m"}) // what is repaired shall have it too
	for _, name := range []string{"nodisk", "toobig"} {
		if !sc.Untouched(t, name, 0) {
			t.Errorf("%s: something was written to its disk", name)
		}
	}
	for _, name := range []string{"auth-ipmi", "auth-rf", "mute-ipmi", "mute-rf"} {
		if got := sc.PowerActions(t, name); len(got) > 0 {
			t.Errorf("the BMC of %s was asked for %v", name, got)
		}
	}
	repair(t, sc, spec)
}

// repair does what the faults said, and wants the servers on their way.
func repair(t *testing.T, sc *Scene, spec lab.Spec) {
	t.Helper()
	for _, name := range []string{"sound", "nocable", "nodisk", "toobig"} {
		sc.Power(t, name, lab.PowerOff) // two processors are not many
	}
	sc.Import(t, spec)
	sc.Do(t, "machine", "release", "auth-ipmi", "auth-rf")
	sc.Fault(t, "mute-ipmi", lab.BMCSilent, false)
	sc.Fault(t, "mute-rf", lab.BMCSilent, false)
	for _, name := range []string{"auth-ipmi", "auth-rf", "mute-ipmi", "mute-rf"} {
		sc.Await(t, name, 10*time.Minute, "is switched on", func(m api.Machine) bool {
			return m.State != "expected" && m.State != "discovered" && m.Power == "on" && m.Fault == nil
		})
		sc.Do(t, "machine", "hold", name, "--reason", "it was seen to go on")
		sc.Power(t, name, lab.PowerOff)
	}
}
