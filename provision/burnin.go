package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"socle/api"
	"socle/inventory"
)

// Results keeps what tests measured and found.
type Results interface {
	SaveMeasurements(ctx context.Context, all ...inventory.Measurement) error
	Findings(ctx context.Context, machineID string) ([]inventory.Findings, error)
	SetFindings(ctx context.Context, f inventory.Findings, actor string) error
}

func (e *Engine) testSteps() []step {
	return []step{
		{"boot-ramdisk", e.bootRamdisk},
		{"burn-in", e.burnIn},
	}
}

// testOrReady leaves inspecting: for the tests when a plan applies, else as ready.
func (e *Engine) testOrReady(m *inventory.Machine, why string) (inventory.Note, error) {
	now := e.Now()
	plan, tested := inventory.BurnInFor(e.BurnIn, m)
	if !tested {
		return inventory.Note{Kind: "state", Reason: why}, m.Move(inventory.Ready, now)
	}
	if err := m.Move(inventory.Testing, now); err != nil {
		return inventory.Note{}, err
	}
	if until := now.Add(time.Duration(len(plan.Tests)*plan.Seconds)*time.Second + time.Hour); until.After(m.Deadline) {
		m.Deadline = until
	}
	return inventory.Note{Kind: "state", Reason: why + "; it is tested first"}, nil
}

// burnIn has the agent run the tests, and judges what came of them.
func (e *Engine) burnIn(ctx context.Context, m *inventory.Machine) (result, error) {
	plan, tested := inventory.BurnInFor(e.BurnIn, m)
	if !tested {
		return done, e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
			return inventory.Note{Kind: "state", Reason: "no plan of tests applies any more"}, m.Move(inventory.Ready, e.Now())
		})
	}
	s, err := e.agent(ctx, m)
	if errors.Is(err, inventory.ErrNotFound) {
		return wait, nil
	}
	if err != nil {
		return result{}, err
	}
	o, r, err := e.order(ctx, m, s, work{kind: api.OrderBurnIn, params: func() (any, error) {
		if err := confirmed(m); err != nil {
			return nil, err
		}
		return api.BurnIn{Tests: plan.Tests, Seconds: plan.Seconds, Memory: plan.Memory, Reserve: plan.Reserve, Write: m.Intent.Disks}, nil
	}})
	if err != nil || !r.done {
		return r, err
	}
	return done, e.judgeTests(ctx, m, o)
}

// mostMeasured bounds what is believed of one run: a server with 512 cores and 100 disks stays far below.
const mostMeasured = 10000

// judgeTests stores what was measured and what failed, and makes the machine ready when nothing did. It may be repeated:
// the run is named by the order.
func (e *Engine) judgeTests(ctx context.Context, m *inventory.Machine, o inventory.Order) error {
	var got api.BurnInResult
	if err := json.Unmarshal(o.Result, &got); err != nil || len(got.Measured)+len(got.Failures)+len(got.Notes) == 0 {
		return &Failure{Kind: inventory.FaultAgent, Reason: "the agent ran the tests and told no results", Err: err,
			Remedy: "rebuild the ramdisk (socle image build ramdisk) and test again"}
	}
	var all []inventory.Measurement
	for _, x := range got.Measured[:min(len(got.Measured), mostMeasured)] {
		if x.Metric != "" {
			all = append(all, inventory.Measurement{Machine: m.ID, Run: o.ID, Time: o.EndedAt, Metric: x.Metric, Subject: x.Subject, Part: x.Part, Value: x.Value,
				Unit: x.Unit, LowerIsBetter: x.LowerIsBetter})
		}
	}
	if err := e.Store.SaveMeasurements(ctx, all...); err != nil {
		return err
	}
	found, whole, err := e.findings(ctx, m, o, got)
	if err != nil {
		return err
	}
	if whole || len(got.Failures) > 0 {
		if err := e.Store.SetFindings(ctx, found, inventory.ActorProvision); err != nil {
			return err
		}
	}
	if n := len(got.Failures); n > 0 {
		reason := got.Failures[0].Reason
		if n > 1 {
			reason = fmt.Sprintf("%s (and %d more)", reason, n-1)
		}
		return &Failure{Kind: inventory.FaultBurnIn, Reason: "a test failed: " + reason,
			Remedy: "see its findings, replace what is named there, then test again"}
	}
	return e.passed(ctx, m, fmt.Sprintf("tests passed, %d values measured", len(all)), found, whole)
}

