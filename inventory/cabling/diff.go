package cabling

import (
	"fmt"
	"strings"
)

// Change is what an import does to one cable. Before is nil of one that is new, After of one that is taken out.
type Change struct {
	Line          int // of the file; 0 of one that is taken out
	Before, After *Cable
}

// Conflict is a line that contradicts what is known.
type Conflict struct {
	Line    int
	Problem string
}

// Conflicts are all of an import; nothing is imported with any.
type Conflicts []Conflict

// Error lists them, one a line.
func (c Conflicts) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the cabling plan contradicts what is known in %d places, nothing was imported", len(c))
	for _, x := range c {
		fmt.Fprintf(&b, "\n  line %d: %s", x.Line, x.Problem)
	}
	return b.String()
}

// Diff is what it takes to bring a known plan to a new one, and how many cables are the same already. The new plan is all
// that is to be known of the servers that it names; with whole, of all servers. A switch's port that another server's
// cable has is a conflict, unless that cable is taken out as well.
func Diff(known, plan []Cable, whole bool) (changes []Change, same int, conflicts Conflicts) {
	named := map[string]bool{}
	had := make(map[string]Cable, len(known))
	for _, c := range plan {
		named[c.Server] = true
	}
	has, far := make(map[string]bool, len(plan)), map[string]Cable{}
	for _, c := range plan {
		has[c.Key()] = true
	}
	for _, c := range known {
		had[c.Key()] = c
		switch {
		case !whole && !named[c.Server]:
			far[c.FarKey()] = c
		case !has[c.Key()]:
			changes = append(changes, Change{Before: &c})
		}
	}
	for _, c := range plan {
		if other, taken := far[c.FarKey()]; taken {
			conflicts = append(conflicts, Conflict{c.Line, fmt.Sprintf("%s is planned for %s already", c.Far(), other.Near())})
			continue
		}
		before, there := had[c.Key()]
		line := c.Line
		before.Line, c.Line = 0, 0
		switch {
		case there && before == c:
			same++
		case there:
			changes = append(changes, Change{line, &before, &c})
		default:
			changes = append(changes, Change{line, nil, &c})
		}
	}
	if len(conflicts) > 0 {
		return nil, 0, conflicts
	}
	return changes, same, nil
}
