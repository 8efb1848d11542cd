package redfish

import (
	"fmt"
	"strings"
)

// Neighbor is the port of a switch that the controller's own port is plugged into.
type Neighbor struct {
	Chassis string // MAC address
	Port    string // name of the interface
	System  string // name of the switch
}

// Plug changes what the controller hears by LLDP at its own port; nil: nothing.
func (b *BMC) Plug(n *Neighbor) { b.locked(func() { b.neighbor = n }) }

// portRoutes are the controller's own network port (DMTF schemas Manager, DedicatedNetworkPorts, and Port).
func portRoutes() map[string]route {
	const at = root + "/Managers/{manager}/DedicatedNetworkPorts"
	return map[string]route{
		at: {get: func(b *BMC, _ *call) (object, error) {
			return collection(b.ports(), "PortCollection", "Dedicated network ports", b.ports()+"/1"), nil
		}},
		at + "/1": {get: getManagerPort},
	}
}

func (b *BMC) ports() string { return b.manager() + "/DedicatedNetworkPorts" }

func getManagerPort(b *BMC, _ *call) (object, error) {
	ethernet := object{"LLDPEnabled": true}
	if n := b.neighbor; n != nil {
		ethernet["LLDPReceive"] = object{
			"ChassisId": n.Chassis, "ChassisIdSubtype": "MacAddr", "PortId": asOctets(n.Port), "PortIdSubtype": "IfName", "SystemName": n.System,
		}
	}
	return resource(b.ports()+"/1", "Port.v1_6_0", "1", "Dedicated network port").with(object{
		"PortProtocol": "Ethernet", "LinkStatus": "LinkUp", "CurrentSpeedGbps": 1, "Status": healthy(), "Ethernet": ethernet,
	}), nil
}

// asOctets writes an identifier in the way of the schema: "65:74:68:31".
func asOctets(text string) string {
	return strings.ReplaceAll(fmt.Sprintf("% x", text), " ", ":")
}
