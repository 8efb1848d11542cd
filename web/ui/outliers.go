package ui

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"

	"socle/api"
)

// Outliers is the page of those that are not like the others.
type Outliers struct {
	Compared int
	Metric   string // that is looked at closely; empty: all, from afar
	Findings []OddLine
	Hidden   int // findings that do not fit on the page
	Groups   []Strip
	Quiet    int // groups without odd values, not shown
	Notes    []api.OutlierNote
}

// OddLine is one finding.
type OddLine struct {
	api.OutlierFinding
	Link string
}

// Strip is how the values of one group are spread: a dot for each, the odd ones marked.
type Strip struct {
	api.OutlierGroup
	Name, Link         string
	Dots               []Dot
	Middle             float64
	LimitAt, LimitFrom float64 // where what is odd begins, and the left end of that part
	LimitWidth         float64
	LowWord, MidWord   string
	HighWord           string
	SpreadWord         string
	LimitWord          string
}

// Dot is one value, or several at one place.
type Dot struct {
	X, R  float64
	Odd   bool
	Label string
}

// Measures of a strip, in its own units, and bounds of the page.
const (
	stripWidth  = 600
	stripMargin = 10
	maxOddLines = 500
	maxStrips   = 200
)

func (Outliers) name() string  { return "outliers" }
func (Outliers) title() string { return "Outliers" }

// NewOutliers makes the page. Without a metric, groups in which nothing is odd are counted only.
func NewOutliers(r api.OutlierReport, metric string) Outliers {
	r = scrub(r)
	o := Outliers{Compared: r.Compared, Metric: clean(metric), Notes: r.Notes, Hidden: max(0, len(r.Findings)-maxOddLines)}
	for _, f := range r.Findings[:min(len(r.Findings), maxOddLines)] {
		o.Findings = append(o.Findings, OddLine{f, "/machines/" + url.PathEscape(f.Machine)})
	}
	for _, g := range r.Groups {
		odd := slices.ContainsFunc(g.Values, func(v api.OutlierValue) bool { return v.Odd })
		if metric == "" && !odd || len(o.Groups) == maxStrips {
			o.Quiet++
			continue
		}
		o.Groups = append(o.Groups, newStrip(g))
	}
	return o
}

func newStrip(g api.OutlierGroup) Strip {
	s := Strip{
		OutlierGroup: g, Name: g.Metric, Link: "/outliers?metric=" + url.QueryEscape(g.Metric), LowWord: figure(g.Low), MidWord: figure(g.Median), HighWord: figure(g.High),
		SpreadWord: fmt.Sprintf("%.1f %%", 100*g.Spread), LimitWord: fmt.Sprintf("%.0f %%", 100*g.Limit),
	}
	at := func(v float64) float64 {
		if g.High <= g.Low {
			return stripWidth / 2
		}
		x := stripMargin + (v-g.Low)/(g.High-g.Low)*(stripWidth-2*stripMargin)
		return float64(int(x*10)) / 10
	}
	s.Middle = at(g.Median)
	limit := g.Median * (1 - g.Limit)
	if g.LowerIsBetter {
		limit = g.Median * (1 + g.Limit)
	}
	s.LimitAt = min(stripWidth, max(0, at(limit)))
	if s.LimitWidth = s.LimitAt; g.LowerIsBetter {
		s.LimitFrom, s.LimitWidth = s.LimitAt, stripWidth-s.LimitAt
	}
	s.Dots = dots(g, at)
	return s
}

// dots are those that are known one by one, over the histogram of all: of a large fleet only the odd values come.
func dots(g api.OutlierGroup, at func(float64) float64) (all []Dot) {
	if len(g.Values) < g.Count {
		step := (g.High - g.Low) / float64(max(1, len(g.Histogram)))
		rest := slices.Clone(g.Histogram)
		for _, v := range g.Values { // they have dots of their own
			if i := int((v.Value - g.Low) / max(step, math.SmallestNonzeroFloat64)); len(rest) > 0 {
				rest[max(0, min(i, len(rest)-1))]--
			}
		}
		for i, n := range rest {
			if n > 0 {
				all = append(all, Dot{X: at(g.Low + (float64(i)+.5)*step), R: min(9, 3+float64(n)/float64(g.Count)*12), Label: fmt.Sprintf("%d near %s %s", n, figure(g.Low+(float64(i)+.5)*step), g.Unit)})
			}
		}
	}
	seen := map[float64]bool{}
	for _, v := range slices.Backward(g.Values) { // the worst are drawn last
		x := at(v.Value)
		if seen[x] && !v.Odd {
			continue
		}
		seen[x] = true
		label := v.Machine
		if v.Subject != "" {
			label += " " + v.Subject
		}
		all = append(all, Dot{X: x, R: 4, Odd: v.Odd, Label: label + ": " + figure(v.Value) + " " + g.Unit})
	}
	return all
}

// figure is a number with four digits, or more before the point.
func figure(v float64) string {
	if v >= 1000 || v <= -1000 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
