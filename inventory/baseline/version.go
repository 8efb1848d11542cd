package baseline

import (
	"cmp"
	"regexp"
	"strings"
)

// Order is how a version stands to another one.
type Order int

// The orders. CannotTell is the zero value: nothing is updated on a guess.
const (
	CannotTell Order = iota
	Older
	Same
	Newer
)

// version is what vendors write, taken apart: "U32 v2.90 (04/29/2021)" is of the family "u32", has the parts 2 and 90,
// and the build "04/29/2021".
type version struct {
	family string
	parts  []string // digits without leading zeros, and at most one letter behind: "8a"
	build  string
}

var (
	numbers  = regexp.MustCompile(`^v?(\d+[a-z]?(?:\.\d+[a-z]?)*)$`)
	brackets = regexp.MustCompile(`\(([^()]*)\)`)
)

// Compare tells how the version that is there stands to another. Both are as vendors write them. It refuses to order
// what it does not understand, versions of different families ("U32" and "U30" are BIOSes of different boards), and equal
// numbers with different builds.
func Compare(have, want string) Order {
	have, want = strings.ToLower(strings.TrimSpace(have)), strings.ToLower(strings.TrimSpace(want))
	if have != "" && have == want {
		return Same
	}
	h, ok := parse(have)
	w, too := parse(want)
	if !ok || !too || h.family != "" && w.family != "" && h.family != w.family {
		return CannotTell
	}
	for i := range max(len(h.parts), len(w.parts)) {
		switch c := comparePart(h.part(i), w.part(i)); {
		case c < 0:
			return Older
		case c > 0:
			return Newer
		}
	}
	if h.build != "" && w.build != "" && h.build != w.build {
		return CannotTell
	}
	return Same
}

// Comparable tells whether a text is a version that others can be older or newer than.
func Comparable(text string) bool {
	_, ok := parse(strings.ToLower(text))
	return ok
}

// parse takes a version in lower case apart.
func parse(text string) (v version, ok bool) {
	for _, m := range brackets.FindAllStringSubmatch(text, -1) {
		v.build = strings.TrimSpace(v.build + " " + strings.TrimSpace(m[1]))
	}
	words := strings.Fields(brackets.ReplaceAllString(text, " "))
	at := -1
	for i, w := range words {
		if !numbers.MatchString(w) || len(words) > 1 && !strings.Contains(w, ".") {
			continue // "iLO 5 v2.78": the 5 belongs to the name
		}
		if at >= 0 {
			return version{}, false
		}
		at = i
	}
	if at < 0 {
		return version{}, false
	}
	v.family = strings.Join(words[:at], " ")
	v.build = strings.TrimSpace(v.build + " " + strings.Join(words[at+1:], " "))
	for part := range strings.SplitSeq(numbers.FindStringSubmatch(words[at])[1], ".") {
		v.parts = append(v.parts, strings.TrimLeft(part, "0"))
	}
	return v, true
}

// part is the nth; those behind the last count as zero.
func (v version) part(n int) string {
	if n < len(v.parts) {
		return v.parts[n]
	}
	return ""
}

// comparePart orders numbers of any length, then their letters.
func comparePart(a, b string) int {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	an, bn := strings.TrimRight(a, letters), strings.TrimRight(b, letters)
	return cmp.Or(cmp.Compare(len(an), len(bn)), cmp.Compare(an, bn), cmp.Compare(a[len(an):], b[len(bn):]))
}
