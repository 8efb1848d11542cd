package store

import (
	"fmt"
	"strings"
)

// names gives machines names that nobody else has, before a person does.
type names struct{ taken map[string]bool }

// newNames knows what the machines are called, and what those of a manifest will be.
func newNames(rows []machineRow, planned []Planned) *names {
	n := &names{taken: make(map[string]bool, len(rows)+len(planned))}
	for _, r := range rows {
		n.taken[r.Name] = true
	}
	for _, p := range planned {
		n.taken[p.Name] = true
	}
	return n
}

// of is the name of a server of which only the serial is known: "sn-7xk2b43".
func (n *names) of(serial string) string {
	base := strings.TrimSuffix("sn-"+slug(serial), "-")
	name := base
	for i := 2; n.taken[name]; i++ {
		name = fmt.Sprintf("%s-%d", base, i)
	}
	n.taken[name] = true
	return name
}

// slug is what of a text can stand in a host name: letters, in lower case, and digits, 40 at most.
func slug(from string) string {
	s := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		default:
			return -1
		}
	}, from)
	return s[:min(len(s), 40)]
}
