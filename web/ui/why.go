package ui

import (
	"strings"

	"socle/inventory/verdict"
)

// Why is the section of a machine's page about its last boot.
type Why struct {
	verdict.Answer
	Title string
	Check string // empty when there is none to make
	Class string // of the note
}

func newWhy(a verdict.Answer) Why {
	a.Story = scrub(a.Story)
	a.Verdict = scrub(a.Verdict)
	w := Why{Answer: a, Check: strings.TrimSuffix(a.Verdict.Check, ".")}
	switch a.Verdict.Standing {
	case verdict.Boots:
		w.Title, w.Class, w.Check = "It boots", "calm", ""
	case verdict.Going:
		w.Title, w.Class = "It may still come", "hold"
	case verdict.Stuck:
		w.Title, w.Class = "It does not boot", "fault"
	case verdict.Absent:
		w.Title, w.Class = "It was not booted", "calm"
	}
	return w
}
