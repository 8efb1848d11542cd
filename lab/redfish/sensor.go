package redfish

import (
	"fmt"
	"hash/fnv"
	"math"
	"slices"
)

// reading is one sensor at this moment.
type reading struct {
	id, kind, unit string
	value          float64
	component      string
	caution, fatal float64 // upper; 0: none
}

// jitter is what this controller's sensor differs by, between -1 and 1; always the same for a seed.
func (b *BMC) jitter(id string) float64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d/%s", b.seed, id)
	return float64(h.Sum64()%2001)/1000 - 1
}

func (b *BMC) temperature(t Temperature, on bool) reading {
	r := reading{id: t.Name + "Temp", kind: "Temperature", unit: "Cel", component: t.Name, caution: t.Caution, fatal: t.Fatal}
	r.value = math.Round(t.Usual + 2*b.jitter(t.Name))
	if !on {
		r.value = 21
	}
	switch b.health[t.Name] {
	case Warning:
		r.value = t.Caution + 1
	case Critical:
		r.value = t.Fatal + 1
	}
	return r
}

func (b *BMC) fan(i int, on bool) reading {
	id := fanID(i)
	r := reading{id: id + "Speed", kind: "Rotational", unit: "RPM", component: id}
	if on {
		r.value = math.Round(7200 + 240*b.jitter(id))
	}
	switch b.health[id] {
	case Warning:
		r.value = math.Round(r.value / 4)
	case Critical:
		r.value = 0
	}
	return r
}

// supplies are the watts that come in at each power supply: the load is shared by those that work.
func (b *BMC) supplies(on bool) []reading {
	h := b.shape.Hardware
	all := 9.0 // standby
	if on {
		all = math.Round(float64(h.IdleWatts) * (1 + 0.05*b.jitter("load")))
	}
	work := 0
	for i := range h.PowerSupplies {
		if b.health[supplyID(i)] != Critical {
			work++
		}
	}
	var list []reading
	for i := range h.PowerSupplies {
		r := reading{id: supplyID(i) + "Input", kind: "Power", unit: "W", component: supplyID(i)}
		if b.health[supplyID(i)] != Critical {
			r.value = all / float64(work)
		}
		list = append(list, r)
	}
	return list
}

// readings are all sensors.
func (b *BMC) readings(c *call) ([]reading, error) {
	on, err := b.vm.Power(c.Context())
	if err != nil {
		return nil, err
	}
	var all []reading
	for _, t := range b.shape.Hardware.Temperatures {
		all = append(all, b.temperature(t, on))
	}
	for i := range b.shape.Hardware.Fans {
		all = append(all, b.fan(i, on))
	}
	total := reading{id: "TotalPower", kind: "Power", unit: "W"}
	for _, r := range b.supplies(on) {
		total.value += r.value
		all = append(all, r)
	}
	return append(all, total), nil
}

func sensorRoutes() map[string]route {
	const at = root + "/Chassis/{chassis}/Sensors"
	return map[string]route{
		at: {get: func(b *BMC, c *call) (object, error) {
			all, err := b.readings(c)
			if err != nil {
				return nil, err
			}
			var ids []string
			for _, r := range all {
				ids = append(ids, r.id)
			}
			path := b.chassis() + "/Sensors"
			return collection(path, "SensorCollection", "Sensors", below(path, ids...)...), nil
		}},
		at + "/{}": {get: func(b *BMC, c *call) (object, error) {
			all, err := b.readings(c)
			if err != nil {
				return nil, err
			}
			i := slices.IndexFunc(all, func(r reading) bool { return r.id == c.ids[0] })
			if i < 0 {
				return nil, notFound(c.URL.Path)
			}
			r := all[i]
			o := resource(b.chassis()+"/Sensors/"+r.id, "Sensor.v1_5_0", r.id, r.id).with(object{
				"ReadingType": r.kind, "ReadingUnits": r.unit, "Reading": r.value, "Status": b.statusOf(r.component),
			})
			if r.fatal > 0 {
				o["Thresholds"] = object{"UpperCaution": object{"Reading": r.caution}, "UpperCritical": object{"Reading": r.fatal}}
			}
			return o, nil
		}},
	}
}
