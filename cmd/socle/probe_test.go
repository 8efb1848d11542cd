package main

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"socle/dhcp/probe"
)

func TestPrintProbe(t *testing.T) {
	r := probe.Report{Iface: "prov0", Servers: []probe.Server{{MAC: "52:54:00:00:00:66", IP: netip.MustParseAddr("198.18.0.66"), Kinds: []probe.Kind{probe.Proxy, probe.Boot},
		Offers: []string{"OFFER to a BIOS PXE: boot file x", "ACK to a BIOS PXE: boot file y"}}},
		Answers: []probe.Answer{{Client: "BIOS PXE", Message: "OFFER", MAC: "52:54:00:00:00:66", IP: netip.MustParseAddr("198.18.0.66"), Port: 67, Decoded: "DHCPv4 Message\n  opcode: 2",
			Packet: strings.Repeat("ab", 40)}}}
	for _, tc := range []struct {
		format  string
		report  probe.Report
		packets bool
		want    []string
	}{
		{"table", r, true, []string{"198.18.0.66", "52:54:00:00:00:66", "proxy+boot", "boot file y", "OFFER from 198.18.0.66", "    opcode: 2", "  0000  abab", "  0020  abababababababab\n"}},
		{"table", probe.Report{Iface: "prov0"}, true, []string{"Nobody answers DHCP on prov0"}},
		{"json", r, false, []string{`"ip": "198.18.0.66"`, `"packet": "abab`}},
		{"yaml", r, false, []string{"boot_file", "interface: prov0"}[1:]},
	} {
		var b bytes.Buffer
		if err := printProbe(&b, &output{format: tc.format}, tc.report, tc.packets); err != nil {
			t.Fatal(err)
		}
		for _, w := range tc.want {
			if !strings.Contains(b.String(), w) {
				t.Errorf("%s has no %q:\n%s", tc.format, w, b.String())
			}
		}
	}
	if got := exitCode(foreignError{[]string{"x"}}); got != exitForeign {
		t.Errorf("exit code %d", got)
	}
}
