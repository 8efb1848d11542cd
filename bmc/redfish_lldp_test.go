package bmc

import (
	"encoding/json"
	"testing"
	"unicode"

	"socle/inventory"
)

// TestNeighborOf reads ports as the schema has them, and as controllers write them.
func TestNeighborOf(t *testing.T) {
	receive := func(fields string) string { return `{"Ethernet":{"LLDPReceive":{` + fields + `}}}` }
	for _, x := range []struct {
		name, port string
		want       inventory.Uplink // zero: none
	}{
		{"octets", receive(`"ChassisId":"44:38:39:00:00:0A","ChassisIdSubtype":"MacAddr","PortId":"65:74:68:31","PortIdSubtype":"IfName","SystemName":"mgmt-1"`),
			inventory.Uplink{ChassisID: "44:38:39:00:00:0a", PortID: "eth1", SystemName: "mgmt-1"}},
		{"text", receive(`"ChassisId":"44-38-39-00-00-0a","PortId":"Ethernet1/7"`), inventory.Uplink{ChassisID: "44:38:39:00:00:0a", PortID: "Ethernet1/7"}},
		{"a port known by its address", receive(`"PortId":"65:74:68:31:32:33","PortIdSubtype":"MacAddr","SystemName":"mgmt-1"`),
			inventory.Uplink{PortID: "65:74:68:31:32:33", SystemName: "mgmt-1"}},
		{"a number", receive(`"PortId":"12","PortIdSubtype":"LocalAssign","SystemName":"mgmt-1"`), inventory.Uplink{PortID: "12", SystemName: "mgmt-1"}},
		{"a text of six octets", receive(`"PortId":"73:77:70:31:32:33","PortIdSubtype":"IfName","SystemName":"m"`), inventory.Uplink{PortID: "swp123", SystemName: "m"}},
		{"nobody", receive(``), inventory.Uplink{}},
		{"null", `{"Ethernet":{"LLDPReceive":null}}`, inventory.Uplink{}},
		{"no port", receive(`"SystemName":"mgmt-1"`), inventory.Uplink{}},
		{"nobody's port", receive(`"PortId":"12"`), inventory.Uplink{}},
		{"not as it should be", `{"Ethernet":[]}`, inventory.Uplink{}},
	} {
		n, ok := neighborOf(json.RawMessage(x.port))
		if !ok {
			n = inventory.Uplink{}
		}
		if n != x.want || ok != (x.want != inventory.Uplink{}) {
			t.Errorf("%s: %+v, %v", x.name, n, ok)
		}
	}
}

// FuzzNeighborOf: whatever a controller says of a port, what is kept of it is short and can be shown.
func FuzzNeighborOf(f *testing.F) {
	f.Add(`{"Ethernet":{"LLDPReceive":{"ChassisId":"44:38:39:00:00:0A","PortId":"65:74:68:31","SystemName":"mgmt\u0000\u001b[31m"}}}`)
	f.Add(`{"Ethernet":{"LLDPReceive":{"ChassisId":"x","PortId":"65:74:68:1"}}}`)
	f.Fuzz(func(t *testing.T, port string) {
		n, ok := neighborOf(json.RawMessage(port))
		for _, text := range []string{n.ChassisID, n.PortID, n.SystemName} {
			if len(text) > maxText+3 {
				t.Errorf("%d bytes", len(text))
			}
			for _, r := range text {
				if !unicode.IsPrint(r) {
					t.Errorf("%q", text)
				}
			}
		}
		if ok && n.PortID == "" {
			t.Errorf("%+v ends nowhere", n)
		}
	})
}
