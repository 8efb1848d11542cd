package inventory

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// TestTransitionTable checks what every row must hold, whatever the table says.
func TestTransitionTable(t *testing.T) {
	seen := map[[2]State]bool{}
	for _, tr := range Transitions() {
		key := [2]State{tr.From, tr.To}
		switch {
		case !slices.Contains(States(), tr.From) || !slices.Contains(States(), tr.To):
			t.Errorf("%s to %s: no such state", tr.From, tr.To)
		case seen[key]:
			t.Errorf("%s to %s is there twice", tr.From, tr.To)
		case tr.From == Retired:
			t.Errorf("a retired machine goes to %s", tr.To)
		case tr.From == tr.To:
			t.Errorf("%s leads to itself", tr.From)
		case tr.Why == "":
			t.Errorf("%s to %s has no occasion", tr.From, tr.To)
		}
		seen[key] = true
		if tr.To.Stable() {
			if tr.Leads != "" || tr.Deadline != 0 {
				t.Errorf("%s to %s: a stable state has neither aim nor deadline", tr.From, tr.To)
			}
			continue
		}
		if !tr.Leads.Stable() || tr.Deadline <= 0 {
			t.Errorf("%s to %s: aim %q, deadline %v", tr.From, tr.To, tr.Leads, tr.Deadline)
		}
		if tr.Boot != BootRamdisk && tr.Boot != BootRescue {
			t.Errorf("%s to %s: boots %q, where no agent can work", tr.From, tr.To, tr.Boot)
		}
		if _, err := FindTransition(tr.To, tr.Leads); err != nil && !reachableVia(tr.To, tr.Leads) {
			t.Errorf("%s cannot reach its aim: %v", tr.To, err)
		}
	}
}

// reachableVia tells whether transient states lead from one state to another.
func reachableVia(from, to State) bool {
	return slices.ContainsFunc(Transitions(), func(tr Transition) bool {
		return tr.From == from && (tr.To == to || !tr.To.Stable() && tr.To != from && reachableVia(tr.To, to))
	})
}

// TestEveryStateIsReachable walks the table from its beginning.
func TestEveryStateIsReachable(t *testing.T) {
	reached := []State{Expected}
	for i := 0; i < len(reached); i++ {
		for _, tr := range Transitions() {
			if tr.From == reached[i] && !slices.Contains(reached, tr.To) {
				reached = append(reached, tr.To)
			}
		}
	}
	for _, s := range States() {
		if !slices.Contains(reached, s) {
			t.Errorf("no road leads to %s", s)
		}
		if s != Retired && !slices.ContainsFunc(Transitions(), func(tr Transition) bool { return tr.From == s }) {
			t.Errorf("no road leads out of %s", s)
		}
	}
}

// TestEveryTransientStateHasAWayBack: whatever fails, one move takes a machine to a stable state. A failed erase
// alone has no other way than to be carried through: half erased it is neither active nor ready.
func TestEveryTransientStateHasAWayBack(t *testing.T) {
	back := map[State][]State{
		Inspecting: {Discovered},
		Testing:    {Discovered},
		Deploying:  {Ready},
		Rescuing:   {Active},
		Erasing:    {Ready, Retired},
	}
	for _, s := range States() {
		if s.Stable() {
			continue
		}
		if len(back[s]) == 0 {
			t.Errorf("%s has no way back in this test", s)
		}
		for _, to := range back[s] {
			m := Machine{State: s, Deadline: now.Add(time.Hour)}
			m.Fail(FaultAgentLost, "r", "r", now)
			if err := m.Move(to, now); err != nil {
				t.Error(err)
			}
			if m.State != to || m.Fault != nil || m.Overdue(now.Add(2*time.Hour)) {
				t.Errorf("back from %s: %+v", s, m)
			}
		}
	}
}

