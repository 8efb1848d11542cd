package cabling

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/hardware"
	"socle/inventory"
)

// rack is a rack as it is planned, whose cables a test moves: four servers with two ports each, one at leaf-a and one at
// leaf-b, in the port of the server's number.
type rack struct {
	plan     []Cable
	machines []inventory.Machine
}

func newRack() *rack {
	r := &rack{}
	for s := 1; s <= 4; s++ {
		name := fmt.Sprintf("hv0%d", s)
		m := inventory.Machine{ID: "id-" + name, Name: name, Identity: inventory.Identity{Serial: "SN" + name}, Facts: &hardware.Facts{}}
		for p, leaf := range []string{"leaf-a", "leaf-b"} {
			r.plan = append(r.plan, Cable{Server: name, Port: fmt.Sprint(p + 1), Switch: leaf, SwitchPort: fmt.Sprintf("Ethernet1/%d", s), Group: "bond0"})
			m.Facts.NICs = append(m.Facts.NICs, hardware.NIC{Name: fmt.Sprintf("eth%d", p), MAC: fmt.Sprintf("52:54:00:00:0%d:0%d", s, p), PCI: fmt.Sprintf("0000:3b:00.%d", p)})
		}
		m.Facts.NICs = append(m.Facts.NICs, hardware.NIC{Name: "eth2", MAC: fmt.Sprintf("52:54:00:00:0%d:02", s), PCI: "0000:3b:00.2"})
		r.machines = append(r.machines, m)
	}
	for i, c := range r.plan {
		r.plug(i/2+1, i%2, c.Switch, "Eth"+strings.TrimPrefix(c.SwitchPort, "Ethernet"))
	}
	return r
}

func (r *rack) nic(server, nic int) *hardware.NIC { return &r.machines[server-1].Facts.NICs[nic] }

// plug puts a server's port into a switch's.
func (r *rack) plug(server, nic int, leaf, port string) {
	n := r.nic(server, nic)
	n.Link, n.Listened = true, 60
	n.LLDP = []hardware.Neighbor{{ChassisID: "44:38:39:00:00:" + fmt.Sprintf("%02x", leaf[len(leaf)-1]), PortID: port, PortDesc: "server", SystemName: leaf + ".dc1.example.net"}}
}

// manages puts a server's controller into a port of the switch for them.
func (r *rack) manages(server int, port string) {
	r.machines[server-1].BMC.Heard = []inventory.Uplink{{ChassisID: "44:38:39:00:00:99", PortID: port, SystemName: "mgmt"}}
}

func (r *rack) pull(server, nic int) {
	n := r.nic(server, nic)
	n.Link, n.LLDP = false, nil
}

// told are the findings in short: "machine kind subject: reason | remedy".
func told(rep Report) (all []string) {
	for id, list := range rep.Findings() {
		for _, f := range list {
			minor := ""
			if f.Minor {
				minor = " (minor)"
			}
			all = append(all, fmt.Sprintf("%s %s%s %s: %s | %s", strings.TrimPrefix(id, "id-"), f.Kind, minor, f.Subject, f.Reason, f.Remedy))
		}
	}
	slices.Sort(all)
	return all
}

