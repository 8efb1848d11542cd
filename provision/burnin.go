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
		return api.BurnIn{Tests: plan.Tests, Seconds: plan.Seconds, Memory: plan.Memory, Reserve: plan.Reserve}, nil
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
	if err := json.Unmarshal(o.Result, &got); err != nil || len(got.Measured)+len(got.Failures) == 0 {
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
	if err := e.Store.SetFindings(ctx, failedTests(m, o, got), inventory.ActorProvision); err != nil {
		return err
	}
	if n := len(got.Failures); n > 0 {
		reason := got.Failures[0].Reason
		if n > 1 {
			reason = fmt.Sprintf("%s (and %d more)", reason, n-1)
		}
		return &Failure{Kind: inventory.FaultBurnIn, Reason: "a test failed: " + reason,
			Remedy: "see its findings, replace what is named there, then test again"}
	}
	return e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
		return inventory.Note{Kind: "state", Reason: fmt.Sprintf("tests passed, %d values measured", len(all))}, m.Move(inventory.Ready, e.Now())
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

// Test reads the hardware of a machine again and then runs the tests of its plan.
func (e *Engine) Test(ctx context.Context, actor, ref string) (inventory.Machine, error) {
	m, err := e.find(ctx, ref)
	if err != nil {
		return m, err
	}
	if _, ok := inventory.BurnInFor(e.BurnIn, &m); !ok && (m.Facts != nil || len(e.BurnIn) == 0) {
		return m, problem(http.StatusConflict, api.ErrConflict, "no plan of burnin in the configuration applies to %s", m.Name)
	}
	request := api.InspectRequest{Media: m.ByMedium()}
	return e.Inspect(ctx, actor, m.ID, request)
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
