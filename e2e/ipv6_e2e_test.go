//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"

	"socle/api"
)

// TestE2EIPv6Only takes a server from power-on by its BMC to the report of its agent on a network without IPv4: router
// advertisement, DHCPv6, the loader by TFTP over IPv6, scripts, kernel and ramdisk by HTTP, the report by TLS.
func TestE2EIPv6Only(t *testing.T) {
	sc := Play(t, Spec(UEFI("six1", 1)), ServerOptions{IPv6: true, Limits: map[string]string{"boot": "15m"}})
	began := time.Now()
	sc.Do(t, "machine", "inspect", "six1")
	m := sc.Await(t, "six1", 15*time.Minute, "is inspected", func(m api.Machine) bool { return m.State == "ready" })
	t.Logf("from the order to the report: %s", time.Since(began).Round(time.Second))
	if m.FactsAt == nil || !strings.HasPrefix(m.Address, "2001:db8:40:") {
		t.Errorf("it reported from %q: %+v", m.Address, m)
	}
	sc.WantOnePowerOn(t, "six1")
	evidence, err := sc.API.Evidence(t.Context(), "six1", 100)
	if err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for _, e := range evidence {
		lines.WriteString(e.Source + " " + e.Asked + " -> " + e.Reply + "\n")
	}
	t.Logf("evidence:\n%s", lines.String())
	for _, want := range []string{"url=tftp://[" + server6 + "]/snponly.efi", "url=" + sc.Boot + "/boot/start.ipxe", "script ramdisk"} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("the evidence has no %q", want)
		}
	}
}
