package baseline

import (
	"strings"

	"socle/inventory"
)

// Document is a baseline as somebody wrote it. Rules for the same component are stepping stones: they are carried out in
// their order.
type Document struct {
	Name  string
	Rules []Rule
}

// Rule is one demand: which component of which machines runs which version, and how it gets there.
type Rule struct {
	Vendor    string // pattern of the maker's name, with * for anything, in any case; empty: any
	Model     string // the same, of the server's model
	Component string // the same, of the firmware's id or name
	Version   string
	Exact     bool // Version and no other; else it is the least
	// The file that brings it there: one of Socle's store, by digest, or of another server that the BMC can reach. None: the
	// rule is only reported on.
	File   string // name, for BMCs that look at it
	SHA256 string // hexadecimal
	URL    string
	Needs  inventory.Need
}

// Asks says in words what the rule wants.
func (r Rule) Asks() string {
	if r.Exact {
		return "= " + r.Version
	}
	return ">= " + r.Version
}

// State is how a component stands to its rule.
type State string

// The states. Only Below asks for an update.
const (
	Fine     State = "ok"
	Below    State = "older"
	Above    State = "newer" // than a version that is asked for exactly
	Unknown  State = "unknown"
	NotAsked State = "not asked"
)

// Finding is one component of a machine, and what the baseline says of it.
type Finding struct {
	Rule      int // index of the rule; -1: no rule asks for it
	Component inventory.Component
	State     State
	Why       string // of Unknown
}

// Judge compares a machine with the baseline: in the order of the rules, and then what nobody asks for.
func (d Document) Judge(vendor, model string, components []inventory.Component) []Finding {
	var all []Finding
	asked := make([]bool, len(components))
	for i, r := range d.Rules {
		if !matches(r.Vendor, vendor) || !matches(r.Model, model) {
			continue
		}
		found := false
		for n, c := range components {
			if !matches(r.Component, c.ID) && !matches(r.Component, c.Name) {
				continue
			}
			found, asked[n] = true, true
			state, why := r.judge(c.Version)
			all = append(all, Finding{Rule: i, Component: c, State: state, Why: why})
		}
		if !found {
			all = append(all, Finding{Rule: i, Component: inventory.Component{Name: r.Component}, State: Unknown, Why: "the BMC lists no such component"})
		}
	}
	for n, c := range components {
		if !asked[n] {
			all = append(all, Finding{Rule: -1, Component: c, State: NotAsked})
		}
	}
	return all
}

// judge compares a version that runs with the rule.
func (r Rule) judge(version string) (State, string) {
	switch Compare(version, r.Version) {
	case Older:
		return Below, ""
	case Same:
		return Fine, ""
	case Newer:
		if r.Exact {
			return Above, ""
		}
		return Fine, ""
	}
	return Unknown, "cannot tell whether " + version + " is older than " + r.Version
}

// Met tells whether a version is what is asked for.
func Met(version, asks string) bool {
	want, exact := strings.CutPrefix(asks, "= ")
	r := Rule{Version: strings.TrimPrefix(want, ">= "), Exact: exact}
	state, _ := r.judge(version)
	return state == Fine
}

// matches compares a text with a pattern in which * stands for anything; an empty pattern matches all.
func matches(pattern, text string) bool {
	if pattern == "" {
		return true
	}
	pattern, text = strings.ToLower(pattern), strings.ToLower(strings.TrimSpace(text))
	first, rest, more := strings.Cut(pattern, "*")
	text, ok := strings.CutPrefix(text, first)
	for ok && more {
		var part string
		if part, rest, more = strings.Cut(rest, "*"); !more {
			return strings.HasSuffix(text, part)
		}
		_, text, ok = strings.Cut(text, part)
	}
	return ok && text == ""
}
