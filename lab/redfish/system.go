package redfish

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
)

// systemRoutes are the server itself.
func systemRoutes() map[string]route {
	const at = root + "/Systems/{system}"
	return map[string]route{
		root + "/Systems": {get: func(b *BMC, _ *call) (object, error) {
			return collection(root+"/Systems", "ComputerSystemCollection", "Computer System Collection", b.system()), nil
		}},
		at:                                   {get: getSystem, patch: patchSystem},
		at + "/Settings":                     {get: getBootSettings, patch: patchBootSettings},
		at + "/Actions/ComputerSystem.Reset": {post: resetSystem},
		at + "/EthernetInterfaces": {get: func(b *BMC, _ *call) (object, error) {
			path := b.system() + "/EthernetInterfaces"
			var nics []string
			for i := range b.vm.Describe().MACs {
				nics = append(nics, path+"/"+strconv.Itoa(i+1))
			}
			return collection(path, "EthernetInterfaceCollection", "Ethernet Interface Collection", nics...), nil
		}},
		at + "/EthernetInterfaces/{}": {get: func(b *BMC, c *call) (object, error) {
			macs := b.vm.Describe().MACs
			n, err := strconv.Atoi(c.ids[0])
			if err != nil || n < 1 || n > len(macs) || strconv.Itoa(n) != c.ids[0] {
				return nil, notFound(c.URL.Path)
			}
			return ethernet(b.system()+"/EthernetInterfaces/"+c.ids[0], n, macs[n-1]), nil
		}},
		at + "/Processors":    {get: getProcessors},
		at + "/Processors/{}": {get: getProcessor},
		at + "/Memory":        {get: getMemories},
		at + "/Memory/{}":     {get: getMemory},
	}
}

func ethernet(path string, n int, mac string) object {
	return resource(path, "EthernetInterface.v1_6_0", strconv.Itoa(n), "NIC "+strconv.Itoa(n)).with(object{
		"MACAddress": mac, "PermanentMACAddress": mac, "InterfaceEnabled": true, "LinkStatus": "LinkUp", "Status": healthy(),
	})
}

// about is what the machine says of itself, in the words of the shape where it has its own.
func (b *BMC) about() Description {
	d := b.vm.Describe()
	if b.shape.SystemMaker != "" {
		d.Manufacturer = b.shape.SystemMaker
	}
	if b.shape.SystemModel != "" {
		d.Model = b.shape.SystemModel
	}
	if b.asset != nil {
		d.AssetTag = *b.asset
	}
	return d
}

// getSystem is the ComputerSystem resource (DSP0268, schema ComputerSystem).
func getSystem(b *BMC, c *call) (object, error) {
	power, err := b.power(c)
	if err != nil {
		return nil, err
	}
	over, err := b.nextBoot(c)
	if err != nil {
		return nil, err
	}
	if reads(c.Method) && over.device != DeviceNone && b.has(c, WrongBoot) {
		over.device = map[bool]string{true: DeviceDisk, false: DevicePXE}[over.device == DevicePXE]
	}
	d, path := b.about(), b.system()
	o := resource(path, "ComputerSystem.v1_16_0", b.shape.System, d.Name).with(object{
		"@odata.context": root + "/$metadata#ComputerSystem.ComputerSystem",
		"HostName":       d.Name, "SystemType": "Physical", "Manufacturer": d.Manufacturer, "Model": d.Model, "SKU": d.Model,
		"SerialNumber": d.Serial, "UUID": d.UUID, "AssetTag": d.AssetTag, "PowerState": power, "Status": b.statusOfAll(),
		"BiosVersion":             b.biosVersion(d),
		"ProcessorSummary":        object{"Count": d.CPUs, "Status": healthy()},
		"MemorySummary":           object{"TotalSystemMemoryGiB": float64(d.MemoryMiB) / 1024, "Status": healthy()},
		"Boot":                    over.object(d.UEFI),
		"LocationIndicatorActive": b.led, "IndicatorLED": indicator(b.led),
		"EthernetInterfaces": link(path + "/EthernetInterfaces"), "Processors": link(path + "/Processors"), "Memory": link(path + "/Memory"),
		"Bios": link(path + "/Bios"), "SecureBoot": link(path + "/SecureBoot"), "Storage": link(path + "/Storage"),
		"Links": object{"Chassis": links(b.chassis()), "ManagedBy": links(b.manager())},
		"SerialConsole": object{
			"MaxConcurrentSessions": 1, "IPMI": object{"ServiceEnabled": false, "Port": 623},
			"SSH": object{"ServiceEnabled": d.ConsolePort != 0, "Port": cmp.Or(d.ConsolePort, 22), "SharedWithManagerCLI": false},
		},
		"Actions": object{"#ComputerSystem.Reset": object{
			"target": path + "/Actions/ComputerSystem.Reset", "ResetType@Redfish.AllowableValues": resetTypes(),
		}},
	})
	if b.shape.Quirks.MediaAtSystem {
		o["VirtualMedia"] = link(b.drives())
	}
	if b.shape.LogOwner == "Systems" {
		o["LogServices"] = link(path + "/LogServices")
	}
	if b.shape.Quirks.BootInSettings {
		o["Boot"] = over.shown(d.UEFI)
		o["@Redfish.Settings"] = object{
			"@odata.type": "#Settings.v1_3_4.Settings", "SettingsObject": link(path + "/Settings"),
			"SupportedApplyTimes": []string{"OnReset"},
		}
	}
	o["@odata.etag"] = etag(o)
	return o, nil
}

