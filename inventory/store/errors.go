package store

import (
	"errors"
	"fmt"
	"strings"

	"socle/inventory"
)

// Errors on which callers branch; they are wrapped with what was asked for.
var (
	ErrNotFound     = inventory.ErrNotFound
	ErrAmbiguous    = inventory.ErrAmbiguous
	ErrTaken        = errors.New("already taken")               // a name that another machine has
	ErrRace         = errors.New("changed by others too often") // lost every race; try again
	ErrNoToken      = inventory.ErrNoToken
	ErrTokenUsed    = inventory.ErrTokenUsed
	ErrSessionEnded = inventory.ErrSessionEnded
	ErrTooMany      = errors.New("too many unknown machines")
)

// Conflict is one line of a manifest that contradicts what is known, or another line.
type Conflict struct {
	Line    int // of the manifest
	Name    string
	Problem string // plain words, with what to do
}

// Conflicts are all conflicts of one import; nothing was stored.
type Conflicts []Conflict

// Error lists them, one a line.
func (c Conflicts) Error() string {
	lines := make([]string, 0, len(c)+1)
	lines = append(lines, "importing: "+inventory.Plural(len(c), "conflict")+" with the inventory, nothing was imported")
	for _, p := range c {
		lines = append(lines, fmt.Sprintf("line %d, %s: %s", p.Line, p.Name, p.Problem))
	}
	return strings.Join(lines, "\n  ")
}
