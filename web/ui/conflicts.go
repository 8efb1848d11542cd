package ui

import (
	"net/url"

	"socle/api"
)

// ConflictsPath is where conflicts are shown and, by POST, decided.
const ConflictsPath = "/conflicts"

// Conflicts is the page of what was done in the aisle and contradicts what is known.
type Conflicts struct {
	api.ConflictList
	Refused string // why the last decision was not taken
}

func (Conflicts) name() string  { return "conflicts" }
func (Conflicts) title() string { return "Conflicts" }

// NewConflicts makes the page.
func NewConflicts(l api.ConflictList, refused string) Conflicts {
	return Conflicts{ConflictList: scrub(l), Refused: refused}
}

// Page is the link to a machine of a conflict.
func (Conflicts) Page(machine string) string { return "/machines/" + url.PathEscape(machine) }