func TestCompare(t *testing.T) {
	const (
		swap   = "hv01 port 2 and hv02 port 2 are swapped at leaf-b | At leaf-b, exchange the plugs of Ethernet1/1 and Ethernet1/2."
		own    = "hv01 port 1 and port 2 are swapped | At hv01, exchange the plugs of port 1 and port 2."
		across = "hv01 port 1 and hv02 port 2 are swapped between leaf-a and leaf-b | At the servers, exchange the plugs of hv01 port 1 and hv02 port 2; or, at the switches, exchange the plugs of leaf-a Ethernet1/1 and leaf-b Ethernet1/2."
		turned = "hv01 port 1, hv02 port 1 and hv03 port 1 are rotated at leaf-a | At leaf-a, move the plug in Ethernet1/2 to Ethernet1/1, move the plug in Ethernet1/3 to Ethernet1/2 and move the plug in Ethernet1/1 to Ethernet1/3."
		whole  = "hv01 port 1, hv02 port 1, hv01 port 2 and hv02 port 2 are swapped between leaf-a and leaf-b | All cables of the two are concerned, so look first whether the servers stand in each other's place (serial SNhv01 is to be hv01, and SNhv02 is to be hv02); else, at the servers, exchange the plugs of hv01 port 1 and hv02 port 1 and exchange the plugs of hv01 port 2 and hv02 port 2; or, at the switches, exchange the plugs of leaf-a Ethernet1/1 and leaf-a Ethernet1/2 and exchange the plugs of leaf-b Ethernet1/1 and leaf-b Ethernet1/2."
		spare  = "the cable of hv01 port 2 is in hv01 port eth2, where the plan has nothing | At hv01, move the plug from port eth2 to port 2."
		other  = "the cable of hv01 port 2 is in hv02 port eth2, where the plan has nothing | Move the plug from hv02 port eth2 to hv01 port 2."
	)
	for _, tt := range []struct {
		name string
		do   func(r *rack)
		want []string
	}{
		{"right", func(*rack) {}, nil},
		{"two servers at one switch", func(r *rack) { r.plug(1, 1, "leaf-b", "Eth1/2"); r.plug(2, 1, "leaf-b", "Eth1/1") },
			[]string{"hv01 swapped port 2: " + swap, "hv02 swapped port 2: " + swap}},
		{"two ports of one server", func(r *rack) { r.plug(1, 0, "leaf-b", "Eth1/1"); r.plug(1, 1, "leaf-a", "Eth1/1") },
			[]string{"hv01 swapped port 1 and port 2: " + own}},
		{"two servers across switches", func(r *rack) { r.plug(1, 0, "leaf-b", "Eth1/2"); r.plug(2, 1, "leaf-a", "Eth1/1") },
			[]string{"hv01 swapped port 1: " + across, "hv02 swapped port 2: " + across}},
		{"three in a ring", func(r *rack) {
			r.plug(1, 0, "leaf-a", "Eth1/2")
			r.plug(2, 0, "leaf-a", "Eth1/3")
			r.plug(3, 0, "leaf-a", "Eth1/1")
		},
			[]string{"hv01 swapped port 1: " + turned, "hv02 swapped port 1: " + turned, "hv03 swapped port 1: " + turned}},
		{"two servers in each other's place", func(r *rack) {
			r.plug(1, 0, "leaf-a", "Eth1/2")
			r.plug(2, 0, "leaf-a", "Eth1/1")
			r.plug(1, 1, "leaf-b", "Eth1/2")
			r.plug(2, 1, "leaf-b", "Eth1/1")
		}, []string{"hv01 swapped port 1 and port 2: " + whole, "hv02 swapped port 1 and port 2: " + whole}},
		{"another port", func(r *rack) { r.plug(1, 0, "leaf-a", "Eth1/40") },
			[]string{"hv01 wrong-cable port 1: hv01 port 1 is at leaf-a.dc1.example.net Eth1/40 instead of leaf-a Ethernet1/1 | At the switch, move the cable of hv01 port 1 from leaf-a.dc1.example.net Eth1/40 to leaf-a Ethernet1/1."}},
		{"another switch", func(r *rack) { r.plug(1, 1, "leaf-a", "Eth1/40") },
			[]string{"hv01 wrong-cable port 2: hv01 port 2 is at leaf-a.dc1.example.net Eth1/40 instead of leaf-b Ethernet1/1 | At the switch, move the cable of hv01 port 2 from leaf-a.dc1.example.net Eth1/40 to leaf-b Ethernet1/1."}},
		{"half of a swap", func(r *rack) { r.plug(1, 1, "leaf-b", "Eth1/2"); r.machines[1].Facts = nil },
			[]string{"hv01 wrong-cable port 2: hv01 port 2 is at leaf-b.dc1.example.net Eth1/2 instead of leaf-b Ethernet1/1 | At the switch, move the cable of hv01 port 2 from leaf-b.dc1.example.net Eth1/2 to leaf-b Ethernet1/1. It is in the place of hv02 port 2, of which nothing was heard yet: perhaps the two are swapped."}},
		{"no link", func(r *rack) { r.pull(3, 0); r.plan[4].Colour, r.plan[4].Label = "blue", "C-17" },
			[]string{"hv03 no-link port 1: hv03 port 1 has no link; its cable is to go to leaf-a Ethernet1/3 | Look whether the cable (blue, label C-17) is plugged in at both ends, whether the optics fit, and whether the port of leaf-a is enabled."}},
		{"in a spare port of the server", func(r *rack) { r.pull(1, 1); r.plug(1, 2, "leaf-b", "Eth1/1") }, []string{"hv01 wrong-cable port 2 and port eth2: " + spare}},
		{"in a spare port of another", func(r *rack) { r.pull(1, 1); r.plug(2, 2, "leaf-b", "Eth1/1") },
			[]string{"hv01 wrong-cable port 2: " + other, "hv02 wrong-cable port eth2: " + other}},
		{"one more cable", func(r *rack) { r.plug(1, 2, "leaf-b", "Eth1/30") },
			[]string{"hv01 extra (minor) port eth2: hv01 port eth2 is at leaf-b.dc1.example.net Eth1/30, and the plan has nothing there | Pull the cable, or add it to the plan."}},
		{"silence", func(r *rack) { r.nic(1, 0).LLDP = nil },
			[]string{"hv01 unknown (minor) port 1: hv01 port 1 has a link, and no switch is heard on it; leaf-a Ethernet1/1 is planned | Switch on LLDP at leaf-a Ethernet1/1, or look whether the network card keeps LLDP to itself."}},
		{"silence so far", func(r *rack) { r.nic(1, 0).LLDP, r.nic(1, 0).Listened = nil, 12 }, nil},
		{"a switch that tells MACs only", func(r *rack) { r.nic(1, 0).LLDP[0].PortID = "44:38:39:00:00:11" },
			[]string{`hv01 unknown (minor) port 1: hv01 port 1 is at leaf-a.dc1.example.net, which calls its port "44:38:39:00:00:11": whether that is Ethernet1/1 cannot be told | Have the switch send the names of its interfaces by LLDP, or write the port into the plan as it calls it.`}},
		{"a chassis that tells its name on another port", func(r *rack) { r.nic(1, 0).LLDP[0].SystemName = "" }, nil},
		{"a hub", func(r *rack) {
			r.nic(1, 0).LLDP = append([]hardware.Neighbor{{ChassisID: "52:54:00:00:02:00", PortID: "eth0", SystemName: "hv02"}}, r.nic(1, 0).LLDP...)
		}, nil},
		{"a switch by another name", func(r *rack) {
			for s := 1; s <= 4; s++ {
				r.nic(s, 1).LLDP[0].SystemName = "sw0815"
			}
			r.machines = r.machines[:1]
		}, []string{"hv01 unknown (minor) port 2: hv01 port 2 hears sw0815 Eth1/1, which is in no plan, and leaf-b was heard nowhere: they may be one switch | Write the switch's own name, sw0815, or its chassis address, 44:38:39:00:00:62, into the plan, or give the switch the name leaf-b."}},
		{"two names of one switch", func(r *rack) {
			for s := 1; s <= 4; s++ {
				r.nic(s, 1).LLDP[0].ChassisID = r.nic(s, 0).LLDP[0].ChassisID
			}
			r.machines = r.machines[:1]
		}, []string{"hv01 one-switch group bond0: all links of hv01's group bond0 end at one switch: leaf-a and leaf-b have one chassis, 44:38:39:00:00:61 | Look whether the two switches of the plan are one device or a stack; if so, the links are not redundant."}},
		{"a plan with one leg", func(r *rack) {
			r.plan[1].Switch, r.plan[1].SwitchPort = "leaf-a", "Ethernet1/9"
			r.plug(1, 1, "leaf-a", "Eth1/9")
		},
			[]string{"hv01 one-switch group bond0: the plan has all links of hv01's group bond0 at one switch, leaf-a | Plan one of them at another switch, or take the group out of the plan."}},
		{"a port that is not there", func(r *rack) { r.plan[1].Port = "eno5"; r.pull(1, 1) },
			[]string{"hv01 unknown (minor) port eno5: hv01 port eno5 is in the plan, and the server has no such port; it has eth0 (52:54:00:00:01:00), eth1 (52:54:00:00:01:01) and eth2 (52:54:00:00:01:02) | Name the port in the plan by its number, MAC address or PCI address."}},
		{"one port twice", func(r *rack) { r.plan[1].Port = "eth0"; r.pull(1, 1) },
			[]string{"hv01 unknown (minor) port eth0: the plan says 1 and eth0, which are one port of hv01 | Name the port in the plan by its number, MAC address or PCI address."}},
		{"the controller's port", func(r *rack) {
			r.plan = append(r.plan, Cable{Server: "hv01", Port: "BMC", Switch: "mgmt", SwitchPort: "1"})
		}, nil},
		{"the controller's port, which it tells of", func(r *rack) {
			r.plan = append(r.plan, Cable{Server: "hv01", Port: "BMC", Switch: "mgmt", SwitchPort: "1"})
			r.manages(1, "1")
		}, nil},
		{"two controllers' ports, one of a server that never booted", func(r *rack) {
			r.plan = append(r.plan[2:], Cable{Server: "hv01", Port: "iLO", Switch: "mgmt", SwitchPort: "1"}, Cable{Server: "hv02", Port: "BMC", Switch: "mgmt", SwitchPort: "2"})
			r.machines[0].Facts = nil
			r.manages(1, "2")
			r.manages(2, "1")
		}, []string{
			"hv01 swapped port iLO: hv01 port iLO and hv02 port BMC are swapped at mgmt | At mgmt, exchange the plugs of 1 and 2.",
			"hv02 swapped port BMC: hv01 port iLO and hv02 port BMC are swapped at mgmt | At mgmt, exchange the plugs of 1 and 2.",
		}},
		{"a server that nobody knows", func(r *rack) {
			r.plan = append(r.plan, Cable{Server: "hv99", Port: "1", Switch: "leaf-a", SwitchPort: "50"})
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRack()
			tt.do(r)
			rep := Compare(r.plan, r.machines)
			if diff := cmp.Diff(tt.want, told(rep)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if tt.want != nil {
				return
			}
			for _, p := range rep.Ports {
				if p.State.Bad() {
					t.Errorf("%s is %s", p.Words(), p.State)
				}
			}
		})
	}
}

// TestCompareWhoIsLookedAt: a machine without facts, or without a plan, is not looked at; one that is right is.
// TestStanding: two servers in each other's places have each other's cables, whatever else is wrong elsewhere.
func TestStanding(t *testing.T) {
	r := newRack()
	r.plug(1, 0, "leaf-a", "Eth1/2")
	r.plug(1, 1, "leaf-b", "Eth1/2")
	r.plug(2, 0, "leaf-a", "Eth1/1")
	r.plug(2, 1, "leaf-b", "Eth1/1")
	r.plug(3, 1, "leaf-b", "Eth1/4") // one cable of two
	r.plug(4, 1, "leaf-b", "Eth1/3")
	want := map[string]string{"hv01": "hv02", "hv02": "hv01"}
	if d := cmp.Diff(want, Compare(r.plan, r.machines).Standing()); d != "" {
		t.Error(d)
	}
	r = newRack()
	r.pull(2, 0)
	if d := cmp.Diff(map[string]string{"hv01": "hv01", "hv03": "hv03", "hv04": "hv04"}, Compare(r.plan, r.machines).Standing()); d != "" {
		t.Error(d)
	}
}

func TestCompareWhoIsLookedAt(t *testing.T) {
	r := newRack()
	r.machines[1].Facts = nil
	r.plan = append(r.plan[:6], Cable{Server: "hv99", Port: "1", Switch: "leaf-a", SwitchPort: "50"}, Cable{Server: "hv99", Port: "2", Switch: "leaf-a", SwitchPort: "51"})
	rep := Compare(r.plan, r.machines)
	if diff := cmp.Diff(map[string][]inventory.Finding{"id-hv01": {}, "id-hv03": {}}, rep.Findings()); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"hv99"}, rep.Unknown); diff != "" {
		t.Errorf("unknown (-want +got):\n%s", diff)
	}
	if got := [3]int{rep.Count(Right), rep.Count(Unseen), len(rep.Ports)}; got != [3]int{4, 4, 8} {
		t.Errorf("right, unseen and all are %v", got)
	}
}

