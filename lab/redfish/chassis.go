package redfish

import (
	"strconv"
)

func chassisRoutes() map[string]route {
	const at = root + "/Chassis/{chassis}"
	return map[string]route{
		root + "/Chassis": {get: func(b *BMC, _ *call) (object, error) {
			return collection(root+"/Chassis", "ChassisCollection", "Chassis Collection", b.chassis()), nil
		}},
		at:              {get: getChassis, patch: patchChassis},
		at + "/Power":   {get: getPower},
		at + "/Thermal": {get: getThermal},
		at + "/PowerSubsystem": {get: func(b *BMC, _ *call) (object, error) {
			path := b.chassis() + "/PowerSubsystem"
			h := b.shape.Hardware
			return resource(path, "PowerSubsystem.v1_1_0", "PowerSubsystem", "Power subsystem").with(object{
				"CapacityWatts": h.PowerSupplies * h.SupplyWatts, "PowerSupplies": link(path + "/PowerSupplies"), "Status": healthy(),
			}), nil
		}},
		at + "/PowerSubsystem/PowerSupplies": {get: func(b *BMC, _ *call) (object, error) {
			path := b.chassis() + "/PowerSubsystem/PowerSupplies"
			return collection(path, "PowerSupplyCollection", "Power supplies", below(path, numbers(b.shape.Hardware.PowerSupplies)...)...), nil
		}},
		at + "/PowerSubsystem/PowerSupplies/{}": {get: getSupply},
		at + "/ThermalSubsystem": {get: func(b *BMC, _ *call) (object, error) {
			path := b.chassis() + "/ThermalSubsystem"
			return resource(path, "ThermalSubsystem.v1_0_0", "ThermalSubsystem", "Thermal subsystem").with(object{
				"Fans": link(path + "/Fans"), "ThermalMetrics": link(path + "/ThermalMetrics"), "Status": healthy(),
			}), nil
		}},
		at + "/ThermalSubsystem/Fans": {get: func(b *BMC, _ *call) (object, error) {
			path := b.chassis() + "/ThermalSubsystem/Fans"
			return collection(path, "FanCollection", "Fans", below(path, numbers(b.shape.Hardware.Fans)...)...), nil
		}},
		at + "/ThermalSubsystem/Fans/{}":        {get: getFan},
		at + "/ThermalSubsystem/ThermalMetrics": {get: getThermalMetrics},
	}
}

func getChassis(b *BMC, c *call) (object, error) {
	power, err := b.power(c)
	if err != nil {
		return nil, err
	}
	d, path := b.about(), b.chassis()
	return resource(path, "Chassis.v1_17_0", b.shape.Chassis, d.Name).with(object{
		"ChassisType": "RackMount", "Manufacturer": d.Manufacturer, "Model": d.Model, "SerialNumber": d.Serial, "AssetTag": d.AssetTag,
		"PowerState": power, "Status": b.statusOfAll(), "LocationIndicatorActive": b.led, "IndicatorLED": indicator(b.led),
		"Power": link(path + "/Power"), "Thermal": link(path + "/Thermal"), "PowerSubsystem": link(path + "/PowerSubsystem"),
		"ThermalSubsystem": link(path + "/ThermalSubsystem"), "Sensors": link(path + "/Sensors"),
		"LogServices": link(b.logServices()), // where bmclib looks for what it shall clear
		"Links":       object{"ComputerSystems": links(b.system()), "ManagedBy": links(b.manager())},
	}), nil
}

