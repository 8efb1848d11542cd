package verdict

import (
	"slices"
	"time"

	"socle/inventory"
)

// Case is what is known of a machine's boot.
type Case struct {
	Machine  inventory.Machine
	Evidence []inventory.Evidence // in the order of time; also that of earlier boots, for comparison
	Now      time.Time
}

// Confidence is how far the evidence carries a verdict.
type Confidence string

// The confidences. Their names are part of the API.
const (
	Certain  Confidence = "certain"  // the evidence says it in so many words
	Likely   Confidence = "likely"   // what is seen has this cause nearly always
	Possible Confidence = "possible" // one of several causes; the check tells them apart
)

// Standing is where the boot stands.
type Standing string

// The standings. Their names are part of the API.
const (
	Boots  Standing = "boots"   // it does what was wanted
	Going  Standing = "booting" // it may still come: the verdict says what it waits for
	Stuck  Standing = "stuck"   // it does not boot
	Absent Standing = "absent"  // nothing was tried that there could be evidence of
)

// Verdict is why a boot stands where it stands.
type Verdict struct {
	ID         string
	Standing   Standing
	What       string // plain words: what happened
	Check      string // plain words: what to look at or do
	Confidence Confidence
	Support    []int // lines of the Answer's Evidence that it is drawn from
}

// Answer is the story of a machine's last boot and its verdict.
type Answer struct {
	Since    time.Time            // when this boot began; zero when none is known
	Attempt  int                  // which one in a row without an agent's word, from 1
	Evidence []inventory.Evidence // of this boot
	Story    []Sentence
	Verdict  Verdict
}

// InOrder sorts lines by their time; evidence of several recorders comes nearly so.
func InOrder(lines []inventory.Evidence) []inventory.Evidence {
	lines = slices.Clone(lines)
	slices.SortStableFunc(lines, func(a, b inventory.Evidence) int { return a.Time.Compare(b.Time) })
	return lines
}

// Judge tells the story of the last boot in the evidence and draws the verdict.
func Judge(c Case) Answer {
	t := newTrace(c)
	a := Answer{Since: t.began, Attempt: t.attempt, Evidence: t.lines, Story: story(t.lines)}
	for _, r := range rules {
		f := r.find(t)
		if f == nil {
			continue
		}
		a.Verdict = Verdict{ID: r.ID, Standing: r.standing(t), What: f.what, Check: r.Check, Confidence: r.Confidence, Support: f.support}
		if f.check != "" {
			a.Verdict.Check = f.check
		}
		break
	}
	return a
}

// standing is the rule's own, unless the machine may still come.
func (r Rule) standing(t *trace) Standing {
	if r.Standing == Stuck && t.quiet() < r.After {
		return Going
	}
	return r.Standing
}
