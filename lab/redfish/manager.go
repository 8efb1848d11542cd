package redfish

import (
	"net"
	"net/http"
	"net/netip"
	"time"
)

// nicSettings are what a client told the controller's own interface.
type nicSettings struct {
	dhcp     *bool
	hostName string
	static   []any // as they were given
}

func managerRoutes() map[string]route {
	const at = root + "/Managers/{manager}"
	return map[string]route{
		root + "/Managers": {get: func(b *BMC, _ *call) (object, error) {
			return collection(root+"/Managers", "ManagerCollection", "Manager Collection", b.manager()), nil
		}},
		at:                                      {get: getManager},
		at + "/Actions/Manager.Reset":           {post: resetManager},
		at + "/Actions/Manager.ResetToDefaults": {post: resetToDefaults},
		at + "/NetworkProtocol":                 {get: getNetworkProtocol},
		at + "/SerialInterfaces": {get: func(b *BMC, _ *call) (object, error) {
			path := b.manager() + "/SerialInterfaces"
			return collection(path, "SerialInterfaceCollection", "Serial interfaces", path+"/1"), nil
		}},
		at + "/SerialInterfaces/1": {get: func(b *BMC, _ *call) (object, error) {
			return resource(b.manager()+"/SerialInterfaces/1", "SerialInterface.v1_1_8", "1", "Serial port").with(object{
				"InterfaceEnabled": true, "SignalType": "Rs232", "BitRate": "115200", "Parity": "None", "DataBits": "8", "StopBits": "1", "FlowControl": "None",
			}), nil
		}},
		at + "/EthernetInterfaces": {get: func(b *BMC, _ *call) (object, error) {
			path := b.manager() + "/EthernetInterfaces"
			return collection(path, "EthernetInterfaceCollection", "Ethernet Interface Collection", path+"/1"), nil
		}},
		at + "/EthernetInterfaces/1": {get: getManagerNIC, patch: patchManagerNIC},
	}
}

func getManager(b *BMC, _ *call) (object, error) {
	d, path, s := b.vm.Describe(), b.manager(), b.shape
	o := resource(path, "Manager.v1_16_0", s.Manager, "Manager").with(object{
		"ManagerType": "BMC", "Manufacturer": s.ManagerMaker, "Model": s.ManagerModel, "FirmwareVersion": b.updates.version(s, FirmwareBMC),
		"UUID": d.UUID, "ServiceEntryPointUUID": d.UUID, "PowerState": "On", "Status": healthy(),
		"EthernetInterfaces": link(path + "/EthernetInterfaces"), "NetworkProtocol": link(path + "/NetworkProtocol"),
		"SerialInterfaces": link(path + "/SerialInterfaces"), "DedicatedNetworkPorts": link(b.ports()),
		// There is none over Redfish's network services: the rack's console is the lab's.
		"SerialConsole":    object{"ServiceEnabled": false, "MaxConcurrentSessions": 0, "ConnectTypesSupported": []string{}},
		"CommandShell":     object{"ServiceEnabled": false, "MaxConcurrentSessions": 0, "ConnectTypesSupported": []string{}},
		"GraphicalConsole": object{"ServiceEnabled": false, "MaxConcurrentSessions": 0, "ConnectTypesSupported": []string{}},
		"Links":            object{"ManagerForServers": links(b.system()), "ManagerForChassis": links(b.chassis())},
		"Actions": object{
			"#Manager.Reset": object{
				"target": path + "/Actions/Manager.Reset", "ResetType@Redfish.AllowableValues": []string{GracefulRestart, ForceRestart},
			},
			"#Manager.ResetToDefaults": object{
				"target": path + "/Actions/Manager.ResetToDefaults", "ResetType@Redfish.AllowableValues": []string{"ResetAll", "PreserveNetworkAndUsers"},
			},
		},
	})
	if !s.Quirks.MediaAtSystem {
		o["VirtualMedia"] = link(b.drives())
	}
	if s.LogOwner == "Managers" {
		o["LogServices"] = link(path + "/LogServices")
	}
	o["@odata.etag"] = etag(o) // before the clock goes in
	o["DateTime"], o["DateTimeLocalOffset"] = b.now().UTC().Format(time.RFC3339), "+00:00"
	return o, nil
}

