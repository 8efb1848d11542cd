package api

import "time"

// PathAlarms lists the open alarms.
const PathAlarms = "/api/v1/alarms"

// Sensor is one sensor, or one part that can fail, as the BMC shows it.
type Sensor struct {
	Name         string   `json:"name"`
	Kind         string   `json:"kind" enum:"temperature,fan,voltage,current,power,supply,drive,other"`
	Value        *float64 `json:"value,omitempty"`
	Unit         string   `json:"unit,omitempty" doc:"in UCUM, as Redfish has it: Cel, RPM, V, A, W, %"`
	Health       string   `json:"health,omitempty" enum:"ok,warning,critical,"`
	State        string   `json:"state,omitempty"`
	LowCritical  *float64 `json:"low_critical,omitempty"`
	LowCaution   *float64 `json:"low_caution,omitempty"`
	HighCaution  *float64 `json:"high_caution,omitempty"`
	HighCritical *float64 `json:"high_critical,omitempty"`
}

// SensorList is the answer of GET …/bmc/sensors.
type SensorList struct {
	Sensors []Sensor `json:"sensors"`
}

// LogEntry is one line of a BMC's own event log.
type LogEntry struct {
	ID     string     `json:"id"`
	Time   *time.Time `json:"time,omitempty" doc:"by the BMC's clock"`
	Sensor string     `json:"sensor,omitempty"`
	Text   string     `json:"text"`
	Health string     `json:"health,omitempty"`
}

// LogList is the answer of GET …/bmc/log, the oldest entry first. Next goes on where it ends.
type LogList struct {
	Entries []LogEntry `json:"entries"`
	Next    string     `json:"next,omitempty"`
}

// Component is a piece of firmware.
type Component struct {
	ID         string `json:"id,omitempty"`
	Name       string `json:"name"`
	Version    string `json:"version"`
	Updateable bool   `json:"updateable"`
}

// FirmwareList is the answer of GET …/bmc/firmware.
type FirmwareList struct {
	Components []Component `json:"components"`
}

// BMCInfo is what a BMC says of itself and of its server; what it does not say is empty.
type BMCInfo struct {
	Protocol string `json:"protocol"`
	Address  string `json:"address"`
	User     string `json:"user,omitempty"`
	Vendor   string `json:"vendor,omitempty"`
	Model    string `json:"model,omitempty"`
	Serial   string `json:"serial,omitempty"`
	UUID     string `json:"uuid,omitempty"`
	Firmware string `json:"firmware,omitempty"`
	MAC      string `json:"mac,omitempty"`
	// BootHabit is what became of next boots that were ordered of BMCs of this make, in words; empty while none was.
	BootHabit string `json:"boot_habit,omitempty"`
}

// LocateRequest switches a locator light.
type LocateRequest struct {
	On      bool `json:"on"`
	Seconds int  `json:"seconds,omitempty" minimum:"0" maximum:"604800" doc:"after how long it goes out by itself; 0: not"`
}

// LocateReply is what the BMC says of the light then.
type LocateReply struct {
	Locator string `json:"locator" enum:"on,off,unknown"`
}

// Health is what is known of how a machine is.
type Health struct {
	Machine  string     `json:"machine"`
	Time     *time.Time `json:"time,omitempty" doc:"of the last look at which the BMC answered"`
	Health   string     `json:"health,omitempty"`
	Locator  string     `json:"locator,omitempty"`
	Watts    *float64   `json:"watts,omitempty"`
	Sensors  []Sensor   `json:"sensors"`
	Alarms   []Alarm    `json:"alarms"`
	Samples  []Sample   `json:"samples" doc:"the last day, the oldest first"`
	Notes    []string   `json:"notes,omitempty" doc:"what the BMC could not tell"`
	Failure  string     `json:"failure,omitempty" doc:"why the last look saw nothing"`
	Failures int        `json:"failures,omitempty"`
}

// Sample is how a machine was in one step of the past.
type Sample struct {
	Time    time.Time `json:"time"`
	Watts   *float64  `json:"watts,omitempty"`
	Inlet   *float64  `json:"inlet,omitempty" doc:"°C, mean"`
	Hottest *float64  `json:"hottest,omitempty" doc:"°C, the highest of all sensors"`
	Fan     *float64  `json:"fan,omitempty" doc:"RPM, of the slowest that turns"`
	Health  string    `json:"health,omitempty"`
}

// Alarm is something about a machine's hardware that somebody has to look after.
type Alarm struct {
	Machine string    `json:"machine"`
	Key     string    `json:"key"`
	Health  string    `json:"health" enum:"warning,critical"`
	Text    string    `json:"text"`
	Since   time.Time `json:"since"`
}

// AlarmList is the answer of GET /api/v1/alarms.
type AlarmList struct {
	Alarms []Alarm `json:"alarms"`
}
