package inventory

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Look is one look at a BMC, for the store: what was seen, or why nothing was.
type Look struct {
	Machine string // ID
	Name    string
	Time    time.Time
	Vitals  Vitals
	Failure string // empty: it answered
	Refused bool   // it answered, and refused the login
	Drift   string // what is to be said of the power, when it is not as wanted; see PowerWish
}

// Condition is what is known of how a server is.
type Condition struct {
	Machine string // ID
	Name    string
	Time    time.Time // of the last look at which the BMC answered; zero: it never has
	Health  Health
	Power   Power
	Locator Locator
	Watts   *float64
	Sensors []Sensor
	Notes   []string
	Mark    LogMark // how far the BMC's log was read
	// Failure is why the last look saw nothing; empty when it did.
	Failure  string
	Failures int       // looks in a row that saw nothing
	Since    time.Time // when the first of them was
}

// Sample is what is kept of a part of the past: the length of a step, such as five minutes. Values are those of the
// sensors that are named like what they are; nil is not known.
type Sample struct {
	Time    time.Time // when the step began
	Watts   *float64  // mean
	Inlet   *float64  // mean, °C, of the air that comes in
	Hottest *float64  // highest, °C, of all temperatures
	Fan     *float64  // lowest, RPM, of the fans that turn
	Health  Health    // worst
}

// SampleSteps are how the past is kept: a day in steps of five minutes, and a month in hours. Newer ones take the
// places of the oldest.
var SampleSteps = []SampleStep{{5 * time.Minute, 288}, {time.Hour, 744}}

// SampleStep is one resolution and how many of its steps are kept.
type SampleStep struct {
	Length time.Duration
	Kept   int
}

// Alarm is something about a machine's hardware that somebody has to look after. It is raised once, and stays until
// it is gone.
type Alarm struct {
	Machine string // ID
	Name    string // the machine's
	Key     string // what it is about: "sensor:PSU1", "bmc"
	Health  Health // HealthWarning or HealthCritical
	Text    string
	Since   time.Time
}

// Alarm keys.
const (
	AlarmBMC    = "bmc"     // the BMC cannot be asked
	AlarmDrift  = "power"   // the power is not as wanted
	alarmSensor = "sensor:" // and the sensor's name
)

// silentLooks is how many looks in a row must see nothing before it is an alarm: BMCs restart.
const silentLooks = 3

// Alarms are those that a look raises; failures counts the looks in a row that saw nothing, this one included. What
// they say of keys for which Judges is false is nothing.
func (l Look) Alarms(failures int) []Alarm {
	alarm := func(key string, h Health, text string) Alarm {
		return Alarm{Machine: l.Machine, Name: l.Name, Key: key, Health: h, Text: text, Since: l.Time}
	}
	if l.Failure != "" {
		if l.Refused || failures >= silentLooks {
			return []Alarm{alarm(AlarmBMC, HealthWarning, l.Failure)}
		}
		return nil
	}
	var all []Alarm
	if l.Drift != "" {
		all = append(all, alarm(AlarmDrift, HealthWarning, l.Drift))
	}
	seen := map[string]int{}
	for _, s := range l.Vitals.Sensors {
		if !s.Health.Bad() {
			continue
		}
		key := alarmSensor + s.Name
		if seen[key]++; seen[key] > 1 {
			key += "#" + strconv.Itoa(seen[key])
		}
		all = append(all, alarm(key, s.Health, s.Complaint()))
	}
	return all
}

// Judges tells whether a look says anything of an alarm: one that saw nothing says nothing of sensors, and one at which
// the sensors could not be read neither.
func (l Look) Judges(key string) bool {
	if key == AlarmBMC {
		return true
	}
	return l.Failure == "" && (key == AlarmDrift || len(l.Vitals.Sensors) > 0 || len(l.Vitals.Notes) == 0)
}

// Complaint says in words what is wrong with a part.
func (s Sensor) Complaint() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is %s", s.Name, s.Health)
	if s.Value != nil {
		fmt.Fprintf(&b, ": %s", s.Shown())
		switch v := *s.Value; {
		case s.HighCritical != nil && v >= *s.HighCritical:
			fmt.Fprintf(&b, ", critical from %v up", *s.HighCritical)
		case s.LowCritical != nil && v <= *s.LowCritical:
			fmt.Fprintf(&b, ", critical from %v down", *s.LowCritical)
		case s.HighCaution != nil && v >= *s.HighCaution:
			fmt.Fprintf(&b, ", unusual from %v up", *s.HighCaution)
		case s.LowCaution != nil && v <= *s.LowCaution:
			fmt.Fprintf(&b, ", unusual from %v down", *s.LowCaution)
		}
	}
	if s.State != "" && s.State != "Enabled" {
		fmt.Fprintf(&b, " (%s)", s.State)
	}
	return b.String()
}

// Shown is the value with its unit as people write it; empty for none.
func (s Sensor) Shown() string {
	if s.Value == nil {
		return ""
	}
	unit := map[string]string{"Cel": "°C", "[degF]": "°F"}[s.Unit]
	if unit == "" {
		unit = s.Unit
	}
	return strings.TrimSpace(strconv.FormatFloat(*s.Value, 'f', -1, 64) + " " + unit)
}

// Sample makes the sample of one look.
func (l Look) Sample() Sample {
	s := Sample{Time: l.Time, Watts: l.Vitals.Watts, Health: l.Vitals.Health()}
	for _, sensor := range l.Vitals.Sensors {
		if sensor.Value == nil {
			continue
		}
		name := strings.ToLower(sensor.Name)
		v := *sensor.Value
		switch {
		case sensor.Kind == SensorTemperature && sensor.Unit == "Cel":
			if s.Hottest == nil || v > *s.Hottest {
				s.Hottest = &v
			}
			if s.Inlet == nil && (strings.Contains(name, "inlet") || strings.Contains(name, "ambient")) {
				s.Inlet = &v
			}
		case sensor.Kind == SensorFan && sensor.Unit == "RPM" && v > 0:
			if s.Fan == nil || v < *s.Fan {
				s.Fan = &v
			}
		}
	}
	return s
}

// Lit is a locator light that was switched on for a time.
type Lit struct {
	Machine string // ID
	Name    string
	Actor   string
	Since   time.Time
	Until   time.Time // zero: until somebody switches it off
}
