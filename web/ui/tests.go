package ui

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"socle/api"
	"socle/hardware"
	"socle/inventory"
)

// Tests is how the burn-in of a machine stands: what runs, what is against it, and what can be done.
type Tests struct {
	Plan     string // in words; empty: none applies
	Choices  []TestPlan
	Running  bool
	CanBegin bool
	Refused  string // why it cannot begin, as far as the machine's state says it
	Steps    []TestStep
	Percent  int
	Left     string // of the time that all tests take; empty: it is not known yet
	Waits    string // for what, before the tests begin
	Tested   time.Time
	Runs     int // that came to an end, or were ended
	Against  []inventory.Finding
	Machine  string          // link to its page
	Link     string          // to the results of all runs
	Disks    []hardware.Disk // that can be written to, when a person says so
	Writes   []string        // serial numbers of those that the tests under way, or to come, may write to
}

// TestStep is one test of a run under way.
type TestStep struct {
	Name, Class string // the class is "done", "now" or "next"
	Percent     int
	Text        string
}

// TestsInput is what is known of a machine's tests.
type TestsInput struct {
	// Plan is the one that applies; nil: none does. Unsure: it is not known before the hardware has been read.
	Plan    *inventory.BurnInPlan
	Unsure  bool
	Choices []inventory.BurnInPlan // instead of it
	Orders  []inventory.Order      // newest first
	Found   []inventory.Findings
}

// view is what a page shows of it. What was found counts when tests found it, or when it was measured by them.
func (in TestsInput) view(m inventory.Machine) Tests {
	t := Tests{Running: m.State == inventory.Testing, Machine: link(m), Link: link(m) + "/tests", Writes: m.Intent.Disks}
	if in.Plan != nil {
		t.Plan = planWords(*in.Plan)
	}
	for _, p := range in.Choices {
		t.Choices = append(t.Choices, TestPlan{Name: p.Name, Words: planWords(p)})
	}
	switch {
	case t.Running:
	case m.Hold != nil:
		t.Refused = "it is held"
	case m.State != inventory.Expected && m.State != inventory.Discovered && m.State != inventory.Ready:
		t.Refused = "it is " + string(m.State) + "; expected, discovered and ready machines can be tested"
	default:
		t.CanBegin = in.Plan != nil || in.Unsure || len(in.Choices) > 0
	}
	if m.Facts != nil && m.Serial() != "" && t.CanBegin {
		t.Disks = slices.DeleteFunc(scrub(slices.Clone(m.Facts.Disks)), func(d hardware.Disk) bool { return !d.Writable() })
	}
	for i, o := range in.Orders {
		if o.Kind != api.OrderBurnIn {
			continue
		}
		if o.State.Final() {
			t.Runs++
		} else if t.Running && t.Steps == nil {
			t.progress(in.Orders[i], in.Plan)
		}
	}
	if t.Running && t.Steps == nil {
		t.Waits = "the agent has not begun yet"
	}
	t.Tested, t.Against = testFindings(in.Found)
	return t
}

// testFindings is when tests ended last, and what came of them: what failed, and what was measured otherwise than of peers.
func testFindings(found []inventory.Findings) (tested time.Time, against []inventory.Finding) {
	for _, f := range found {
		if f.Source == inventory.FromBurnIn {
			tested = f.Time
		}
		for _, x := range f.List {
			if f.Source == inventory.FromBurnIn || ofMeasurement(x) {
				against = append(against, x)
			}
		}
	}
	inventory.SortFindings(against)
	return tested, scrub(against)
}

func ofMeasurement(f inventory.Finding) bool {
	return f.Source == inventory.FromOutlier && (f.Kind == inventory.FindSlow || f.Kind == inventory.FindUnstable)
}

// progress says how far each test is. Agents count the seconds of all tests, which share them evenly, one after the other.
func (t *Tests) progress(o inventory.Order, plan *inventory.BurnInPlan) {
	var names []string
	var params api.BurnIn
	if err := json.Unmarshal(o.Params, &params); err == nil {
		names = scrub(params.Tests)
	} else if plan != nil {
		names = plan.Tests
	}
	if o.Total <= 0 || len(names) == 0 {
		return
	}
	t.Percent = percent(o.Done, o.Total)
	t.Left = left(o)
	share := float64(o.Total) / float64(len(names))
	for i, name := range names {
		over := min(max(float64(o.Done)-float64(i)*share, 0), share)
		s := TestStep{Name: name, Class: "now", Percent: int(100 * over / share), Text: seconds(over) + " of " + seconds(share)}
		switch {
		case over >= share:
			s.Class, s.Text = "done", seconds(share)
		case float64(o.Done) < float64(i)*share:
			s.Class, s.Text = "next", seconds(share)
		}
		t.Steps = append(t.Steps, s)
	}
}

// Begin is what the button says.
func (t Tests) Begin() string {
	if t.Runs > 0 || !t.Tested.IsZero() {
		return "Test again"
	}
	return "Begin the tests"
}

// Failed counts what is against the machine; what is minor is not.
func (t Tests) Failed() (n int) {
	for _, f := range t.Against {
		if !f.Minor {
			n++
		}
	}
	return n
}

// left is how long the tests of an order take yet.
func left(o inventory.Order) string { return seconds(float64(max(0, o.Total-o.Done))) }

func percent(done, total int64) int {
	return int(min(100, max(0, float64(done)/float64(total)*100)))
}

func seconds(s float64) string { return duration(time.Duration(s * float64(time.Second))) }

// planWords tells a plan: which tests, for how long.
func planWords(p inventory.BurnInPlan) string {
	each := time.Duration(p.Seconds) * time.Second
	tests := clean(strings.Join(p.Tests, ", "))
	if len(p.Tests) == 1 {
		return fmt.Sprintf("%s for %s", tests, duration(each))
	}
	return fmt.Sprintf("%s; %s each, %s in all", tests, duration(each), duration(time.Duration(len(p.Tests))*each))
}
