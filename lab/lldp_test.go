package lab

import (
	"encoding/hex"
	"net"
	"strings"
	"testing"
)

func TestLLDPFrame(t *testing.T) {
	a := announcement{
		Chassis: net.HardwareAddr{0x52, 0x54, 0, 1, 2, 3}, PortID: "swp1", PortDesc: "to hv01", System: "leaf-a", TTL: 20,
	}
	want := "0180c200000e" + "525400010203" + "88cc" + // destination, source, type
		"0207" + "04525400010203" + // chassis id: MAC address
		"0405" + "0573777031" + // port id: interface name "swp1"
		"0602" + "0014" + // time to live 20 s
		"0807" + "746f2068763031" + // port description "to hv01"
		"0a06" + "6c6561662d61" + // system name "leaf-a"
		"0000"
	got := hex.EncodeToString(a.frame())
	if strings.TrimRight(got, "0") != strings.TrimRight(want, "0") || len(got) < 120 {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	a.PortDesc = strings.Repeat("x", 600)
	if f := a.frame(); f[34] != 0x09 || f[35] != 0xff {
		t.Errorf("a value over 511 bytes is not cut: element header % x", f[34:36])
	}
}

func TestMACsAreStableAndDistinct(t *testing.T) {
	if MAC("hv01", 0) != "52:54:00:e2:4a:00" {
		t.Errorf("the address of hv01 became %s: racks would be other machines than before", MAC("hv01", 0))
	}
	if MAC("hv01", 0) == MAC("hv01", 1) || MAC("hv01", 0) == MAC("hv02", 0) {
		t.Error("two cards have one address")
	}
}
