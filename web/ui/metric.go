package ui

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"

	"socle/api"
)

// scale is a range of values and how it lies in a picture.
type scale struct{ low, high float64 }

func (s scale) y(v float64) float64 {
	return tenth(metricMargin + (metricHeight-2*metricMargin)*(s.high-v)/(s.high-s.low))
}

func tenth(v float64) float64 { return math.Round(v*10) / 10 }

// usual are the bounds of a metric's values that are not odd.
func usual(g api.OutlierGroup) (low, high float64) {
	return g.Median - math.Abs(g.Median)*g.Limit, g.Median + math.Abs(g.Median)*g.Limit
}

// widest is a limit from which on the band is cut by the picture.
const widest = 0.5

func scaleOf(list []*series, group *api.OutlierGroup) scale {
	low, high := math.Inf(1), math.Inf(-1)
	for _, s := range list {
		for _, v := range s.values {
			low, high = min(low, v), max(high, v)
		}
	}
	if group != nil {
		low, high = min(low, group.Median), max(high, group.Median)
		if group.Limit < widest {
			l, h := usual(*group)
			low, high = min(low, l), max(high, h)
		}
	}
	if span := max(high-low, math.Abs(high)/20); span > 0 { // what hardly changes is a line, not a mountain
		middle := (low + high) / 2
		out := scale{middle - span*.55, middle + span*.55}
		if low >= 0 { // of what cannot be less than nothing
			out.low = max(0, out.low)
		}
		return out
	}
	return scale{low - 1, high + 1}
}

func newMetricGraph(list []*series, group *api.OutlierGroup, runs []string) MetricGraph {
	first := list[0]
	g := MetricGraph{Metric: first.metric, Unit: unitWord(first.unit), Lower: first.lower, Link: "/outliers?metric=" + url.QueryEscape(first.metric)}
	sc := scaleOf(list, group)
	g.Low, g.High = figure(sc.low), figure(sc.high)
	if group != nil {
		low, high := usual(*group)
		top, bottom := max(0, sc.y(high)), min(metricHeight, sc.y(low))
		g.HasPeers, g.Position, g.Middle, g.BandAt, g.BandHeight = true, group.Position, sc.y(group.Median), top, tenth(max(0, bottom-top))
		g.Peers = fmt.Sprintf("%d of %s: median %s, usual %s to %s", group.Count, group.Peers, figure(group.Median), figure(low), figure(high))
	}
	x := func(run string) float64 {
		if len(runs) == 1 {
			return metricWidth / 2
		}
		return tenth(metricMargin + float64(slices.Index(runs, run))*(metricWidth-2*metricMargin)/float64(len(runs)-1))
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, s := range list {
		l := s.line(sc, x, group)
		l.drawn = l.Odd || len(list) <= maxDrawn || len(g.Lines) < maxDrawn
		if !l.drawn {
			g.Undrawn++
		}
		g.Odd = g.Odd || l.Odd
		g.Lines = append(g.Lines, l)
		low, high = min(low, s.newest), max(high, s.newest)
	}
	g.Unlisted = max(0, len(g.Lines)-maxItems)
	if g.Newest = figure(low); high > low {
		g.Newest += " to " + figure(high)
	}
	return g
}

func (s *series) line(sc scale, x func(string) float64, group *api.OutlierGroup) MetricLine {
	l := MetricLine{Subject: s.subject, Part: s.part, Odd: s.judged.Odd, Newest: figure(s.newest)}
	var b strings.Builder
	for _, run := range s.order {
		l.X, l.Y = x(run), sc.y(s.values[run])
		fmt.Fprintf(&b, "%g,%g ", l.X, l.Y)
		l.Before = append(l.Before, figure(s.values[run]))
	}
	if l.Before = l.Before[:len(l.Before)-1]; len(l.Before) > 0 {
		l.Points = strings.TrimSpace(b.String())
	}
	if group != nil {
		l.Against = distance(s.judged.Distance)
	}
	return l
}

// unitWord is a unit as people write it.
func unitWord(unit string) string {
	switch unit {
	case "1":
		return ""
	case "Cel":
		return "°C"
	}
	return unit
}

// distance says how far a value is from the median of its peers.
func distance(d float64) string {
	switch pc := math.Round(1000*math.Abs(d)) / 10; {
	case pc == 0:
		return "as its peers"
	case d > 0:
		return fmt.Sprintf("%g %% worse", pc)
	default:
		return fmt.Sprintf("%g %% better", pc)
	}
}
