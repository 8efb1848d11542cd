package inventory

import (
	"strings"
	"testing"
	"time"
)

// meter is one active machine whose power was wanted on an hour ago, and a clock.
type meter struct {
	t     *testing.T
	m     Machine
	now   time.Time
	last  Power
	asked time.Time
}

func newMeter(t *testing.T) *meter {
	start := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	c := &meter{t: t, now: start.Add(time.Hour), m: Machine{Name: "hv01", State: Active, Since: start, Power: PowerOn}}
	c.m.Wish.Want(PowerOn, false, "token:admin", start)
	return c
}

// look finds the power after a while.
func (c *meter) look(after time.Duration, p Power, policy PowerPolicy) (Note, time.Duration) {
	c.now = c.now.Add(after)
	s := PowerSight{Power: p, Asked: c.now, Before: c.last, BeforeAsked: c.asked}
	c.last, c.asked = p, c.now
	return c.m.SeePower(s, policy, c.now)
}

func (c *meter) says(got Note, want string) {
	c.t.Helper()
	if want == "" && got != (Note{}) || !strings.Contains(got.Reason, want) {
		c.t.Errorf("note %q, want %q", got.Reason, want)
	}
}

// TestDriftIsBelievedAtTheSecondLook: one look is never enough, and is followed by another one soon.
func TestDriftIsBelievedAtTheSecondLook(t *testing.T) {
	c := newMeter(t)
	note, again := c.look(0, PowerOff, PowerAlarm)
	c.says(note, "power is off, as its BMC says")
	if again != lookAgain || c.m.Wish.Drift != nil {
		t.Errorf("again in %v, drift %+v", again, c.m.Wish.Drift)
	}
	note, _ = c.look(time.Minute, PowerOn, PowerAlarm) // it was a lie
	c.says(note, "power is on, as its BMC says")
	if c.m.Wish.Drift != nil || c.m.Wish.Complaint() != "" {
		t.Errorf("drift %+v", c.m.Wish.Drift)
	}
	c.look(time.Minute, PowerOff, PowerAlarm)
	c.last = PowerUnknown // a look that saw nothing
	if _, again := c.look(time.Minute, PowerOff, PowerAlarm); again != lookAgain || c.m.Wish.Drift != nil {
		t.Errorf("two looks that were not in a row: again in %v, drift %+v", again, c.m.Wish.Drift)
	}
	note, again = c.look(time.Minute, PowerOff, PowerAlarm)
	c.says(note, "power is off; on was wanted by token:admin since 2026-11-26 08:00 UTC; it is left so, as the policy says")
	if again != 0 || c.m.Wish.Drift == nil || c.m.Restoring(c.now) {
		t.Errorf("again in %v, drift %+v", again, c.m.Wish.Drift)
	}
	if got := c.m.Wish.Complaint(); got != "power is off, on was wanted by token:admin since 2026-11-26 08:00 UTC" {
		t.Error(got)
	}
	note, _ = c.look(5*time.Minute, PowerOff, PowerAlarm)
	c.says(note, "") // said once
	note, _ = c.look(5*time.Minute, PowerOn, PowerAlarm)
	c.says(note, "power is on, as wanted by token:admin")
	if c.m.Wish.Complaint() != "" {
		t.Error(c.m.Wish.Complaint())
	}
}

func TestDriftIsAccepted(t *testing.T) {
	c := newMeter(t)
	c.look(0, PowerOff, PowerAccept)
	note, _ := c.look(time.Minute, PowerOff, PowerAccept)
	c.says(note, "accepted")
	if w := c.m.Wish; w.Power != PowerOff || w.Actor != ActorHealth || w.Drift != nil {
		t.Errorf("%+v", w)
	}
}

