//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

// TestE2EIPv6Only takes servers from power-on by their BMCs to the report of their agents on a network without IPv4:
// router advertisement, DHCPv6, the loader by TFTP or by HTTP boot over IPv6, scripts, kernel and ramdisk by HTTP, the
// report by TLS.
func TestE2EIPv6Only(t *testing.T) {
	pxe, web := UEFI("six1", 1), UEFI("six2", 2)
	web.Boot = "http"
	sc := Play(t, Spec(pxe, web), ServerOptions{IPv6: true, Limits: map[string]string{"boot": "15m"}})
	for _, name := range []string{"six1", "six2"} {
		sc.Do(t, "machine", "inspect", name)
	}
	for name, loader := range map[string]string{"six1": "tftp://[" + server6 + "]/snponly.efi", "six2": sc.Boot + "/boot/files/snponly.efi"} {
		m := sc.ready(t, name)
		if m.FactsAt == nil || !strings.HasPrefix(m.Address, "2001:db8:40:") {
			t.Errorf("%s reported from %q: %+v", name, m.Address, m)
		}
		sc.WantOnePowerOn(t, name)
		evidence, err := sc.API.Evidence(t.Context(), name, 100)
		if err != nil {
			t.Fatal(err)
		}
		var lines strings.Builder
		for _, e := range evidence {
			lines.WriteString(e.Source + " " + e.Asked + " -> " + e.Reply + "\n")
		}
		for _, want := range []string{"url=" + loader, "url=" + sc.Boot + "/boot/start.ipxe", "script ramdisk"} {
			if !strings.Contains(lines.String(), want) {
				t.Errorf("%s: the evidence has no %q:\n%s", name, want, lines.String())
			}
		}
	}
}