// findings are what is against a machine after a run. A plan that has less than the model's own says nothing about the rest:
// what was found there stays, and one that never passed the whole is not whole.
func (e *Engine) findings(ctx context.Context, m *inventory.Machine, o inventory.Order, got api.BurnInResult) (f inventory.Findings, whole bool, err error) {
	f = failedTests(m, o, got)
	plan, _ := inventory.BurnInFor(e.BurnIn, m)
	own, some := inventory.OwnBurnIn(e.BurnIn, m)
	if !some || plan.Covers(own) {
		return f, true, nil
	}
	before, err := e.Store.Findings(ctx, m.ID)
	if err != nil {
		return f, false, err
	}
	for _, old := range before {
		if old.Source == inventory.FromBurnIn {
			f.List = withOlder(f.List, old.List)
			whole = len(f.List) == 0 // it passed the whole before
		}
	}
	return f, whole, nil
}

// withOlder adds what was found before and is not found again.
func withOlder(list, older []inventory.Finding) []inventory.Finding {
	seen := map[string]bool{}
	for _, x := range list {
		seen[x.Key()] = true
	}
	for _, x := range older {
		if !seen[x.Key()] {
			list = append(list, x)
		}
	}
	return list
}

// passed makes a machine ready, unless its model's own plan asks for more than was tested.
func (e *Engine) passed(ctx context.Context, m *inventory.Machine, what string, found inventory.Findings, whole bool) error {
	if whole {
		return e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
			return inventory.Note{Kind: "state", Reason: what}, m.Move(inventory.Ready, e.Now())
		})
	}
	if len(found.List) > 0 {
		return &Failure{Kind: inventory.FaultBurnIn, Reason: "tests passed that are fewer than those of its model, and earlier ones failed: " + found.List[0].Reason,
			Remedy: "test again by the plan of its model, without naming one"}
	}
	return e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
		m.Intent = inventory.Intent{}
		return inventory.Note{Kind: "state", Reason: what + "; those of its model are yet to be run"}, m.Move(inventory.Discovered, e.Now())
	})
}

// failedTests are the findings of one run.
func failedTests(m *inventory.Machine, o inventory.Order, r api.BurnInResult) inventory.Findings {
	f := inventory.Findings{Machine: m.ID, Source: inventory.FromBurnIn, Time: o.EndedAt}
	seen := map[string]bool{}
	for _, x := range r.Failures {
		one := inventory.Finding{Source: inventory.FromBurnIn, Kind: inventory.FindFailed, Subject: x.Subject, Reason: x.Reason, Serial: x.Part,
			Remedy: "replace the part, then test again"}
		if !seen[one.Key()] { // what is wrong with one part is told once
			f.List, seen[one.Key()] = append(f.List, one), true
		}
	}
	return f
}

// StopTest ends the tests of a machine: it is discovered then, and waits for a person. Its agent's session ends, by which
// the agent stops what it does and starts the server anew.
func (e *Engine) StopTest(ctx context.Context, actor, ref string) (inventory.Machine, error) {
	m, err := e.act(ctx, actor, ref, func(m *inventory.Machine) (inventory.Note, error) {
		if m.State != inventory.Testing {
			return inventory.Note{}, problem(http.StatusConflict, api.ErrConflict, "%s is %s: only tests under way can be stopped", m.Name, m.State)
		}
		m.Intent, m.Fault = inventory.Intent{}, nil
		return inventory.Note{Kind: "state", Reason: "its tests were stopped"}, m.Move(inventory.Discovered, e.Now())
	})
	if err != nil {
		return m, err
	}
	s, err := e.Store.LiveSession(ctx, m.ID)
	if errors.Is(err, inventory.ErrNotFound) {
		return m, nil
	}
	if err != nil {
		return m, err
	}
	return m, e.Store.EndSession(ctx, s.ID)
}
