package redfish

import (
	"net"
	"net/http"
)

const managerPath = root + "/Managers/1"

// firmwareVersion is what the controller says of itself.
const firmwareVersion = "1.0.0"

// managerResources are the controller and the chassis.
func (s *service) managerResources() map[string]resource {
	d := s.vm.Describe()
	nics := managerPath + "/EthernetInterfaces"
	return map[string]resource{
		root + "/Managers": {get: collection(root+"/Managers", "ManagerCollection", "Manager Collection", managerPath)},
		managerPath: {get: fixed(object{
			"@odata.id": managerPath, "@odata.type": "#Manager.v1_12_0.Manager",
			"Id": "1", "Name": "Manager", "ManagerType": "BMC", "Manufacturer": "Socle", "Model": "Virtual BMC", "FirmwareVersion": firmwareVersion,
			"UUID": d.UUID, "ServiceEntryPointUUID": d.UUID, "PowerState": "On", "Status": healthy(),
			"EthernetInterfaces": link(nics),
			"Links":              object{"ManagerForServers": []any{link(systemPath)}, "ManagerForChassis": []any{link(root + "/Chassis/1")}},
			"Actions": object{"#Manager.Reset": object{
				"target":                            managerPath + "/Actions/Manager.Reset",
				"ResetType@Redfish.AllowableValues": []string{GracefulRestart, ForceRestart},
			}},
		})},
		managerPath + "/Actions/Manager.Reset": {post: s.resetManager},
		nics:                                   {get: collection(nics, "EthernetInterfaceCollection", "Ethernet Interface Collection", nics+"/1")},
		nics + "/1":                            {get: show(s.managerNIC)},
		root + "/Chassis":                      {get: collection(root+"/Chassis", "ChassisCollection", "Chassis Collection", root+"/Chassis/1")},
		root + "/Chassis/1":                    {get: show(s.chassis)},
	}
}

// managerNIC tells the address at which the client has just reached it.
func (s *service) managerNIC(r *http.Request) (object, error) {
	o := ethernet(managerPath+"/EthernetInterfaces/1", 1, s.vm.Describe().BMCMAC)
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok && a.IP.To4() != nil {
		o["IPv4Addresses"] = []any{object{"Address": a.IP.String(), "AddressOrigin": "Static"}}
	}
	return o, nil
}

func (s *service) chassis(r *http.Request) (object, error) {
	on, err := s.vm.Power(r.Context())
	if err != nil {
		return nil, err
	}
	d := s.vm.Describe()
	return object{
		"@odata.id": root + "/Chassis/1", "@odata.type": "#Chassis.v1_17_0.Chassis",
		"Id": "1", "Name": d.Name, "ChassisType": "RackMount", "Manufacturer": d.Manufacturer, "Model": d.Model,
		"SerialNumber": d.Serial, "AssetTag": d.AssetTag, "PowerState": powerState(on), "Status": healthy(),
		"Links": object{"ComputerSystems": []any{link(systemPath)}, "ManagedBy": []any{link(managerPath)}},
	}, nil
}

// resetManager restarts the controller: all its sessions end, the server goes on.
func (s *service) resetManager(w http.ResponseWriter, r *http.Request) error {
	var body struct{ ResetType string }
	if err := readJSON(r, &body); err != nil {
		return err
	}
	if body.ResetType != GracefulRestart && body.ResetType != ForceRestart {
		return problemf(http.StatusBadRequest, "ActionParameterValueNotInList",
			"The value %q for the parameter ResetType in the action Manager.Reset is not in the list of acceptable values.", body.ResetType).about("#/ResetType")
	}
	if !s.faults.Ignore.Load() {
		s.sessions.endAll()
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
