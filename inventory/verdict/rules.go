package verdict

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rule is one verdict: what the evidence must look like, and what then is to be checked.
type Rule struct {
	ID         string
	Title      string // what is the matter, in a few words
	Seen       string // what it is drawn from
	Check      string // what to look at or do
	Confidence Confidence
	Standing   Standing
	// After is the silence after which the boot counts as stuck; before, it may still come.
	After time.Duration
	find  func(t *trace) *finding
}

// finding is what a rule found.
type finding struct {
	what    string
	check   string // replaces the rule's, when it can be said more precisely
	support []int
}

func found(support []int, format string, args ...any) *finding {
	return &finding{what: fmt.Sprintf(format, args...), support: support}
}

// rules are all verdicts, from the end of a boot to its beginning; the last one fits always.
var rules = slices.Concat(agentRules, failedRules, ramdiskRules, scriptRules, loaderRules, dhcpRules, powerRules)

// Rules returns the table of verdicts, in the order in which they are tried.
func Rules() []Rule { return slices.Clone(rules) }

// Table writes the verdicts as a Markdown table, for docs/why.md.
func Table() string {
	var b strings.Builder
	b.WriteString("| verdict | what is the matter | drawn from | check | sure | stuck after |\n|---|---|---|---|---|---|\n")
	for _, r := range Rules() {
		after := "–"
		if r.Standing == Stuck {
			after = "at once"
			if r.After > 0 {
				after = fmt.Sprintf("%.0f s", r.After.Seconds())
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", r.ID, r.Title, r.Seen, r.Check, r.Confidence, after)
	}
	return b.String()
}
