package inventory

import (
	"fmt"
	"time"
)

// PowerPolicy is what is done when a machine's power is found otherwise than it was wanted last.
type PowerPolicy string

// The policies. PowerByDefault leaves it to the machine's role, then to the site.
const (
	PowerByDefault PowerPolicy = ""
	PowerAccept    PowerPolicy = "accept"  // what is found is wanted from then on
	PowerRestore   PowerPolicy = "restore" // it is set back, at most restoreMost times within restoreWithin
	PowerAlarm     PowerPolicy = "alarm"   // it is left so, and somebody is told
)

// ParsePowerPolicy reads a policy; "default" and nothing are PowerByDefault.
func ParsePowerPolicy(text string) (PowerPolicy, error) {
	switch p := PowerPolicy(text); p {
	case PowerAccept, PowerRestore, PowerAlarm, PowerByDefault:
		return p, nil
	}
	if text == "default" {
		return PowerByDefault, nil
	}
	return "", fmt.Errorf("unknown power policy %q: use %s, %s, %s or default", text, PowerAccept, PowerRestore, PowerAlarm)
}

// String implements fmt.Stringer.
func (p PowerPolicy) String() string {
	if p == PowerByDefault {
		return "default"
	}
	return string(p)
}

// PowerWish is how somebody wants the power of a machine to be, and what became of it.
type PowerWish struct {
	Power Power `json:"power,omitempty"` // PowerUnknown: nobody has said, or nobody knows what came of it
	// Soft says that the operating system was asked to switch off: until it has, that the power is on is no drift.
	Soft   bool        `json:"soft,omitempty"`
	Actor  string      `json:"actor,omitempty"`
	Since  time.Time   `json:"since,omitzero"`
	Policy PowerPolicy `json:"policy,omitempty"` // of this machine
	Drift  *PowerDrift `json:"drift,omitempty"`  // nil: it is as wanted, as far as anybody has looked
	// Restored is when it was set back, within the last restoreWithin.
	Restored []time.Time `json:"restored,omitempty"`
}

// PowerDrift is that the power was found otherwise, by two looks in a row.
type PowerDrift struct {
	Since  time.Time   `json:"since"`
	Policy PowerPolicy `json:"policy"`           // that was in force
	Next   time.Time   `json:"next,omitzero"`    // when it is set back; zero: it is left so
	Why    string      `json:"why,omitempty"`    // it is left so although the policy is to restore
	Failed string      `json:"failed,omitempty"` // what went wrong when it was set back
}

// PowerSight is what a look says of the power, and what the look before it said.
type PowerSight struct {
	Power       Power
	Asked       time.Time // when the look began
	Before      Power     // PowerUnknown: it saw nothing, or there was none
	BeforeAsked time.Time
}

// Bounds of what is done about drift.
const (
	wishSettles   = 3 * time.Minute // a look that began earlier after the wish says nothing: the change may be under way
	lookAgain     = 30 * time.Second
	restoreWithin = time.Hour
	restoreMost   = 3
)

// restorePauses are how long after one restore the next may be, by how many there were within restoreWithin.
var restorePauses = [restoreMost]time.Duration{0, 2 * time.Minute, 10 * time.Minute}

// Want notes a wish. What was found before it is over.
func (w *PowerWish) Want(p Power, soft bool, actor string, now time.Time) {
	*w = PowerWish{Power: p, Soft: soft, Actor: actor, Since: now, Policy: w.Policy}
}

// SetPolicy changes the policy of this machine. What stands to be done is decided anew by the next look, except that
// to accept holds for what was found already.
func (w *PowerWish) SetPolicy(p PowerPolicy, actor string, now time.Time) {
	w.Policy, w.Restored = p, nil
	if w.Drift != nil && p == PowerAccept {
		w.Want(w.Power.other(), false, actor, now)
	}
	w.Drift = nil
}

// other is the opposite of on or off.
func (p Power) other() Power {
	switch p {
	case PowerOn:
		return PowerOff
	case PowerOff:
		return PowerOn
	}
	return PowerUnknown
}

// PowerRests tells whether nobody is at work on the machine who changes its power, and nobody said hands off: only then
// is its power compared with what is wanted.
func (m *Machine) PowerRests() bool {
	return m.State.Stable() && m.State != Retired && !m.Held() && (m.Op == nil || !m.Op.On.IsZero())
}

// PowerAsKnown tells whether a look that found p has nothing to say that is not known.
func (m *Machine) PowerAsKnown(p Power) bool {
	w := m.Wish
	return p == m.Power && w.Drift == nil && !w.Soft && (w.Power == PowerUnknown || w.Power == p)
}

