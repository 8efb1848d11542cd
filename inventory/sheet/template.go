package sheet

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Template is a text with columns in braces, such as "r{rack}u{u:02}": a number after the colon is the width to which
// numbers are filled with zeros.
type Template struct {
	text  string
	parts []part
	like  *regexp.Regexp
}

type part struct {
	literal string
	column  string // empty: the literal
	width   int
}

var placeholder = regexp.MustCompile(`\{([a-z_]+)(?::0?([1-9]))?\}`)

// ParseTemplate reads one.
func ParseTemplate(text string) (Template, error) {
	t := Template{text: text}
	like, rest := "(?i)^", text
	literal := func(s string) error {
		if strings.ContainsAny(s, "{}") {
			return fmt.Errorf("%s: write columns as {rack}, or {u:02} for two digits at least", Quote(text))
		}
		if s != "" {
			t.parts = append(t.parts, part{literal: s})
			like += regexp.QuoteMeta(s)
		}
		return nil
	}
	for {
		at := placeholder.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		if err := literal(rest[:at[0]]); err != nil {
			return Template{}, err
		}
		p := part{column: rest[at[2]:at[3]]}
		if at[4] >= 0 {
			p.width, _ = strconv.Atoi(rest[at[4]:at[5]]) // one digit
		}
		t.parts = append(t.parts, p)
		like += "(.+?)"
		rest = rest[at[1]:]
	}
	if err := literal(rest); err != nil {
		return Template{}, err
	}
	if len(t.Columns()) == 0 {
		return Template{}, fmt.Errorf("%s names no column: write them as {rack}", Quote(text))
	}
	t.like = regexp.MustCompile(like + "$")
	return t, nil
}

// String is the template as it was written.
func (t Template) String() string { return t.text }

// Columns are those that it names.
func (t Template) Columns() (all []string) {
	for _, p := range t.parts {
		if p.column != "" {
			all = append(all, p.column)
		}
	}
	return all
}

// Expand puts values in; nothing comes of it when one of them is empty.
func (t Template) Expand(values map[string]string) string {
	var b strings.Builder
	for _, p := range t.parts {
		if p.column == "" {
			b.WriteString(p.literal)
			continue
		}
		v := strings.TrimSpace(values[p.column])
		if v == "" {
			return ""
		}
		if n, err := strconv.Atoi(v); err == nil && p.width > 0 {
			v = fmt.Sprintf("%0*d", p.width, n)
		}
		b.WriteString(v)
	}
	return b.String()
}

// Match takes a text apart that was made like this.
func (t Template) Match(text string) (values map[string]string, ok bool) {
	found := t.like.FindStringSubmatch(text)
	if found == nil {
		return nil, false
	}
	values = map[string]string{}
	for i, column := range t.Columns() {
		values[column] = strings.TrimSpace(found[i+1])
	}
	return values, true
}
