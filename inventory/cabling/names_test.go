package cabling

import (
	"testing"

	"socle/hardware"
)

// TestSamePort has a row for each vendor's way of writing.
func TestSamePort(t *testing.T) {
	for _, tt := range []struct {
		vendor, a, b string
		want         bool
	}{
		{"NX-OS", "Ethernet1/1", "Eth1/1", true},
		{"NX-OS", "eth 1/01", "Ethernet1/1", true},
		{"NX-OS breakout", "Ethernet1/1/2", "Eth1/1/2", true},
		{"NX-OS breakout is another port", "Ethernet1/1/2", "Ethernet1/1", false},
		{"EOS", "Et7", "Ethernet7", true},
		{"EOS", "Et1/1", "Ethernet1/1", true},
		{"EOS", "Ethernet1/1", "Ethernet1/11", false},
		{"IOS", "GigabitEthernet0/1", "Gi0/1", true},
		{"IOS XE", "TenGigabitEthernet1/1/1", "Te1/1/1", true},
		{"IOS XE: two interfaces", "GigabitEthernet1/1/1", "Te1/1/1", false},
		{"IOS XE", "TwentyFiveGigE1/0/1", "Twe1/0/1", true},
		{"IOS XE", "FortyGigabitEthernet1/1/1", "Fo1/1/1", true},
		{"IOS XE", "HundredGigE1/0/49", "Hu1/0/49", true},
		{"IOS, stack", "Gi1/0/7", "Gi2/0/7", false},
		{"Junos: the optic does not matter", "xe-0/0/1", "ge-0/0/1", true},
		{"Junos: nor does the unit", "et-0/0/1.0", "et-0/0/1", true},
		{"Junos", "xe-0/0/1", "xe-0/0/11", false},
		{"Junos channel", "et-0/0/1:0", "et-0/0/1", false},
		{"Junos against others", "et-0/0/1", "Et1", false},
		{"Cumulus", "swp1", "swp01", true},
		{"Cumulus breakout", "swp1s0", "swp1s1", false},
		{"Cumulus", "swp1", "swp10", false},
		{"OS10", "ethernet1/1/1", "Eth 1/1/1", true},
		{"OS10 breakout", "ethernet1/1/1:1", "ethernet1/1/1:2", false},
		{"OS9", "TenGigabitEthernet 0/12", "te0/12", true},
		{"OS9", "fortyGigE 0/48", "fo0/48", true},
		{"Comware", "Ten-GigabitEthernet1/0/1", "XGE1/0/1", true},
		{"Comware", "Twenty-FiveGigE1/0/1", "WGE1/0/1", true},
		{"Comware", "GigabitEthernet1/0/1", "GE1/0/1", true},
		{"VRP", "10GE1/0/1", "XGigabitEthernet1/0/1", true},
		{"VRP", "25GE1/0/1", "25ge1/0/01", true},
		{"VRP", "100GE1/0/1", "10GE1/0/1", false},
		{"ProCurve", "A1", "a1", true},
		{"ProCurve", "A1", "B1", false},
		{"EXOS", "1:1", "1:11", false},
		{"RouterOS", "bridge1/ether2", "ether2", true},
		{"RouterOS", "sfp-sfpplus1", "sfp-sfpplus2", false},
		{"numbers only", "12", "Port 12", true},
		{"numbers only", "1/12", "Ethernet1/12", true},
		{"the only module", "12", "Ethernet1/12", true},
		{"the only switch of a stack", "12", "GigabitEthernet1/0/12", true},
		{"another module", "12", "Ethernet2/12", false},
		{"another number", "2", "Ethernet1/12", false},
		{"management", "mgmt0", "Management0", true},
		{"management is no port", "mgmt1", "Ethernet1", false},
		{"a word", "uplink", "UPLINK", true},
	} {
		if got := SamePort(tt.a, tt.b); got != tt.want {
			t.Errorf("%s: %s and %s: %v", tt.vendor, tt.a, tt.b, got)
		}
		if got := SamePort(tt.b, tt.a); got != tt.want {
			t.Errorf("%s: %s and %s the other way round: %v", tt.vendor, tt.a, tt.b, got)
		}
	}
}