func TestMove(t *testing.T) {
	m := Machine{ID: "m", State: Ready, Step: "old", Boot: BootDisk, Op: &Op{}, Power: PowerOn, Hold: &Hold{Reason: "r"}, Role: "storage"}
	m.Fail(FaultNoDisk, "none", "add one", now)
	if err := m.Move(Deploying, now); err != nil {
		t.Fatal(err)
	}
	want := Machine{
		ID: "m", State: Deploying, Since: now, Target: Active, Deadline: now.Add(90 * time.Minute), Boot: BootRamdisk,
		Power: PowerOn, Hold: &Hold{Reason: "r"}, Role: "storage",
	}
	if diff := cmp.Diff(want.State, m.State); diff != "" || m.Fault != nil || m.Op != nil || m.Step != "" || m.Target != want.Target ||
		!m.Deadline.Equal(want.Deadline) || m.Boot != want.Boot || m.Power != want.Power || !m.Held() || m.Role != want.Role || !m.Since.Equal(now) {
		t.Errorf("moved machine is %+v", m)
	}
	if m.Overdue(now.Add(90*time.Minute)) || !m.Overdue(now.Add(90*time.Minute+1)) {
		t.Error("the deadline is not the deadline")
	}
	if err := m.Move(Active, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if !m.Deadline.IsZero() || m.Target != "" || m.Boot != BootDisk || m.Overdue(now.Add(1e6*time.Hour)) {
		t.Errorf("active machine is %+v", m)
	}
}

func TestMoveRefused(t *testing.T) {
	for _, from := range States() {
		for _, to := range States() {
			_, want := FindTransition(from, to)
			m := Machine{State: from, Step: "s", Since: now}
			err := m.Move(to, now.Add(time.Hour))
			if (err == nil) != (want == nil) {
				t.Errorf("%s to %s: %v", from, to, err)
			}
			if err == nil {
				continue
			}
			if !errors.Is(err, ErrTransition) || !strings.Contains(err.Error(), string(from)) || !strings.Contains(err.Error(), string(to)) {
				t.Errorf("%s to %s: %v", from, to, err)
			}
			if m.State != from || m.Step != "s" || !m.Since.Equal(now) {
				t.Errorf("a refused move from %s changed the machine", from)
			}
		}
	}
	if _, err := FindTransition(Expected, Active); !strings.Contains(err.Error(), "[discovered retired]") {
		t.Errorf("the error does not say what is possible: %v", err)
	}
}

func TestFail(t *testing.T) {
	m := Machine{State: Deploying, Step: "write-image"}
	m.Fail(FaultAgentLost, "a", "b", now)
	m.Fail(FaultAgentLost, "c", "d", now.Add(time.Minute))
	want := &Fault{Kind: FaultAgentLost, Reason: "c", Remedy: "d", Step: "write-image", Since: now, Count: 2}
	if diff := cmp.Diff(want, m.Fault); diff != "" {
		t.Errorf("second of a kind (-want +got):\n%s", diff)
	}
	m.Fail(FaultNoDisk, "e", "f", now.Add(time.Hour))
	want = &Fault{Kind: FaultNoDisk, Reason: "e", Remedy: "f", Step: "write-image", Since: now.Add(time.Hour), Count: 1}
	if diff := cmp.Diff(want, m.Fault); diff != "" {
		t.Errorf("another kind (-want +got):\n%s", diff)
	}
}

func TestStates(t *testing.T) {
	for _, s := range States() {
		if got, err := ParseState(string(s)); err != nil || got != s {
			t.Errorf("%s reads as %s, %v", s, got, err)
		}
		if n := len(slices.DeleteFunc(States(), func(x State) bool { return x != s })); n != 1 {
			t.Errorf("%s is listed %d times", s, n)
		}
	}
	for _, bad := range []string{"", "READY", "failed"} {
		if _, err := ParseState(bad); err == nil || !strings.Contains(err.Error(), "expected") {
			t.Errorf("state %q: %v", bad, err)
		}
	}
	if State("nonsense").Stable() {
		t.Error("a state that does not exist is stable")
	}
}

// TestConfirmedDisks: what a person confirmed for one run of tests is gone when they end, and when there are none.
func TestConfirmedDisks(t *testing.T) {
	for _, road := range [][]State{{Inspecting, Testing, Ready}, {Inspecting, Testing, Discovered}, {Inspecting, Ready}} {
		m := Machine{State: Discovered, Intent: Intent{State: Ready, Serial: "S", Disks: []string{"D"}}}
		for n, to := range road {
			if len(m.Intent.Disks) != 1 {
				t.Errorf("%v: forgotten before step %d", road, n)
			}
			if err := m.Move(to, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if len(m.Intent.Disks) != 0 || m.Intent.Serial != "S" {
			t.Errorf("%v: %+v is left", road, m.Intent)
		}
	}
}