// BenchmarkCompare is a fleet of 2,000 servers with four cables each, a tenth of them swapped with the next.
func BenchmarkCompare(b *testing.B) {
	var plan []Cable
	var machines []inventory.Machine
	for s := range 2000 {
		name := fmt.Sprintf("r%02du%02d", s/40+1, s%40+1)
		m := inventory.Machine{ID: name, Name: name, Facts: &hardware.Facts{}}
		for p := range 4 {
			leaf, at := fmt.Sprintf("leaf-%02d%c", s/40+1, 'a'+p%2), s%40*2+p/2+1
			plan = append(plan, Cable{Server: name, Port: fmt.Sprint(p + 1), Switch: leaf, SwitchPort: fmt.Sprintf("Ethernet1/%d", at), Group: "bond0"})
			if s%20 < 2 && p == 1 {
				at = (s%40^1)*2 + 1
			}
			m.Facts.NICs = append(m.Facts.NICs, hardware.NIC{Name: fmt.Sprintf("eth%d", p), PCI: fmt.Sprintf("0000:3b:00.%d", p), Link: true,
				LLDP: []hardware.Neighbor{{ChassisID: leaf, SystemName: leaf, PortID: fmt.Sprintf("Eth1/%d", at)}}})
		}
		machines = append(machines, m)
	}
	var rep Report
	for b.Loop() {
		rep = Compare(plan, machines)
		rep.Findings()
	}
	if rep.Count(Swapped) != 200 || rep.Count(Right) != 7800 {
		b.Fatalf("%d are swapped, %d right", rep.Count(Swapped), rep.Count(Right))
	}
}