func TestSameSwitch(t *testing.T) {
	for _, tt := range []struct {
		plan, name, chassis string
		want                bool
	}{
		{"leaf-a", "leaf-a", "44:38:39:00:00:01", true},
		{"LEAF-A", "leaf-a.dc1.example.net", "", true},
		{"leaf-a.dc1.example.net.", "Leaf-A", "", true},
		{"leaf-a.dc1", "leaf-a.dc2", "", false},
		{"leaf-a", "leaf-b", "44:38:39:00:00:01", false},
		{"4438.3900.0001", "leaf-a", "44:38:39:00:00:01", true},
		{"44-38-39-00-00-01", "", "44:38:39:00:00:02", false},
		{"leaf-a", "", "leaf-a", true}, // a chassis id of subtype "local"
		{"10.0.0.1", "sw", "10.0.0.1", true},
		{"10.0.0.1", "sw", "10.0.0.2", false},
		{"leaf-a", "leaf-a(FDO1234X)", "", true},
		{"leaf-a", "", "", false},
	} {
		if got := SameSwitch(tt.plan, hardware.Neighbor{SystemName: tt.name, ChassisID: tt.chassis}); got != tt.want {
			t.Errorf("%q and %q, %q: %v", tt.plan, tt.name, tt.chassis, got)
		}
	}
}

// TestHeardPort has the ways in which switches tell their port besides by its name.
func TestHeardPort(t *testing.T) {
	for _, tt := range []struct {
		name, plan, id, desc string
		want                 verdict
	}{
		{"by name", "Ethernet1/7", "Eth1/7", "to hv01", equal},
		{"by another name", "Ethernet1/7", "Eth1/8", "to hv01", different},
		{"Junos: index, and the name as description", "xe-0/0/12", "514", "xe-0/0/12", equal},
		{"Junos: index, and another name", "xe-0/0/12", "514", "xe-0/0/13", different},
		{"Junos: index, and a person's words", "xe-0/0/12", "514", "server rack 3", unclear},
		{"a MAC, and the name as description", "Ethernet1/7", "00:1c:73:00:00:07", "Ethernet7", different},
		{"a MAC, and the name", "Ethernet7", "00:1c:73:00:00:07", "Ethernet7", equal},
		{"a MAC alone", "Ethernet7", "00:1c:73:00:00:07", "", unclear},
		{"SONiC: alias as identifier, name as description", "Ethernet4", "Eth1/2", "Ethernet4", equal},
		{"a number", "12", "12", "", equal},
		{"another number", "12", "13", "", different},
		{"an index, as likely as not", "12", "1012", "", unclear},
		{"a number for a name", "Ethernet1/12", "13", "", unclear},
		{"a description that ends in a number", "Ethernet1/7", "Ethernet1/8", "hv 7", different},
	} {
		if got := heardPort(parsePort(tt.plan), hardware.Neighbor{PortID: tt.id, PortDesc: tt.desc}); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestResolve(t *testing.T) {
	nics := []hardware.NIC{
		{Name: "eth2", MAC: "52:54:00:00:00:03", PCI: "0000:af:00.0"},
		{Name: "eth0", MAC: "52:54:00:00:00:01", PCI: "0000:3b:00.0"},
		{Name: "eth1", MAC: "52:54:00:00:00:02", PCI: "0000:3b:00.1"},
		{Name: "eth3", MAC: "52:54:00:00:00:04", PCI: "0001:01:00.0"},
		{Name: "usb0", MAC: "52:54:00:00:00:05"},
	}
	for port, want := range map[string]string{
		"eth2": "eth2", "ETH0": "eth0", "52-54-00-00-00-02": "eth1", "0000:3b:00.1": "eth1", "3b:00.1": "eth1", "PCI 3B:00.0": "eth0",
		"enp59s0f1": "eth1", "enp59s0f0np0": "eth0", "enp175s0": "eth2", "enP1p1s0": "eth3",
		"1": "eth0", "port 2": "eth1", "NIC 3": "eth2", "p4": "eth3", "5": "usb0", "6": "", "0": "",
		"nic1.2": "eth1", "NIC2/1": "eth2", "slot 3 port 1": "eth3", "nic1.3": "", "nic5.1": "",
		"eno1": "", "52:54:00:00:00:99": "", "00:1f.6": "", "": "", "BMC": "",
	} {
		got := ""
		if i := Resolve(port, nics); i >= 0 {
			got = nics[i].Name
		}
		if got != want {
			t.Errorf("port %q is %q, not %q", port, got, want)
		}
	}
	if !IsController(" iDRAC ") || IsController("1") {
		t.Error("controllers are not told from ports")
	}
}
