package ui

import (
	"math"
	"strings"
	"testing"
	"time"

	"socle/inventory"
)

// TestGraph: the newest value is at the right edge, the lowest at the bottom, and what hardly changes is flat.
func TestGraph(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	at := func(ago time.Duration, v float64) inventory.Sample {
		return inventory.Sample{Time: now.Add(-ago), Watts: &v}
	}
	of := func(s inventory.Sample) *float64 { return s.Watts }
	g, some := newGraph("Power", "W", []inventory.Sample{at(24*time.Hour, 100), {Time: now.Add(-time.Hour)}, at(12*time.Hour, 200), at(0, 150)}, of, now)
	if !some || g.Points != "0.0,42.0 144.0,2.0 288.0,22.0" || g.Low != "100 W" || g.High != "200 W" || g.Last != "150 W" {
		t.Errorf("%v %+v", some, g)
	}
	if _, some := newGraph("Power", "W", []inventory.Sample{at(0, 1)}, of, now); some {
		t.Error("one value is a graph")
	}
	g, _ = newGraph("Power", "W", []inventory.Sample{at(time.Hour, 200), at(0, 201)}, of, now)
	if g.Points != "276.0,42.0 288.0,38.0" {
		t.Errorf("one watt more: %s", g.Points)
	}
	g, _ = newGraph("Power", "W", []inventory.Sample{at(1000*time.Hour, math.MaxFloat64), at(0, -math.MaxFloat64)}, of, now)
	if strings.Contains(g.Points, "e+") {
		t.Errorf("%s", g.Points)
	}
}
