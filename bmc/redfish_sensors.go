package bmc

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"

	"socle/inventory"
)

// chassisDoc is what leads on from a chassis: to the resources that most controllers have (Power, Thermal), and to
// those that have replaced them in 2020 (schemas PowerSubsystem, ThermalSubsystem and Sensor).
type chassisDoc struct {
	Power, Thermal, PowerSubsystem, ThermalSubsystem, Sensors link
	Links                                                     struct{ ComputerSystems []link }
}

// maxChassis bounds the chassis of one system: sleds and shelves.
const maxChassis = 8

// chassis reads the chassis that hold the system.
func (r *redfishReader) chassis(ctx context.Context) ([]chassisDoc, error) {
	s, err := r.place(ctx)
	if err != nil {
		return nil, err
	}
	var all []chassisDoc
	for _, l := range s.Links.Chassis[:min(maxChassis, len(s.Links.Chassis))] {
		if !l.ok() {
			continue
		}
		var c chassisDoc
		if err := r.get(l.ID, &c); absent(err) {
			continue
		} else if err != nil {
			return nil, redfishError(ctx, err)
		}
		all = append(all, c)
	}
	return all, nil
}

// sensors reads Power and Thermal where they are there, because two answers hold it all; else the sensors one by one.
func (r *redfishReader) sensors(ctx context.Context) ([]inventory.Sensor, error) {
	all, err := r.chassis(ctx)
	if err != nil {
		return nil, err
	}
	var found []inventory.Sensor
	r.psus = nil
	for _, c := range all {
		before := len(r.psus)
		for _, part := range []struct {
			at   link
			read func(string) ([]inventory.Sensor, error)
		}{{c.Thermal, r.thermal}, {c.Power, r.supplies}} {
			if !part.at.ok() {
				continue
			}
			some, err := part.read(part.at.ID)
			if err != nil && !absent(err) {
				return nil, redfishError(ctx, err)
			}
			found = append(found, some...)
		}
		if len(found) == 0 {
			some, err := r.newSensors(c)
			if err != nil {
				return nil, redfishError(ctx, err)
			}
			found = append(found, some...)
		}
		if len(c.Links.ComputerSystems) > 1 {
			r.psus = r.psus[:before] // they are the enclosure's
		}
	}
	found = found[:min(maxSensors, len(found))]
	r.last = found
	return found, nil
}

// thermal reads schema Thermal.
func (r *redfishReader) thermal(path string) ([]inventory.Sensor, error) {
	type limits struct {
		LowerThresholdCritical, LowerThresholdNonCritical, UpperThresholdNonCritical, UpperThresholdCritical number
	}
	var doc struct {
		Temperatures []struct {
			Name           string
			ReadingCelsius number
			Status         statusObject
			limits
		}
		Fans []struct {
			Name, FanName, ReadingUnits string
			Reading                     number
			Status                      statusObject
			limits
		}
	}
	if err := r.get(path, &doc); err != nil {
		return nil, err
	}
	var all []inventory.Sensor
	add := func(kind inventory.SensorKind, name string, v number, unit string, s statusObject, l limits) {
		if s.absent() || name == "" {
			return
		}
		all = append(all, inventory.Sensor{
			Name: name, Kind: kind, Value: v.value, Unit: unit, Health: s.health(),
			LowCritical: l.LowerThresholdCritical.value, LowCaution: l.LowerThresholdNonCritical.value,
			HighCaution: l.UpperThresholdNonCritical.value, HighCritical: l.UpperThresholdCritical.value,
		})
	}
	for _, t := range doc.Temperatures {
		add(inventory.SensorTemperature, t.Name, t.ReadingCelsius, "Cel", t.Status, t.limits)
	}
	for _, f := range doc.Fans {
		unit := "RPM"
		if strings.EqualFold(f.ReadingUnits, "Percent") {
			unit = "%"
		}
		add(inventory.SensorFan, cmp.Or(f.Name, f.FanName), f.Reading, unit, f.Status, f.limits)
	}
	return all, nil
}