// biosVersion is that of the firmware inventory; the generic shape says which firmware its machine has, too.
func (b *BMC) biosVersion(d Description) string {
	v := b.updates.version(b.shape, FirmwareBIOS)
	if b.shape.SystemModel == "" {
		return mode(d.UEFI) + " " + v
	}
	return v
}

// power is what the controller says of the power.
func (b *BMC) power(c *call) (string, error) {
	if b.claimed != "" {
		return b.claimed, nil
	}
	on, err := b.vm.Power(c.Context())
	return powerState(on), err
}

func powerState(on bool) string {
	if on {
		return "On"
	}
	return "Off"
}

func mode(uefi bool) string {
	if uefi {
		return "UEFI"
	}
	return "Legacy"
}

func indicator(lit bool) string {
	if lit {
		return "Blinking"
	}
	return "Off"
}

func patchSystem(b *BMC, c *call) error {
	var body struct {
		Boot                    *bootBody
		AssetTag                *string
		IndicatorLED            *string
		LocationIndicatorActive *bool
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	if body.Boot == nil && body.AssetTag == nil && body.IndicatorLED == nil && body.LocationIndicatorActive == nil {
		return noOperation()
	}
	if body.Boot != nil {
		if b.shape.Quirks.BootInSettings {
			return problemf(http.StatusBadRequest, "PropertyNotWritable", "The property Boot is a read only property and cannot be assigned a value.").about("#/Boot")
		}
		if err := b.setOverride(c, body.Boot); err != nil {
			return err
		}
	}
	if body.AssetTag != nil {
		b.asset = body.AssetTag
	}
	return b.setLED(body.IndicatorLED, body.LocationIndicatorActive)
}

func (b *BMC) setLED(word *string, lit *bool) error {
	if word != nil {
		if !slices.Contains([]string{"Lit", "Blinking", "Off"}, *word) {
			return valueNotInList("IndicatorLED", *word)
		}
		b.led = *word != "Off"
	}
	if lit != nil {
		b.led = *lit
	}
	return nil
}

// Located tells whether the server's locator light is on.
func (b *BMC) Located() bool {
	var lit bool
	b.locked(func() { lit = b.led })
	return lit
}

// resetSystem is the action #ComputerSystem.Reset.
func resetSystem(b *BMC, c *call) (*reply, error) {
	var body struct{ ResetType string }
	if err := c.parameters(&body); err != nil {
		return nil, err
	}
	if body.ResetType == "" {
		body.ResetType = On // an absent parameter is the service's choice
	}
	if !slices.Contains(resetTypes(), body.ResetType) {
		return nil, parameterNotInList("ResetType", body.ResetType, "ComputerSystem.Reset")
	}
	on, err := b.vm.Power(c.Context())
	if err != nil {
		return nil, err
	}
	if b.has(c, Lie) {
		b.claimed = powerState(body.ResetType != ForceOff && body.ResetType != GracefulShutdown)
		return done()
	}
	b.claimed = ""
	same := on && body.ResetType == On || !on && (body.ResetType == ForceOff || body.ResetType == GracefulShutdown)
	switch {
	case same && b.shape.Quirks.PowerConflict:
		return nil, problemf(http.StatusConflict, "NoOperation", "The server is already powered %s.", map[bool]string{true: "ON", false: "OFF"}[on])
	case same:
		return done()
	case !on && body.ResetType != On:
		return nil, problemf(http.StatusConflict, "OperationFailed", "The system is off, and %s needs it to be on.", body.ResetType)
	}
	b.log.Info("redfish reset", "machine", b.vm.Describe().Name, "action", body.ResetType)
	if err := b.vm.SetPower(c.Context(), body.ResetType); err != nil {
		return nil, err
	}
	b.note(event{severity: "OK", id: "ResourceEvent.1.2.ResourceChanged", text: "Power: " + body.ResetType, kind: "StatusChange", origin: b.system()})
	if slices.Contains([]string{On, ForceRestart, GracefulRestart, PowerCycle}, body.ResetType) {
		if err := b.boot(c); err != nil {
			return nil, err
		}
	}
	return done()
}
