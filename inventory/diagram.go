package inventory

import (
	"fmt"
	"strings"
	"time"
)

// Diagram renders the table of transitions as a Mermaid state diagram, the text of docs/lifecycle.md. Every
// transition also may fail: the machine then stays in its transient state with a Fault, which no arrow shows.
func Diagram() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	b.WriteString("    classDef transient stroke-dasharray: 5 5\n")
	for _, s := range States() {
		if !s.Stable() {
			fmt.Fprintf(&b, "    class %s transient\n", s)
		}
	}
	b.WriteString("    [*] --> expected: a manifest names it\n")
	b.WriteString("    [*] --> discovered: seen, and in no manifest (held)\n")
	for _, t := range transitions {
		fmt.Fprintf(&b, "    %s --> %s: %s", t.From, t.To, t.Why)
		if t.Deadline > 0 {
			fmt.Fprintf(&b, " (at most %s)", inWords(t.Deadline))
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "    %s --> [*]\n", Retired)
	return b.String()
}

// inWords says a duration of whole minutes like a person.
func inWords(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d min", d/time.Minute)
}