// resetManager restarts the controller: it goes away for a while, all its sessions end, the server goes on.
func resetManager(b *BMC, c *call) (*reply, error) {
	var body struct{ ResetType string }
	if err := c.parameters(&body); err != nil {
		return nil, err
	}
	if body.ResetType != "" && body.ResetType != GracefulRestart && body.ResetType != ForceRestart {
		return nil, parameterNotInList("ResetType", body.ResetType, "Manager.Reset")
	}
	b.away.Store(b.now().Add(b.restart).UnixNano())
	b.restarted()
	return done()
}

func resetToDefaults(b *BMC, c *call) (*reply, error) {
	var body struct{ ResetType string }
	if err := c.parameters(&body); err != nil {
		return nil, err
	}
	switch body.ResetType {
	case "":
		return nil, missingParameter("Manager.ResetToDefaults", "ResetType")
	case "ResetAll":
		b.accounts.reset(b.shape)
		b.nicState = nicSettings{}
	case "PreserveNetworkAndUsers":
	default:
		return nil, parameterNotInList("ResetType", body.ResetType, "Manager.ResetToDefaults")
	}
	b.events.all, b.sessions.timeout = nil, 0
	b.away.Store(b.now().Add(b.restart).UnixNano())
	b.restarted()
	return done()
}

func getNetworkProtocol(b *BMC, _ *call) (object, error) {
	path := b.manager() + "/NetworkProtocol"
	return resource(path, "ManagerNetworkProtocol.v1_8_0", "NetworkProtocol", "Network protocols").with(object{
		"HostName": b.hostName(), "Status": healthy(),
		"HTTPS": object{"ProtocolEnabled": true, "Port": 443, "Certificates": link(path + "/HTTPS/Certificates")},
		"HTTP":  object{"ProtocolEnabled": false, "Port": 80}, "IPMI": object{"ProtocolEnabled": false, "Port": 623},
		"SSH": object{"ProtocolEnabled": false, "Port": 22}, "SSDP": object{"ProtocolEnabled": false, "Port": 1900},
		"NTP": object{"ProtocolEnabled": false, "NTPServers": []string{}},
	}), nil
}

func (b *BMC) hostName() string {
	if b.nicState.hostName != "" {
		return b.nicState.hostName
	}
	return b.vm.Describe().Name + "-bmc"
}

// getManagerNIC tells the address at which the client has just reached it.
func getManagerNIC(b *BMC, c *call) (object, error) {
	n := b.nicState
	dhcp := n.dhcp != nil && *n.dhcp
	origin := map[bool]string{true: "DHCP", false: "Static"}[dhcp]
	o := ethernet(b.manager()+"/EthernetInterfaces/1", 1, b.vm.Describe().BMCMAC).with(object{
		"HostName": b.hostName(), "DHCPv4": object{"DHCPEnabled": dhcp}, "IPv4StaticAddresses": n.static, "SpeedMbps": 1000, "FullDuplex": true,
	})
	if n.static == nil {
		o["IPv4StaticAddresses"] = []any{}
	}
	if a, ok := c.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok && a.IP.To4() != nil {
		o["IPv4Addresses"] = []any{object{"Address": a.IP.String(), "SubnetMask": "255.255.255.0", "Gateway": nil, "AddressOrigin": origin}}
	}
	return o, nil
}

// patchManagerNIC keeps settings; the address that is listened on does not follow.
func patchManagerNIC(b *BMC, c *call) error {
	var body struct {
		HostName            *string
		DHCPv4              *struct{ DHCPEnabled *bool }
		IPv4StaticAddresses []struct{ Address, SubnetMask, Gateway string }
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	var static []any
	for _, a := range body.IPv4StaticAddresses {
		if ip, err := netip.ParseAddr(a.Address); err != nil || !ip.Is4() {
			return valueFormat("IPv4StaticAddresses/Address", a.Address)
		}
		static = append(static, object{"Address": a.Address, "SubnetMask": a.SubnetMask, "Gateway": a.Gateway})
	}
	if body.HostName != nil {
		b.nicState.hostName = *body.HostName
	}
	if body.DHCPv4 != nil && body.DHCPv4.DHCPEnabled != nil {
		b.nicState.dhcp = body.DHCPv4.DHCPEnabled
	}
	if static != nil {
		b.nicState.static = static
	}
	return nil
}