// SeePower takes in what a look found, under the policy in force for this machine, and says what is to be told of it;
// a note without words when nothing has changed. Again is when to look again, sooner than usual: one look alone is
// never believed. The caller sets the power back, when Wish.Drift.Next has come.
func (m *Machine) SeePower(s PowerSight, policy PowerPolicy, now time.Time) (note Note, again time.Duration) {
	w := &m.Wish
	if !m.PowerRests() || s.Power == PowerUnknown || s.Asked.Before(m.Since) || s.Asked.Before(w.Since.Add(wishSettles)) {
		return Note{}, 0
	}
	if m.Power != s.Power {
		m.Power, m.PowerAt = s.Power, now
		note = Note{Kind: "power", Reason: "power is " + string(s.Power) + ", as its BMC says"}
	}
	switch {
	case w.Power == PowerUnknown, w.Soft && s.Power == PowerOn:
		return note, 0
	case w.Power == s.Power:
		if w.Drift != nil || w.Soft {
			w.Drift, w.Soft = nil, false
			note = Note{Kind: "power-drift", Reason: fmt.Sprintf("power is %s, as %s", s.Power, w.wanted())}
		}
		return note, 0
	case s.Before != s.Power || s.BeforeAsked.Before(w.Since.Add(wishSettles)):
		return note, lookAgain
	case policy == PowerAccept:
		reason := fmt.Sprintf("power is %s; %s was %s; accepted, as the policy says", s.Power, w.Power, w.wanted())
		w.Want(s.Power, false, ActorHealth, now)
		return Note{Kind: "power-drift", Reason: reason}, 0
	case w.Drift != nil && w.Drift.Policy == policy && (w.Drift.Why != faulty || m.Fault != nil):
		return note, 0 // also when it was given up: only a new word, or the power itself, begins anew
	}
	w.Drift = &PowerDrift{Since: now, Policy: policy}
	outcome := "it is left so, as the policy says"
	if policy == PowerRestore {
		outcome = m.planRestore(now)
	}
	return Note{Kind: "power-drift", Reason: fmt.Sprintf("power is %s; %s was %s; %s", s.Power, w.Power, w.wanted(), outcome)}, 0
}

// planRestore says when a drift is set back next, or why it is not.
func (m *Machine) planRestore(now time.Time) string {
	w := &m.Wish
	if w.Drift.Why = m.leaves(now); w.Drift.Why != "" {
		w.Drift.Next = time.Time{}
		return "it is left so: " + w.Drift.Why
	}
	w.Drift.Next = now
	if n := len(w.Restored); n > 0 {
		if at := w.Restored[n-1].Add(restorePauses[n]); at.After(now) {
			w.Drift.Next = at
			return fmt.Sprintf("it is set back in %v", at.Sub(now).Round(time.Second))
		}
	}
	return "it is set back"
}

// faulty is why the power of a machine with a fault is not set back.
const faulty = "the machine has a fault that somebody has to look at first"

// leaves says why the power is not set back although the policy is to; empty when it is.
func (m *Machine) leaves(now time.Time) string {
	w := &m.Wish
	for len(w.Restored) > 0 && now.Sub(w.Restored[0]) >= restoreWithin {
		w.Restored = w.Restored[1:]
	}
	switch {
	case m.Fault != nil:
		return faulty
	case len(w.Restored) >= restoreMost:
		return fmt.Sprintf("it was set back %d times within an hour", restoreMost)
	}
	return ""
}

// Restoring notes that the power is about to be set back. It says no when that is not wanted any more, or not now: then
// the drift says why.
func (m *Machine) Restoring(now time.Time) bool {
	w := &m.Wish
	if !m.PowerRests() || w.Drift == nil || w.Drift.Next.IsZero() || w.Drift.Next.After(now) {
		return false
	}
	if m.planRestore(now); w.Drift.Why != "" {
		return false
	}
	w.Restored = append(w.Restored, now)
	m.planRestore(now) // for the case that this one fails, or is never heard of again
	return true
}

// wanted says whose wish it is.
func (w *PowerWish) wanted() string {
	return fmt.Sprintf("wanted by %s since %s", w.Actor, w.Since.UTC().Format("2006-01-02 15:04 UTC"))
}

// Trouble says in words that the power is not as wanted, and what is done about it; empty when it is.
func (w *PowerWish) Trouble() string {
	d := w.Drift
	if d == nil {
		return ""
	}
	text := fmt.Sprintf("power is %s, %s was %s", w.Power.other(), w.Power, w.wanted())
	for _, more := range []string{d.Why, d.Failed} {
		if more != "" {
			text += "; " + more
		}
	}
	return text
}

// Complaint is the alarm of a drift that is left so; empty for none, and for one that is being set back.
func (w *PowerWish) Complaint() string {
	if w.Drift == nil || !w.Drift.Next.IsZero() {
		return ""
	}
	return w.Trouble()
}
