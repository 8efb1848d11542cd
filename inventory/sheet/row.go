package sheet

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	// labelPattern is a host name's label (RFC 1123 section 2.1).
	labelPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	// macPattern takes aa:bb:cc:dd:ee:ff, aa-bb-…, aa bb …, aabbccddeeff, aabb.ccdd.eeff, aabb-ccdd-eeff and aabbcc-ddeeff.
	macPattern = regexp.MustCompile(`^([0-9a-f]{2}(:[0-9a-f]{2}){5}|[0-9a-f]{2}([- ][0-9a-f]{2}){5}|[0-9a-f]{12}|[0-9a-f]{4}([.-][0-9a-f]{4}){2}|[0-9a-f]{6}-[0-9a-f]{6})$`)
)

// MaxText is how long a free text may be, in characters.
const MaxText = 64

// Line is one row below the header: its fields, and what is wrong with them.
type Line struct {
	Number int // in the file or the sheet, from 1
	reader *reader
	values map[string]string
	ok     bool
}

// OK tells whether nothing was wrong so far.
func (l *Line) OK() bool { return l.ok }

// Fail notes what is wrong with a column, and what would be right; of an empty column, with the row.
func (l *Line) Fail(column, format string, args ...any) {
	l.ok = false
	e := l.reader.header.locate(Error{Sheet: l.reader.sheet, Line: l.Number, Column: column})
	e.Message = fmt.Sprintf(format, args...)
	l.reader.errs.add(e)
}

// Raw is a field as it stands, and whether the file, or its mapping, has such a column.
func (l *Line) Raw(column string) (string, bool) {
	v, there := l.values[column]
	return v, there
}

// Get is a field without the spaces around it.
func (l *Line) Get(column string) string { return strings.TrimSpace(l.values[column]) }

// Need is Get for a column that must not be empty. A column that is missing altogether was reported once.
func (l *Line) Need(column string) string {
	v := l.Get(column)
	if _, there := l.values[column]; !there {
		l.ok = false
	} else if v == "" {
		l.Fail(column, "it is empty")
	}
	return v
}

// NeedWith is Get for a column that must not be empty when another one is not. A file that has no such column at all
// leaves it to what is known already.
func (l *Line) NeedWith(column, other string) string {
	v := l.Get(column)
	if _, there := l.values[column]; there && v == "" && l.Get(other) != "" {
		l.Fail(column, "it is empty, though there is a %s", other)
	}
	return v
}

// asked is Need for columns that are required, and Get for the others.
func (l *Line) asked(column string) string {
	if slices.Contains(l.reader.layout.Required, column) {
		return l.Need(column)
	}
	return l.Get(column)
}

// Text is a short text of any kind.
func (l *Line) Text(column string) string {
	v := l.asked(column)
	if n := len([]rune(v)); n > MaxText {
		l.Fail(column, "it has %d characters, at most %d are allowed", n, MaxText)
	}
	return v
}

// Label is a name that can be part of a host name.
func (l *Line) Label(column string) string {
	v := strings.ToLower(l.asked(column))
	if v != "" && !labelPattern.MatchString(v) {
		l.Fail(column, "%s is not made of a-z, 0-9 and - (at most 63 characters, no - at an end)", Quote(v))
	}
	return v
}

// IsMAC tells whether a text has the form of a MAC address, in lower case and one of the usual ways of writing.
func IsMAC(text string) bool { return macPattern.MatchString(text) }

// Claim tells whether no other row has this key; what is it in words, for the complaint.
func (l *Line) Claim(column, key, what string) bool {
	if line, taken := l.reader.seen[key]; taken {
		l.Fail(column, "%s is that of line %d too", cut(what), line)
		return false
	}
	l.reader.seen[key] = l.Number
	return true
}

// Quote shows a value from the file in an error: escaped, and not all of a long one.
func Quote(v string) string { return strconv.Quote(cut(v)) }

func cut(v string) string {
	if r := []rune(v); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return v
}
