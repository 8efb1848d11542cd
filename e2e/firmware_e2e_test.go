//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"socle/api"
)

// TestE2EHTTPBoot brings a server from power-on by its BMC to its agent's report whose firmware fetches by HTTP only.
func TestE2EHTTPBoot(t *testing.T) {
	web := UEFI("web1", 1)
	web.Boot = "http"
	sc := Play(t, Spec(web), ServerOptions{})
	sc.inspect(t, "web1")
	sc.wantAsked(t, "web1", "http", "snponly.efi")
	sc.wantNotAsked(t, "web1", "tftp", "")
	sc.WantOnePowerOn(t, "web1")
}

// TestE2EHTTPSBoot does the same over TLS: the firmware trusts Socle's authority for it and fetches one program, and
// nothing of the boot is in clear.
func TestE2EHTTPSBoot(t *testing.T) {
	web := UEFI("tls1", 1)
	web.Boot = "https"
	sc := Play(t, Spec(web), ServerOptions{HTTPS: true})
	sc.inspect(t, "tls1")
	sc.wantAsked(t, "tls1", "http", "machine.efi")
	for _, file := range []string{"snponly.efi", "start script", "vmlinuz", "initrd"} {
		sc.wantNotAsked(t, "tls1", "http", file)
	}
	sc.wantNotAsked(t, "tls1", "tftp", "")
	sc.WantOnePowerOn(t, "tls1")
}

// TestE2ESecureBoot does the same with a server that enforces Secure Boot. Its firmware refuses iPXE, which nobody
// that it trusts has signed, and Socle says so; then it is given what Debian signed. The next boot begins with that.
func TestE2ESecureBoot(t *testing.T) {
	locked := UEFI("lock1", 1)
	locked.SecureBoot = true
	locked.Boot = "pxe4" // what follows the refusal, by which Socle knows it, is then HTTP boot, and comes at once
	sc := Play(t, Spec(locked), ServerOptions{Tries: 1, Limits: map[string]string{"loader": "45s"}})
	sc.Do(t, "machine", "inspect", "lock1")
	Until(t, 5*time.Minute, "socle says that the firmware refused its loader", func() bool {
		w, err := sc.API.Why(t.Context(), "lock1")
		return err == nil && w.Verdict.ID == "secure-boot"
	})
	if out, _ := sc.CLI(t, "why", "lock1"); !strings.Contains(out, "Secure Boot") {
		t.Errorf("socle why does not speak of Secure Boot:\n%s", out)
	}
	sc.ready(t, "lock1")
	for _, file := range []string{"snponly.efi", "ipxe.efi", "shimx64.efi", "grubx64.efi", "ramdisk/vmlinuz", "ramdisk/initrd"} {
		sc.wantAsked(t, "lock1", "tftp", file)
	}
	sc.wantNotAsked(t, "lock1", "http", "start.ipxe")
	m, err := sc.API.Machine(t.Context(), "lock1")
	if err != nil || m.Facts == nil || !m.Facts.Firmware.SecureBoot {
		t.Errorf("its agent does not report Secure Boot: %+v (%v)", m.Facts, err)
	}

	refused := len(sc.PowerActions(t, "lock1"))
	sc.Do(t, "machine", "inspect", "lock1")
	Until(t, 10*time.Minute, "lock1 boots again, at once by the way that led to its agent", func() bool {
		now, err := sc.API.Machine(t.Context(), "lock1")
		return err == nil && now.State == "ready" && now.FactsAt.After(*m.FactsAt)
	})
	if n := len(sc.PowerActions(t, "lock1")) - refused; n > 2 {
		t.Errorf("%d power actions for the second inspection, an off and an on are enough", n)
	}
}

// inspect orders an inspection and waits for its end.
func (sc *Scene) inspect(t testing.TB, name string) api.Machine {
	t.Helper()
	sc.Do(t, "machine", "inspect", name)
	return sc.ready(t, name)
}

func (sc *Scene) ready(t testing.TB, name string) api.Machine {
	t.Helper()
	return sc.Await(t, name, 15*time.Minute, "is inspected", func(m api.Machine) bool { return m.State == "ready" })
}

// asked finds the boot evidence of a source about a file.
func (sc *Scene) asked(t testing.TB, name, source, file string) bool {
	t.Helper()
	lines, err := sc.API.Evidence(t.Context(), name, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(lines, func(e api.Evidence) bool { return e.Source == source && strings.Contains(e.Asked, file) })
}

func (sc *Scene) wantAsked(t testing.TB, name, source, file string) {
	t.Helper()
	if !sc.asked(t, name, source, file) {
		t.Errorf("%s never asked for %s by %s", name, file, source)
	}
}

func (sc *Scene) wantNotAsked(t testing.TB, name, source, file string) {
	t.Helper()
	if sc.asked(t, name, source, file) {
		t.Errorf("%s asked for %q by %s", name, file, source)
	}
}
