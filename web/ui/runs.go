package ui

import (
	"encoding/json"
	"time"

	"socle/api"
	"socle/inventory"
)

// Runs is the page of all that tests measured of one machine.
type Runs struct {
	Row
	Tests  Tests
	Metric string // that is looked at; empty: all
	Runs   []Run
	Older  int // runs that are not listed
	Graphs []MetricGraph
	Hidden int // metrics that are not drawn
}

// Run is one run of tests.
type Run struct {
	ID, State, Word string
	Class           string // of the word's tag
	Begun           time.Time
	Took            string
	Measured        int
	Failures        []api.BurnInFailure
	Notes           []string
}

// RunsInput is what the page is made from.
type RunsInput struct {
	Machine  inventory.Machine
	Tests    TestsInput
	Measured []inventory.Measurement // of all runs that are kept
	Peers    api.OutlierReport       // of this machine alone
	Metric   string
}

func (Runs) name() string    { return "runs" }
func (r Runs) title() string { return r.Name + ": tests" }

// NewRuns makes the page.
func NewRuns(in RunsInput, now time.Time) Runs {
	m := scrub(in.Machine)
	r := Runs{Row: newRow(m, nil, now), Tests: in.Tests.view(m), Metric: clean(in.Metric)}
	for _, o := range in.Tests.Orders {
		switch {
		case o.Kind != api.OrderBurnIn:
		case len(r.Runs) == inventory.MeasurementsKept:
			r.Older++
		default:
			r.Runs = append(r.Runs, newRun(o, now))
		}
	}
	r.Graphs, r.Hidden = metricGraphs(in.Measured, in.Peers)
	return r
}

// newRun tells what came of one run. An order that was carried out may have found failures.
func newRun(o inventory.Order, now time.Time) Run {
	r := Run{ID: o.ID, State: clean(string(o.State)), Word: clean(string(o.State)), Class: "unknown", Begun: o.IssuedAt}
	if !o.TakenAt.IsZero() {
		r.Begun = o.TakenAt
	}
	end := o.EndedAt
	if !o.State.Final() {
		end = now
	}
	if !end.IsZero() {
		r.Took = duration(end.Sub(r.Begun))
	}
	var result struct {
		Measured []json.RawMessage   `json:"measured"`
		Failures []api.BurnInFailure `json:"failures"`
		Notes    []string            `json:"notes"`
	}
	told := json.Unmarshal(o.Result, &result) == nil
	r.Measured, r.Failures, r.Notes = len(result.Measured), scrub(result.Failures), scrub(result.Notes)
	switch {
	case !o.State.Final():
		r.Word = "under way"
	case o.State != inventory.OrderDone:
		if o.Message != "" {
			r.Notes = append(r.Notes, clean(o.Message))
		}
	case len(r.Failures) > 0:
		r.Word, r.Class = "failed", "critical"
	case told:
		r.Word, r.Class = "passed", "ok"
	}
	return r
}
