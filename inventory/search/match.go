package search

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"socle/inventory"
)

// Record is all that can be asked of one machine.
type Record struct {
	Machine  *inventory.Machine
	Findings []inventory.Finding
	Now      time.Time
}

// The parts of a query.
type (
	all   struct{}
	every []node
	any1  []node
	no    struct{ of node }
	free  string
)

func (all) match(*Record) bool           { return true }
func (all) write(*strings.Builder, bool) {}

func (e every) match(r *Record) bool {
	return !slices.ContainsFunc(e, func(n node) bool { return !n.match(r) })
}

func (e every) write(b *strings.Builder, inner bool) { join(b, e, " ", inner) }

func (a any1) match(r *Record) bool {
	return slices.ContainsFunc(a, func(n node) bool { return n.match(r) })
}

func (a any1) write(b *strings.Builder, inner bool) { join(b, a, " or ", inner) }

func join(b *strings.Builder, list []node, between string, inner bool) {
	if inner {
		b.WriteByte('(')
	}
	for i, n := range list {
		if i > 0 {
			b.WriteString(between)
		}
		n.write(b, true)
	}
	if inner {
		b.WriteByte(')')
	}
}

func (n no) match(r *Record) bool { return !n.of.match(r) }

func (n no) write(b *strings.Builder, _ bool) {
	b.WriteByte('-')
	n.of.write(b, true)
}

// match of a free text: it is part of any text of the machine.
func (f free) match(r *Record) bool {
	want := strings.ToLower(string(f))
	for _, field := range fields {
		if field.texts == nil {
			continue
		}
		if slices.ContainsFunc(field.texts(r), func(s string) bool { return strings.Contains(strings.ToLower(s), want) }) {
			return true
		}
	}
	return false
}

func (f free) write(b *strings.Builder, _ bool) { b.WriteString(quote(string(f))) }

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// textual is a condition on a text: any of the field's texts fits any of the patterns.
type textual struct {
	field Field
	op    string
	value string
	fits  func(string) bool
}

func (t textual) match(r *Record) bool {
	return slices.ContainsFunc(t.field.texts(r), t.fits)
}

func (t textual) write(b *strings.Builder, _ bool) {
	b.WriteString(t.field.Name + t.op + quote(t.value))
}

// numeric is a condition on a number: any of the field's numbers fits.
type numeric struct {
	field Field
	op    string
	value string
	low   float64 // for equality: what the value stands for is a span, since people round
	high  float64
}

func (n numeric) match(r *Record) bool {
	for _, v := range n.field.numbers(r) {
		ok := false
		switch n.op {
		case ":", "=":
			ok = v >= n.low && v <= n.high
		case ">":
			ok = v > n.high
		case ">=":
			ok = v >= n.low
		case "<":
			ok = v < n.low
		case "<=":
			ok = v <= n.high
		}
		if ok {
			return true
		}
	}
	return false
}

func (n numeric) write(b *strings.Builder, _ bool) {
	b.WriteString(n.field.Name + n.op + quote(n.value))
}

// present asks whether there is any value.
type present struct{ field Field }

func (p present) match(r *Record) bool {
	if p.field.texts != nil {
		return slices.ContainsFunc(p.field.texts(r), func(s string) bool { return s != "" })
	}
	return slices.ContainsFunc(p.field.numbers(r), func(v float64) bool { return v != 0 })
}

func (p present) write(b *strings.Builder, _ bool) { b.WriteString(p.field.Name + ":*") }

// condition reads one condition. Of several values parted by commas any may fit; with != none may.
func (p *parser) condition(t token) (node, error) {
	f, known := byName[t.field]
	if !known {
		return nil, p.lex.fail(t.at, "there is no field %q%s; to find it as a text, put it in quotes", t.field, suggest(t.field))
	}
	p.uses[f.Name] = true
	if t.op == "!=" {
		t.op = "="
		t.valueAt = t.at + len(t.field) + len("!=")
		n, err := p.values(t, f)
		return no{n}, err
	}
	return p.values(t, f)
}

func (p *parser) values(t token, f Field) (node, error) {
	listed := !t.valueInQuote && (t.op == ":" || t.op == "=" || t.op == "~")
	switch {
	case t.text == "*" && listed && t.op != "~":
		return present{f}, nil
	case f.texts == nil && t.op == "~":
		return nil, p.lex.fail(t.at+len(t.field), "%s is a number: ask with : > >= < <= or !=", f.Name)
	case f.texts != nil && strings.ContainsAny(t.op, "<>"):
		return nil, p.lex.fail(t.at+len(t.field), "%s is a text: ask with : = != or ~ (contains), and not with %s", f.Name, t.op)
	}
	values := []string{t.text}
	if listed {
		values = strings.Split(t.text, ",")
	}
	var list any1
	at := t.valueAt
	for _, v := range values {
		if f.texts != nil {
			list = append(list, textual{field: f, op: t.op, value: v, fits: pattern(t.op, v).MatchString})
		} else {
			low, high, err := f.Unit.parse(v)
			if err != nil {
				return nil, p.lex.fail(at, "%s: %s", f.Name, err)
			}
			list = append(list, numeric{field: f, op: t.op, value: v, low: low, high: high})
		}
		at += len(v) + 1
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return list, nil
}

// pattern is what a value stands for: with : whole words, with = all of the text, with ~ any part of it. A star
// stands for anything.
func pattern(op, value string) *regexp.Regexp {
	parts := strings.Split(value, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	body := strings.Join(parts, ".*")
	switch op {
	case ":":
		body = `(^|[^\pL\pN])(` + body + `)($|[^\pL\pN])`
	case "=":
		body = "^(" + body + ")$"
	}
	return regexp.MustCompile("(?is)" + body)
}

// suggest names fields that are like one that there is not.
func suggest(name string) string {
	best, least := "", 3
	for _, f := range fields {
		if d := distance(name, f.Name); d < least && d < len(name) || strings.HasPrefix(f.Name, name) && len(name) > 1 && best == "" {
			best, least = f.Name, min(d, least)
		}
	}
	if best == "" {
		return ": socle search --fields lists them"
	}
	return ": did you mean " + best + "?"
}

// distance is how many letters have to be changed, added or taken away (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			before, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, before+cost)
		}
	}
	return row[len(b)]
}