func patchChassis(b *BMC, c *call) error {
	var body struct {
		IndicatorLED            *string
		LocationIndicatorActive *bool
		AssetTag                *string
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	if body.IndicatorLED == nil && body.LocationIndicatorActive == nil && body.AssetTag == nil {
		return noOperation()
	}
	if body.AssetTag != nil {
		b.asset = body.AssetTag
	}
	return b.setLED(body.IndicatorLED, body.LocationIndicatorActive)
}

// getPower is the resource that PowerSubsystem has replaced, and that most controllers in the field have.
func getPower(b *BMC, c *call) (object, error) {
	on, err := b.vm.Power(c.Context())
	if err != nil {
		return nil, err
	}
	path, h := b.chassis()+"/Power", b.shape.Hardware
	var list []any
	total := 0.0
	for i, r := range b.supplies(on) {
		total += r.value
		volts := 230.0
		if b.health[r.component] == Critical {
			volts = 0
		}
		list = append(list, object{
			"@odata.id": path + "#/PowerSupplies/" + strconv.Itoa(i), "MemberId": strconv.Itoa(i), "Name": r.component, "Model": "Virtual PSU",
			"Manufacturer": "Socle", "PartNumber": "LAB-PSU", "SerialNumber": b.vm.Describe().Serial + "-" + r.component, "FirmwareVersion": "1.0", "PowerSupplyType": "AC",
			"PowerCapacityWatts": h.SupplyWatts, "PowerInputWatts": r.value, "LineInputVoltage": volts, "Status": b.statusOf(r.component),
		})
	}
	return resource(path, "Power.v1_7_1", "Power", "Power").with(object{
		"PowerControl": []any{object{
			"@odata.id": path + "#/PowerControl/0", "MemberId": "0", "Name": "System power", "PowerConsumedWatts": total,
			"PowerCapacityWatts": h.PowerSupplies * h.SupplyWatts, "Status": healthy(),
		}},
		"PowerSupplies": list,
	}), nil
}

func getThermal(b *BMC, c *call) (object, error) {
	on, err := b.vm.Power(c.Context())
	if err != nil {
		return nil, err
	}
	path := b.chassis() + "/Thermal"
	var fans, temperatures []any
	for i := range b.shape.Hardware.Fans {
		r := b.fan(i, on)
		fans = append(fans, object{
			"@odata.id": path + "#/Fans/" + strconv.Itoa(i), "MemberId": strconv.Itoa(i), "Name": r.component, "FanName": r.component,
			"Reading": int(r.value), "ReadingUnits": "RPM", "Status": b.statusOf(r.component),
		})
	}
	for i, t := range b.shape.Hardware.Temperatures {
		r := b.temperature(t, on)
		temperatures = append(temperatures, object{
			"@odata.id": path + "#/Temperatures/" + strconv.Itoa(i), "MemberId": strconv.Itoa(i), "Name": t.Name, "SensorNumber": i + 1,
			"ReadingCelsius": r.value, "UpperThresholdNonCritical": t.Caution, "UpperThresholdCritical": t.Fatal, "Status": b.statusOf(t.Name),
		})
	}
	return resource(path, "Thermal.v1_7_1", "Thermal", "Thermal").with(object{"Fans": fans, "Temperatures": temperatures}), nil
}

func getSupply(b *BMC, c *call) (object, error) {
	i, err := c.member(b.shape.Hardware.PowerSupplies)
	if err != nil {
		return nil, err
	}
	id := supplyID(i)
	return resource(b.chassis()+"/PowerSubsystem/PowerSupplies/"+c.ids[0], "PowerSupply.v1_4_0", c.ids[0], id).with(object{
		"Model": "Virtual PSU", "Manufacturer": "Socle", "PartNumber": "LAB-PSU", "SerialNumber": b.vm.Describe().Serial + "-" + id, "FirmwareVersion": "1.0", "PowerSupplyType": "AC",
		"PowerCapacityWatts": b.shape.Hardware.SupplyWatts, "Status": b.statusOf(id),
	}), nil
}

func getFan(b *BMC, c *call) (object, error) {
	i, err := c.member(b.shape.Hardware.Fans)
	if err != nil {
		return nil, err
	}
	on, err := b.vm.Power(c.Context())
	if err != nil {
		return nil, err
	}
	r := b.fan(i, on)
	return resource(b.chassis()+"/ThermalSubsystem/Fans/"+c.ids[0], "Fan.v1_3_0", c.ids[0], r.component).with(object{
		"SpeedPercent": object{"SpeedRPM": r.value, "DataSourceUri": b.chassis() + "/Sensors/" + r.id}, "Status": b.statusOf(r.component),
	}), nil
}

func getThermalMetrics(b *BMC, c *call) (object, error) {
	on, err := b.vm.Power(c.Context())
	if err != nil {
		return nil, err
	}
	var all []any
	for _, t := range b.shape.Hardware.Temperatures {
		r := b.temperature(t, on)
		all = append(all, object{"DeviceName": t.Name, "Reading": r.value, "DataSourceUri": b.chassis() + "/Sensors/" + r.id})
	}
	return resource(b.chassis()+"/ThermalSubsystem/ThermalMetrics", "ThermalMetrics.v1_0_1", "ThermalMetrics", "Thermal metrics").with(object{
		"TemperatureReadingsCelsius": all,
	}), nil
}
