package inventory

import (
	"time"

	"socle/hardware"
)

// Health is how well a part or a whole server is, in the words of DMTF's Resource schema (DSP2046).
type Health string

// The healths. Unknown stands for a part that is absent, switched off, or says nothing of itself.
const (
	HealthUnknown  Health = ""
	HealthOK       Health = "ok"
	HealthWarning  Health = "warning"
	HealthCritical Health = "critical"
)

// rank orders healths from good to bad.
func (h Health) rank() int {
	switch h {
	case HealthOK:
		return 1
	case HealthWarning:
		return 2
	case HealthCritical:
		return 3
	}
	return 0
}

// Worse returns the worse of two healths; one that is unknown says nothing.
func (h Health) Worse(other Health) Health {
	if other.rank() > h.rank() {
		return other
	}
	return h
}

// Bad tells whether somebody has to look after it.
func (h Health) Bad() bool { return h == HealthWarning || h == HealthCritical }

// SensorKind is what a sensor measures.
type SensorKind string

// The kinds of sensors. SensorSupply and SensorOther have no value, only a health and words.
const (
	SensorTemperature SensorKind = "temperature"
	SensorFan         SensorKind = "fan"
	SensorVoltage     SensorKind = "voltage"
	SensorCurrent     SensorKind = "current"
	SensorPower       SensorKind = "power"
	SensorSupply      SensorKind = "supply" // a power supply as a part
	SensorDrive       SensorKind = "drive"
	SensorOther       SensorKind = "other"
)

// Sensor is one sensor, or one part that can fail, as a BMC showed it at some moment.
type Sensor struct {
	Name   string     `json:"name"`
	Kind   SensorKind `json:"kind"`
	Value  *float64   `json:"value,omitempty"`  // nil: none, or not at present
	Unit   string     `json:"unit,omitempty"`   // of Value, in UCUM as Redfish has it: "Cel", "RPM", "V", "A", "W", "%"
	Health Health     `json:"health,omitempty"` // as the BMC judges it
	State  string     `json:"state,omitempty"`  // words of the BMC, for what has no value
	// Where the BMC begins to worry; nil: nowhere.
	LowCritical  *float64 `json:"low_critical,omitempty"`
	LowCaution   *float64 `json:"low_caution,omitempty"`
	HighCaution  *float64 `json:"high_caution,omitempty"`
	HighCritical *float64 `json:"high_critical,omitempty"`
}

// LogEntry is one line of a BMC's own event log: IPMI's SEL, or a log service of Redfish.
type LogEntry struct {
	ID     string    `json:"id"`               // as the BMC numbers it
	Time   time.Time `json:"time,omitzero"`    // by the BMC's clock, which may be wrong; zero: it has none
	Sensor string    `json:"sensor,omitempty"` // name, or what is known instead of it
	Text   string    `json:"text"`
	Health Health    `json:"health,omitempty"`
}

// LogMark says how far a BMC's log was read: to continue there. The zero mark is the beginning.
type LogMark struct {
	ID   string    `json:"id,omitempty"`
	Time time.Time `json:"time,omitzero"`
}

// IsZero tells whether nothing was read yet.
func (m LogMark) IsZero() bool { return m.ID == "" && m.Time.IsZero() }

// Component is a piece of firmware of a server.
type Component struct {
	ID         string `json:"id,omitempty"`
	Name       string `json:"name"`
	Version    string `json:"version"`
	Updateable bool   `json:"updateable"` // by the BMC, as it says
}

// Locator is the light that shows people which server is meant.
type Locator string

// The states of the locator light. LocatorUnknown: the BMC cannot tell.
const (
	LocatorUnknown Locator = ""
	LocatorOn      Locator = "on"
	LocatorOff     Locator = "off"
)

// Vitals is all that one look at a BMC says of how its server is.
type Vitals struct {
	Power   Power
	Locator Locator
	Sensors []Sensor
	Watts   *float64   // drawn by the whole server; nil: it does not say
	Log     []LogEntry // new since the mark, the oldest first
	Mark    LogMark    // where the log goes on
	Notes   []string   // what could not be read, and why
	// PSUs are the power supplies of this one server, and their empty bays, as its BMC lists them.
	PSUs []Supply
	// Heard is what the BMC hears at its own network port by LLDP; empty: it does not tell.
	Heard []Uplink
}

// Uplink is where the cable of a BMC's own port ends, as the switch says it by LLDP and the BMC tells it.
type Uplink struct {
	ChassisID  string `json:"chassis_id,omitempty"`
	PortID     string `json:"port_id"`
	SystemName string `json:"system_name,omitempty"`
}

// Neighbor is the same in the words of the agent.
func (u Uplink) Neighbor() hardware.Neighbor {
	return hardware.Neighbor{ChassisID: u.ChassisID, PortID: u.PortID, SystemName: u.SystemName}
}

// Health is that of the worst sensor.
func (v Vitals) Health() Health {
	var worst Health
	for _, s := range v.Sensors {
		worst = worst.Worse(s.Health)
	}
	return worst
}
