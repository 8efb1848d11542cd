package inventory

import (
	"regexp"
	"time"
)

// SavedQuery is a search that somebody gave a name.
type SavedQuery struct {
	Name  string
	Query string
	Actor string
	Time  time.Time
}

var queryName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// QueryName tells whether a name may be that of a saved query: lower-case letters, digits, dots, lines; 64 at most.
func QueryName(name string) bool { return queryName.MatchString(name) }
