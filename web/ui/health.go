package ui

import (
	"fmt"
	"math"
	"strings"
	"time"

	"socle/inventory"
)

// Health is how a machine is, for its page.
type Health struct {
	Known   bool // somebody has looked, or tried to
	Seen    time.Time
	Class   string // of the state: "ok", "warning", "critical", "unknown"
	Watts   string
	Light   inventory.Locator
	Failure string
	Alarms  []inventory.Alarm
	Sensors []SensorLine
	Notes   []string
	Graphs  []Graph
}

// SensorLine is one sensor in the table.
type SensorLine struct {
	inventory.Sensor
	Class string
	Limit string
}

// Graph is the last day of one value.
type Graph struct {
	Name   string
	Last   string
	Low    string
	High   string
	Points string // of an SVG polyline in a box of graphWidth × graphHeight
}

// Measures of a graph, in its own units.
const (
	graphWidth  = 288 // one for five minutes of a day
	graphHeight = 44
)

// maxSensorLines bounds the table.
const maxSensorLines = 200

// newHealth makes the view of what is known.
func newHealth(c inventory.Condition, alarms []inventory.Alarm, samples []inventory.Sample, now time.Time) Health {
	c = scrub(c)
	h := Health{
		Known: !c.Time.IsZero() || c.Failure != "", Seen: c.Time, Class: healthClass(c.Health), Light: c.Locator,
		Failure: c.Failure, Alarms: scrub(alarms), Notes: c.Notes,
	}
	if c.Watts != nil {
		h.Watts = fmt.Sprintf("%.0f W", *c.Watts)
	}
	for _, s := range c.Sensors[:min(maxSensorLines, len(c.Sensors))] {
		line := SensorLine{Sensor: s, Class: healthClass(s.Health)}
		if s.HighCritical != nil {
			line.Limit = fmt.Sprintf("below %g", *s.HighCritical)
		} else if s.LowCritical != nil {
			line.Limit = fmt.Sprintf("above %g", *s.LowCritical)
		}
		h.Sensors = append(h.Sensors, line)
	}
	for _, g := range []struct {
		name, unit string
		of         func(inventory.Sample) *float64
	}{
		{"Power", "W", func(s inventory.Sample) *float64 { return s.Watts }},
		{"Air in", "°C", func(s inventory.Sample) *float64 { return s.Inlet }},
		{"Hottest", "°C", func(s inventory.Sample) *float64 { return s.Hottest }},
		{"Slowest fan", "RPM", func(s inventory.Sample) *float64 { return s.Fan }},
	} {
		if graph, some := newGraph(g.name, g.unit, samples, g.of, now); some {
			h.Graphs = append(h.Graphs, graph)
		}
	}
	return h
}

func healthClass(h inventory.Health) string {
	switch h {
	case inventory.HealthOK, inventory.HealthWarning, inventory.HealthCritical:
		return string(h)
	default:
		return "unknown"
	}
}

// newGraph draws the values of the last day; two at least make one.
func newGraph(name, unit string, samples []inventory.Sample, of func(inventory.Sample) *float64, now time.Time) (Graph, bool) {
	low, high, last := math.Inf(1), math.Inf(-1), 0.0
	points := 0
	for _, s := range samples {
		if v := of(s); v != nil {
			low, high, last = min(low, *v), max(high, *v), *v
			points++
		}
	}
	if points < 2 {
		return Graph{}, false
	}
	span := max(high-low, math.Abs(high)/20, 1e-9) // what hardly changes is a line, not a mountain
	var b strings.Builder
	for _, s := range samples {
		v := of(s)
		if v == nil {
			continue
		}
		x := graphWidth - now.Sub(s.Time).Minutes()/5
		y := 2 + (graphHeight-4)*(1-(*v-low)/span)
		fmt.Fprintf(&b, "%.1f,%.1f ", min(max(x, 0), graphWidth), y)
	}
	show := func(v float64) string { return fmt.Sprintf("%.0f %s", v, unit) }
	return Graph{Name: name, Last: show(last), Low: show(low), High: show(high), Points: strings.TrimSpace(b.String())}, true
}
