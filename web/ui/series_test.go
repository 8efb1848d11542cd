package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/inventory"
)

// TestSeries: a part is followed by its serial number, over names that change; another part in its place has a line of its own.
func TestSeries(t *testing.T) {
	at := func(run int, metric, subject, part string, value float64) inventory.Measurement {
		return inventory.Measurement{Run: fmt.Sprintf("run%d", run), Time: time.Unix(int64(1000*run), 0), Metric: metric, Subject: subject, Part: part, Value: value, Unit: "MB/s"}
	}
	all := []inventory.Measurement{ // as the store has them, the newest first
		at(3, "disk.read", "sdb", "A", 103), at(2, "disk.read", "sda", "A", 102), at(1, "disk.read", "sda", "A", 101),
		at(3, "disk.read", "sdc", "NEW", 203), at(1, "disk.read", "sdc", "OLD", 201),
		at(2, "net", "eno1", "CARD", 1), at(2, "net", "eno2", "CARD", 2), at(1, "net", "eno1", "CARD", 3), at(1, "net", "eno2", "CARD", 4),
	}
	graphs, hidden := metricGraphs(all, api.OutlierReport{})
	var got []string
	for _, g := range graphs {
		for _, l := range g.Lines {
			got = append(got, fmt.Sprintf("%s %s %s: %s, %s", g.Metric, l.Subject, l.Part, strings.Join(l.Before, " "), l.Newest))
		}
	}
	want := []string{"disk.read sdb A: 101 102, 103", "disk.read sdc OLD: , 201", "disk.read sdc NEW: , 203", "net eno1 CARD: 3, 1", "net eno2 CARD: 4, 2"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || hidden != 0 {
		t.Errorf("lines\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if l := graphs[0].Lines[0]; l.X != metricWidth-metricMargin || !strings.HasPrefix(l.Points, fmt.Sprint(metricMargin)+",") {
		t.Errorf("runs are not drawn from the left to the right: %+v", l)
	}
}

// TestManyLines: of many parts the odd ones are drawn and listed in any case.
func TestManyLines(t *testing.T) {
	var all []inventory.Measurement
	for i := range 600 {
		all = append(all, inventory.Measurement{Run: "r", Time: time.Unix(1, 0), Metric: "cpu.ops", Subject: fmt.Sprintf("core %d", i), Value: float64(400 + i%3)})
	}
	peers := api.OutlierReport{Groups: []api.OutlierGroup{{Metric: "cpu.ops", Median: 401, Limit: .07, Count: 6000, Peers: "equal CPUs"}}}
	for i := range 600 {
		peers.Groups[0].Values = append(peers.Groups[0].Values, api.OutlierValue{Subject: fmt.Sprintf("core %d", i), Odd: i == 599, Distance: .2})
	}
	graphs, _ := metricGraphs(all, peers)
	g := graphs[0]
	if len(graphs) != 1 || !g.Odd || g.Lines[0].Subject != "core 599" || !g.Lines[0].Odd || g.Lines[1].Subject != "core 0" || len(g.Drawn()) != maxDrawn || g.Undrawn != 600-maxDrawn || g.Unlisted != 600-maxItems {
		t.Errorf("%d graphs, first line %+v, drawn %d, undrawn %d, unlisted %d", len(graphs), g.Lines[0], len(g.Drawn()), g.Undrawn, g.Unlisted)
	}
	for i := range 600 {
		all[i].Metric = fmt.Sprintf("metric%d", i)
	}
	if graphs, hidden := metricGraphs(all, api.OutlierReport{}); len(graphs) != maxMetricGraphs || hidden != 600-maxMetricGraphs {
		t.Errorf("%d metrics are drawn, %d are not", len(graphs), hidden)
	}
}