// TestNobodyIsDisturbed: where somebody is at work, or said hands off, nothing is compared.
func TestNobodyIsDisturbed(t *testing.T) {
	for name, change := range map[string]func(*Machine){
		"transient":     func(m *Machine) { m.State = Deploying },
		"held":          func(m *Machine) { m.Hold = &Hold{} },
		"under way":     func(m *Machine) { m.Op = &Op{} },
		"retired":       func(m *Machine) { m.State = Retired },
		"just wanted":   func(m *Machine) { m.Wish.Since = m.Since.Add(time.Hour - time.Minute) },
		"just moved":    func(m *Machine) { m.Since = m.Since.Add(2 * time.Hour) },
		"nothing said":  func(m *Machine) { m.Wish = PowerWish{}; m.Power = PowerOff },
		"softly wanted": func(m *Machine) { m.Wish.Power, m.Wish.Soft, m.Power = PowerOff, true, PowerOn },
	} {
		c := newMeter(t)
		change(&c.m)
		seen := PowerOff
		if c.m.Wish.Soft {
			seen = PowerOn
		}
		before := c.m.Power
		for range 2 {
			note, again := c.look(time.Second, seen, PowerRestore)
			if note != (Note{}) || again != 0 || c.m.Wish.Drift != nil || c.m.Power != before {
				t.Errorf("%s: %v, again in %v, %+v", name, note, again, c.m.Wish)
			}
		}
	}
	c := newMeter(t) // softly off, and then on again: that is drift
	c.m.Wish.Want(PowerOff, true, "token:admin", c.m.Since)
	c.look(0, PowerOff, PowerAlarm)
	c.look(time.Minute, PowerOn, PowerAlarm)
	if c.look(time.Minute, PowerOn, PowerAlarm); c.m.Wish.Drift == nil {
		t.Errorf("%+v", c.m.Wish)
	}
}

// TestRestoreIsBounded: three times within an hour, with growing pauses, and then only a new word begins anew.
func TestRestoreIsBounded(t *testing.T) {
	c := newMeter(t)
	var at []time.Duration
	start := c.now
	for range 400 {
		c.look(30*time.Second, PowerOff, PowerRestore)
		if c.m.Restoring(c.now) {
			at = append(at, c.now.Sub(start).Round(time.Second))
			c.m.Wish.Drift, c.last = nil, PowerOn // it was set back, and goes off at once
		}
	}
	if len(at) != 3 || at[1]-at[0] < restorePauses[1] || at[2]-at[1] < restorePauses[2] {
		t.Errorf("set back at %v in 200 minutes", at)
	}
	if got := c.m.Wish.Complaint(); !strings.Contains(got, "it was set back 3 times within an hour") {
		t.Error(got)
	}
	c.m.Wish.SetPolicy(PowerRestore, "token:admin", c.now)
	c.look(time.Minute, PowerOff, PowerRestore)
	if !c.m.Restoring(c.now) {
		t.Errorf("not after a new word: %+v", c.m.Wish)
	}
	c.m.Wish.SetPolicy(PowerAccept, "token:admin", c.now)
	if c.m.Wish.Power != PowerOff || c.m.Wish.Drift != nil {
		t.Errorf("found and accepted: %+v", c.m.Wish)
	}
}

// TestFaultsComeFirst: a machine that waits for a person is not switched, until the person was there.
func TestFaultsComeFirst(t *testing.T) {
	c := newMeter(t)
	c.m.Fault = &Fault{}
	c.look(0, PowerOff, PowerRestore)
	note, _ := c.look(time.Minute, PowerOff, PowerRestore)
	c.says(note, faulty)
	if c.m.Restoring(c.now) || !strings.Contains(c.m.Wish.Complaint(), faulty) {
		t.Errorf("%+v", c.m.Wish)
	}
	c.m.Fault = nil
	if c.look(time.Minute, PowerOff, PowerRestore); !c.m.Restoring(c.now) {
		t.Errorf("%+v", c.m.Wish)
	}
	c.m.Fault = &Fault{}
	c.m.Wish.Drift.Next = c.now
	if c.m.Restoring(c.now) || c.m.Wish.Drift.Why != faulty {
		t.Errorf("%+v", c.m.Wish.Drift)
	}
}

func TestParsePowerPolicy(t *testing.T) {
	for text, want := range map[string]PowerPolicy{"accept": PowerAccept, "restore": PowerRestore, "alarm": PowerAlarm, "default": PowerByDefault, "": PowerByDefault} {
		if got, err := ParsePowerPolicy(text); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if _, err := ParsePowerPolicy("cycle"); err == nil || !strings.Contains(err.Error(), "use accept, restore, alarm or default") {
		t.Error(err)
	}
}
