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
	sent := sc.Capture(t)
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
	wantDecoded(t, sent)
}

// wantDecoded has tshark read every packet of a boot over IPv6: none is malformed, and it objects to none that is about
// addresses, routers or TFTP. Of TCP it may note what a busy host does to it.
func wantDecoded(t *testing.T, sent *Capture) {
	t.Helper()
	for _, bad := range []string{`_ws.malformed || _ws.expert.severity >= "Error"`, `(dhcpv6 || icmpv6 || tftp) && _ws.expert.severity >= "Warning"`} {
		if lines := sent.Read(t, bad); lines[0] != "" {
			t.Errorf("tshark objects to %d packets:\n%s", len(lines), strings.Join(lines[:min(len(lines), 20)], "\n"))
		}
	}
	for name, filter := range map[string]string{
		"router advertisement, addresses by DHCPv6": `icmpv6.type == 134 && icmpv6.nd.ra.flag.m == 1 && icmpv6.opt.prefix`,
		"ADVERTISE with a URL":                      `dhcpv6.msgtype == 2 && dhcpv6.option.type == 59 && frame contains "snponly.efi"`,
		"REPLY with a URL":                          `dhcpv6.msgtype == 7 && dhcpv6.option.type == 59 && frame contains "snponly.efi"`,
		"REPLY to iPXE":                             `dhcpv6.msgtype == 7 && dhcpv6.option.type == 59 && frame contains "start.ipxe"`,
		"TFTP read request":                         `tftp.opcode == 1 && ipv6`,
		"HTTP request":                              `http.request.uri contains "script.ipxe" && ipv6`,
		"agent":                                     `tcp.dstport == ` + apiPort + ` && ipv6 && tcp.len > 0`,
	} {
		if lines := sent.Read(t, filter); lines[0] == "" {
			t.Errorf("tshark sees no %s (%s)", name, filter)
		}
	}
	wantNoIPv4(t, sent)
}

// wantNoIPv4 leaves out the firmware's own search for DHCP, and the BMCs, which are on a network of their own.
func wantNoIPv4(t *testing.T, sent *Capture) {
	t.Helper()
	if lines := sent.Read(t, "ip && !dhcp && !(ip.addr == "+Spec().Management.String()+")"); lines[0] != "" {
		t.Errorf("%d packets of IPv4, as this one:\n%s", len(lines), lines[0])
	}
}
