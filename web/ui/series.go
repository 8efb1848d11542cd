package ui

import (
	"cmp"
	"fmt"
	"slices"

	"socle/api"
	"socle/inventory"
)

// MetricGraph is one metric of one machine over its runs, with what is usual among its peers.
type MetricGraph struct {
	Metric, Link, Unit string
	Position           string // of the parts in their machines
	Lower              bool   // lower is better
	Peers              string // who is compared, and what is usual; empty: nobody
	HasPeers           bool
	Middle             float64 // where the peers' median is drawn
	BandAt, BandHeight float64 // where what is usual is drawn
	Low, High          string  // ends of the scale
	Newest             string  // the newest value, or the range of all parts'
	Odd                bool
	Lines              []MetricLine
	Undrawn, Unlisted  int // lines that do not fit into the picture, and into the table
}

// MetricLine is one part over the runs.
type MetricLine struct {
	Subject, Part string
	Odd           bool
	Points        string  // of an SVG polyline; empty when it was measured once
	X, Y          float64 // of the newest value
	Newest        string
	Against       string   // its distance from its peers, in words
	Before        []string // older values, the oldest first
	drawn         bool
}

// Drawn are the lines of the picture: odd ones, and as many others as can be told apart.
func (g MetricGraph) Drawn() (all []MetricLine) {
	for _, l := range g.Lines {
		if l.drawn {
			all = append(all, l)
		}
	}
	return all
}

// Measures of a graph, in its own units, and bounds of the page.
const (
	metricWidth     = 320
	metricHeight    = 80
	metricMargin    = 6
	maxMetricGraphs = 100
	maxDrawn        = 32
)

// maxDrawable bounds what a server may say that it measured: differences of such values are numbers.
const maxDrawable = 1e300

// series is one part in one metric.
type series struct {
	metric, subject, part, unit string
	lower                       bool
	values                      map[string]float64 // by run
	order                       []string           // runs that have a value, the oldest first
	newest                      float64
	group                       int // of the report, -1: none
	judged                      api.OutlierValue
}

// metricGraphs draws everything that was measured: what is odd first, then by name.
func metricGraphs(measured []inventory.Measurement, peers api.OutlierReport) (all []MetricGraph, hidden int) {
	runs := runsOf(measured)
	at := map[[2]string][]*series{}
	var keys [][2]string
	for _, s := range seriesOf(measured, runs, peers) {
		key := [2]string{s.metric, fmt.Sprint(s.group)}
		if at[key] == nil {
			keys = append(keys, key)
		}
		at[key] = append(at[key], s)
	}
	for _, key := range keys {
		var group *api.OutlierGroup
		if i := at[key][0].group; i >= 0 {
			group = &peers.Groups[i]
		}
		all = append(all, newMetricGraph(at[key], group, runs))
	}
	slices.SortStableFunc(all, func(a, b MetricGraph) int {
		if a.Odd != b.Odd {
			if a.Odd {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Position, b.Position))
	})
	hidden = max(0, len(all)-maxMetricGraphs)
	return scrub(all[:len(all)-hidden]), hidden
}

// runsOf gives each run its place in time.
func runsOf(measured []inventory.Measurement) (runs []string) {
	began := map[string]int64{}
	for _, m := range measured {
		if t, known := began[m.Run]; !known || m.Time.UnixMicro() < t {
			began[m.Run] = m.Time.UnixMicro()
		}
	}
	for run := range began {
		runs = append(runs, run)
	}
	slices.SortFunc(runs, func(a, b string) int { return cmp.Or(cmp.Compare(began[a], began[b]), cmp.Compare(a, b)) })
	return runs
}

// seriesOf puts together what was measured of the same part. A part is known by its serial number, over names that change from
// boot to boot, unless a run has several readings under the same one.
func seriesOf(measured []inventory.Measurement, runs []string, peers api.OutlierReport) (all []*series) {
	type of struct{ metric, run, part string }
	times := map[of]int{}
	for _, m := range measured {
		times[of{m.Metric, m.Run, m.Part}]++
	}
	shared := map[[2]string]bool{}
	for k, n := range times {
		if n > 1 {
			shared[[2]string{k.metric, k.part}] = true
		}
	}
	place := map[string]int{}
	for i, run := range runs {
		place[run] = i
	}
	byKey := map[[3]string]*series{}
	for _, m := range slices.SortedStableFunc(slices.Values(measured), func(a, b inventory.Measurement) int { return place[a.Run] - place[b.Run] }) {
		key := [3]string{m.Metric, m.Part, m.Subject}
		if m.Part != "" && !shared[[2]string{m.Metric, m.Part}] {
			key[2] = ""
		}
		s := byKey[key]
		if s == nil {
			s = &series{metric: m.Metric, values: map[string]float64{}, group: -1}
			byKey[key], all = s, append(all, s)
		}
		s.subject, s.part, s.unit, s.lower, s.newest = m.Subject, m.Part, m.Unit, m.LowerIsBetter, min(max(m.Value, -maxDrawable), maxDrawable)
		s.values[m.Run] = s.newest
		s.order = append(s.order, m.Run)
	}
	judge(all, peers)
	slices.SortStableFunc(all, func(a, b *series) int {
		if a.judged.Odd != b.judged.Odd && a.judged.Odd {
			return -1
		}
		if a.judged.Odd != b.judged.Odd {
			return 1
		}
		return cmp.Or(cmp.Compare(a.metric, b.metric), cmp.Compare(len(a.subject), len(b.subject)), cmp.Compare(a.subject, b.subject)) // sd2 before sd10
	})
	return all
}

// judge finds for each part the peers with which it was compared. Where there are several groups, the one in which it is odd tells.
func judge(all []*series, peers api.OutlierReport) {
	at := map[[3]string]*series{}
	for _, s := range all {
		at[[3]string{s.metric, s.part, s.subject}] = s
	}
	for i, g := range peers.Groups {
		for _, v := range g.Values {
			if s := at[[3]string{g.Metric, v.Part, v.Subject}]; s != nil && (s.group < 0 || v.Odd && !s.judged.Odd) {
				s.group, s.judged = i, v
			}
		}
	}
}