// supplies reads schema Power: what the system draws, its power supplies and its voltages.
func (r *redfishReader) supplies(path string) ([]inventory.Sensor, error) {
	var doc struct {
		PowerControl []struct {
			Name               string
			PowerConsumedWatts number
			Status             statusObject
		}
		PowerSupplies []struct {
			supplyDoc
			MemberID                              string
			PowerInputWatts, LastPowerOutputWatts number
		}
		Voltages []struct {
			Name                                                                                                 string
			ReadingVolts                                                                                         number
			LowerThresholdCritical, LowerThresholdNonCritical, UpperThresholdNonCritical, UpperThresholdCritical number
			Status                                                                                               statusObject
		}
	}
	if err := r.get(path, &doc); err != nil {
		return nil, err
	}
	var all []inventory.Sensor
	for i, p := range doc.PowerControl {
		if i == 0 {
			r.drawn = p.PowerConsumedWatts.value
		}
		if p.PowerConsumedWatts.value != nil && !p.Status.absent() {
			all = append(all, inventory.Sensor{Name: cmp.Or(p.Name, "System power"), Kind: inventory.SensorPower, Value: p.PowerConsumedWatts.value, Unit: "W", Health: p.Status.health()})
		}
	}
	for _, p := range doc.PowerSupplies {
		r.addSupply(p.supplyDoc, p.MemberID)
		if p.Status.absent() {
			continue
		}
		s := inventory.Sensor{Name: cmp.Or(p.Name, p.MemberID, "PSU"), Kind: inventory.SensorSupply, Health: p.Status.health(), State: p.Status.State}
		if s.Value = cmp.Or(p.PowerInputWatts.value, p.LastPowerOutputWatts.value); s.Value != nil {
			s.Unit = "W"
		}
		all = append(all, s)
	}
	for _, v := range doc.Voltages {
		if v.Status.absent() || v.Name == "" {
			continue
		}
		all = append(all, inventory.Sensor{
			Name: v.Name, Kind: inventory.SensorVoltage, Value: v.ReadingVolts.value, Unit: "V", Health: v.Status.health(),
			LowCritical: v.LowerThresholdCritical.value, LowCaution: v.LowerThresholdNonCritical.value,
			HighCaution: v.UpperThresholdNonCritical.value, HighCritical: v.UpperThresholdCritical.value,
		})
	}
	return all, nil
}

// sensorKinds are the reading types of schema Sensor that are shown.
var sensorKinds = map[string]inventory.SensorKind{
	"Temperature": inventory.SensorTemperature, "Rotational": inventory.SensorFan, "Voltage": inventory.SensorVoltage,
	"Current": inventory.SensorCurrent, "Power": inventory.SensorPower,
}

// newSensors reads the schemas of 2020: the sensors, and the parts that have a health of their own.
func (r *redfishReader) newSensors(c chassisDoc) ([]inventory.Sensor, error) {
	var all []inventory.Sensor
	each := func(at string, take func(json.RawMessage)) error {
		members, err := r.collection(at, maxSensors)
		if absent(err) {
			return nil
		}
		for _, m := range members {
			take(m)
		}
		return err
	}
	if c.Sensors.ok() {
		if err := each(c.Sensors.ID, func(m json.RawMessage) { all = appendSensor(all, m) }); err != nil {
			return nil, err
		}
	}
	for _, part := range []struct {
		of   link
		name string
		kind inventory.SensorKind
	}{{c.PowerSubsystem, "PowerSupplies", inventory.SensorSupply}, {c.ThermalSubsystem, "Fans", inventory.SensorFan}} {
		if !part.of.ok() {
			continue
		}
		var sub map[string]json.RawMessage
		if err := r.get(part.of.ID, &sub); absent(err) {
			continue
		} else if err != nil {
			return nil, err
		}
		var at link
		if json.Unmarshal(sub[part.name], &at) != nil || !at.ok() {
			continue
		}
		err := each(at.ID, func(m json.RawMessage) {
			var p supplyDoc
			if json.Unmarshal(m, &p) != nil {
				return
			}
			if part.kind == inventory.SensorSupply {
				r.addSupply(p, "")
			}
			if p.Name != "" && !p.Status.absent() {
				all = append(all, inventory.Sensor{Name: p.Name, Kind: part.kind, Health: p.Status.health(), State: p.Status.State})
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// appendSensor takes in one resource of schema Sensor.
func appendSensor(all []inventory.Sensor, m json.RawMessage) []inventory.Sensor {
	type limit struct{ Reading number }
	var s struct {
		Name, ReadingType, ReadingUnits string
		Reading                         number
		Status                          statusObject
		Thresholds                      struct{ LowerCritical, LowerCaution, UpperCaution, UpperCritical limit }
	}
	if json.Unmarshal(m, &s) != nil || s.Name == "" || s.Status.absent() {
		return all
	}
	kind, known := sensorKinds[s.ReadingType]
	if !known {
		return all
	}
	unit := s.ReadingUnits
	if unit == "{rev}/min" { // UCUM's own way to write it
		unit = "RPM"
	}
	return append(all, inventory.Sensor{
		Name: s.Name, Kind: kind, Value: s.Reading.value, Unit: unit, Health: s.Status.health(),
		LowCritical: s.Thresholds.LowerCritical.Reading.value, LowCaution: s.Thresholds.LowerCaution.Reading.value,
		HighCaution: s.Thresholds.UpperCaution.Reading.value, HighCritical: s.Thresholds.UpperCritical.Reading.value,
	})
}

// watts is PowerControl's consumption, else EnvironmentMetrics', else what the sensors say.
func (r *redfishReader) watts(ctx context.Context) (*float64, error) {
	if r.last == nil {
		if _, err := r.sensors(ctx); err != nil {
			return nil, err
		}
	}
	if r.drawn != nil {
		return r.drawn, nil
	}
	return consumption(r.last), nil
}
