package redfish

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// systemResources are the server itself.
func (s *service) systemResources() map[string]resource {
	res := map[string]resource{
		root + "/Systems": {get: collection(root+"/Systems", "ComputerSystemCollection", "Computer System Collection", systemPath)},
		systemPath:        {get: show(s.system), patch: s.patchSystem},
		systemPath + "/Actions/ComputerSystem.Reset": {post: s.reset},
	}
	var nics []string
	for i, mac := range s.vm.Describe().MACs {
		path := systemPath + "/EthernetInterfaces/" + strconv.Itoa(i+1)
		nics = append(nics, path)
		res[path] = resource{get: fixed(ethernet(path, i+1, mac))}
	}
	path := systemPath + "/EthernetInterfaces"
	res[path] = resource{get: collection(path, "EthernetInterfaceCollection", "Ethernet Interface Collection", nics...)}
	return res
}

func ethernet(path string, n int, mac string) object {
	return object{
		"@odata.id": path, "@odata.type": "#EthernetInterface.v1_6_0.EthernetInterface",
		"Id": strconv.Itoa(n), "Name": "NIC " + strconv.Itoa(n), "MACAddress": mac, "PermanentMACAddress": mac,
		"InterfaceEnabled": true, "Status": healthy(),
	}
}

func healthy() object { return object{"State": "Enabled", "Health": "OK"} }

// system is the ComputerSystem resource (DSP0266, schema ComputerSystem).
func (s *service) system(r *http.Request) (object, error) {
	on, err := s.vm.Power(r.Context())
	if err != nil {
		return nil, err
	}
	device, once, err := s.vm.NextBoot(r.Context())
	if err != nil {
		return nil, err
	}
	d := s.vm.Describe()
	o := object{
		"@odata.id": systemPath, "@odata.type": "#ComputerSystem.v1_16_0.ComputerSystem", "@odata.context": root + "/$metadata#ComputerSystem.ComputerSystem",
		"Id": "1", "Name": d.Name, "HostName": d.Name, "SystemType": "Physical",
		"Manufacturer": d.Manufacturer, "Model": d.Model, "SerialNumber": d.Serial, "UUID": d.UUID, "AssetTag": d.AssetTag,
		"PowerState": powerState(on), "Status": healthy(), "BiosVersion": firmwareName(d.UEFI),
		"ProcessorSummary":   object{"Count": d.CPUs, "Status": healthy()},
		"MemorySummary":      object{"TotalSystemMemoryGiB": float64(d.MemoryMiB) / 1024, "Status": healthy()},
		"Boot":               boot(device, once, d.UEFI),
		"EthernetInterfaces": link(systemPath + "/EthernetInterfaces"),
		"Links":              object{"Chassis": []any{link(root + "/Chassis/1")}, "ManagedBy": []any{link(managerPath)}},
		"Actions": object{"#ComputerSystem.Reset": object{
			"target":                            systemPath + "/Actions/ComputerSystem.Reset",
			"ResetType@Redfish.AllowableValues": resetTypes(),
		}},
	}
	o["@odata.etag"] = etag(o)
	return o, nil
}

func powerState(on bool) string {
	if on {
		return "On"
	}
	return "Off"
}

func firmwareName(uefi bool) string {
	if uefi {
		return "UEFI"
	}
	return "BIOS"
}

func mode(uefi bool) string {
	if uefi {
		return "UEFI"
	}
	return "Legacy"
}

func boot(device string, once, uefi bool) object {
	enabled := "Continuous"
	switch {
	case device == "" || device == DeviceNone:
		device, enabled = DeviceNone, "Disabled"
	case once:
		enabled = "Once"
	}
	return object{
		"BootSourceOverrideEnabled": enabled, "BootSourceOverrideTarget": device, "BootSourceOverrideMode": mode(uefi),
		"BootSourceOverrideEnabled@Redfish.AllowableValues": []string{"Disabled", "Once", "Continuous"},
		"BootSourceOverrideTarget@Redfish.AllowableValues":  devices(uefi),
		"BootSourceOverrideMode@Redfish.AllowableValues":    []string{mode(uefi)},
	}
}

// patchSystem changes the boot override, under If-Match when the client gives one.
func (s *service) patchSystem(w http.ResponseWriter, r *http.Request) error {
	now, err := s.system(r)
	if err != nil {
		return err
	}
	if tag := r.Header.Get("If-Match"); tag != "" && !matches(tag, etag(now)) {
		return problemf(http.StatusPreconditionFailed, "PreconditionFailed",
			"The ETag supplied did not match the ETag required to change this resource.")
	}
	var body struct {
		Boot *struct {
			BootSourceOverrideEnabled, BootSourceOverrideTarget, BootSourceOverrideMode *string
		}
	}
	if err := readJSON(r, &body); err != nil {
		return err
	}
	if body.Boot == nil {
		return problemf(http.StatusBadRequest, "NoOperation", "The request body submitted contain no data to act upon.")
	}
	device, once, err := s.vm.NextBoot(r.Context())
	if err != nil {
		return err
	}
	uefi := s.vm.Describe().UEFI
	if m := body.Boot.BootSourceOverrideMode; m != nil && *m != mode(uefi) {
		return valueNotInList("Boot/BootSourceOverrideMode", *m)
	}
	if t := body.Boot.BootSourceOverrideTarget; t != nil {
		if !slices.Contains(devices(uefi), *t) {
			return valueNotInList("Boot/BootSourceOverrideTarget", *t)
		}
		device = *t
	}
	if e := body.Boot.BootSourceOverrideEnabled; e != nil {
		switch *e {
		case "Once":
			once = true
		case "Continuous":
			once = false
		case "Disabled":
			device = DeviceNone
		default:
			return valueNotInList("Boot/BootSourceOverrideEnabled", *e)
		}
	}
	if !s.faults.Ignore.Load() && !s.faults.ForgetBoot.Load() {
		if err := s.vm.SetNextBoot(r.Context(), device, once, uefi); err != nil {
			return err
		}
	}
	return show(s.system)(w, r)
}

// matches compares an If-Match header, weakly: some clients drop the W/.
func matches(header, tag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		one = strings.TrimSpace(one)
		if one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// reset is the action #ComputerSystem.Reset.
func (s *service) reset(w http.ResponseWriter, r *http.Request) error {
	var body struct{ ResetType string }
	if err := readJSON(r, &body); err != nil {
		return err
	}
	if body.ResetType == "" {
		body.ResetType = On // an absent parameter is the service's choice
	}
	if !slices.Contains(resetTypes(), body.ResetType) {
		return problemf(http.StatusBadRequest, "ActionParameterValueNotInList",
			"The value %q for the parameter ResetType in the action ComputerSystem.Reset is not in the list of acceptable values.", body.ResetType).about("#/ResetType")
	}
	on, err := s.vm.Power(r.Context())
	if err != nil {
		return err
	}
	done := on && body.ResetType == On || !on && (body.ResetType == ForceOff || body.ResetType == GracefulShutdown)
	switch {
	case s.faults.Ignore.Load() || done:
	case !on && body.ResetType != On:
		return problemf(http.StatusConflict, "OperationFailed", "The system is off, and %s needs it to be on.", body.ResetType)
	default:
		s.log.Info("redfish reset", "machine", s.vm.Describe().Name, "action", body.ResetType)
		if err := s.vm.SetPower(r.Context(), body.ResetType); err != nil {
			return err
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
