//go:build e2e

package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socle/api"
)

// TestE2EBootMedium boots servers on which nothing can be booted from the network, and in whose network nobody speaks
// DHCP: from a medium with a static address, made by the command that people use. One medium in the other server is
// refused. Then the medium is the way by which they are inspected.
func TestE2EBootMedium(t *testing.T) {
	bios, uefi := BIOS("cd1", 1), UEFI("cd2", 2)
	medium := func(name string) string { return filepath.Join(t.TempDir(), name+".iso") }
	bios.Medium, uefi.Medium = medium("cd1"), medium("cd2")
	sc := Play(t, Spec(bios, uefi), ServerOptions{Services: []string{"api", "workers"}})
	for name, at := range map[string]struct{ file, addr string }{"cd1": {bios.Medium, ".51/24"}, "cd2": {uefi.Medium, ".52/24"}} {
		host := sc.HostAddr().String()
		out := sc.Do(t, "image", "build", "iso", "--machine", name, "--address", host[:strings.LastIndexByte(host, '.')]+at.addr, "--out", at.file)
		if !strings.Contains(out, name) {
			t.Errorf("the command prints no line about %s:\n%s", name, out)
		}
	}
	for _, name := range []string{"cd1", "cd2"} {
		sc.Do(t, "machine", "inspect", name)
	}
	for name, addr := range map[string]string{"cd1": ".51", "cd2": ".52"} {
		m := sc.Await(t, name, 10*time.Minute, "is inspected", func(m api.Machine) bool { return m.State == "ready" })
		if !strings.HasSuffix(m.Address, addr) || m.FactsAt == nil {
			t.Errorf("%s came from %q, want %s: %+v", name, m.Address, addr, m)
		}
		sc.WantOnePowerOn(t, name)
	}
}
