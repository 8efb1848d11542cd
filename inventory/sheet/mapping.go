package sheet

import (
	"fmt"
	"slices"
	"strings"
)

// Mapping says how a file of somebody else's shape becomes our columns. Its header is the first row, of the first sheet
// that has one, in which every column that the mapping names is found; what stands above it, and columns that the mapping
// does not name, do not count. A row in which all named columns are empty is left out.
type Mapping struct {
	Name  string
	Sheet string // read this sheet only
	Form  Form   // of a text file; without a separator it is found out

	// HeaderRows is how many rows the header has; 0 is one. Of two, a name of the upper row belongs to all columns up to the
	// next name, as in cells that were merged: "iDRAC" above "MAC" and "Password" makes "iDRAC MAC" and "iDRAC Password".
	HeaderRows int
	// RowsOf is the column of ours by which rows belong to one thing, such as "serial" where each port has a row; rows that
	// say nothing there belong to the one before. Empty: each row is one.
	RowsOf string

	Columns   map[string][]string          // our column → theirs; several are joined in a list, else the first that says anything counts
	Splits    map[string]Template          // their column → a pattern of ours, such as "{rack}-U{u}"
	Constants map[string]string            // our column → what it says where the file says nothing
	Templates map[string]Template          // likewise, made of the others
	Values    map[string]map[string]string // our column → their word, in lower case → ours
	Optional  []string                     // our columns that a file need not have
}

// HeaderRows is how many rows of a sheet are looked at for the header.
const HeaderRows = 60

// Plain brings the name of a column to what is compared: case, spaces, line breaks and decoration do not count.
func Plain(name string) string { return strings.Trim(plainPattern(name), "* ") }

func plainPattern(name string) string {
	return strings.ToLower(strings.Trim(oneLine(name), " :\uFEFF"))
}

// places are where a header has the named columns; "*" in a name stands for anything.
func places(header []string, names []string) (at []int) {
	for _, n := range names {
		for i, h := range header {
			if like(plainPattern(n), Plain(h)) && !slices.Contains(at, i) {
				at = append(at, i)
			}
		}
	}
	return at
}

// like tells whether a text fits a pattern.
func like(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return text == pattern && text != ""
	}
	rest, begins := strings.CutPrefix(text, first)
	rest, ends := strings.CutSuffix(rest, last)
	if !begins || !ends {
		return false
	}
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, p)
		if i < 0 {
			return false
		}
		rest = rest[i+len(p):]
	}
	return true
}

// seekHeader looks whether a row is the header; false when none of the first rows is.
func (r *reader) seekHeader(fields []string, line int) bool {
	names := r.headerNames(fields)
	if y, missing := r.mapped(names); len(missing) == 0 {
		y.usable = true
		r.header = y
		return true
	}
	r.upper = fields
	r.before = append(r.before, rowAt{names, line})
	if len(r.before) < HeaderRows {
		return true
	}
	r.noHeader()
	return false
}

// headerNames are the names of the columns if this row is the last of the header.
func (r *reader) headerNames(fields []string) []string {
	if r.mapping.HeaderRows < 2 {
		return fields
	}
	names := make([]string, max(len(fields), len(r.upper)))
	above := ""
	for i := range names {
		own := ""
		if i < len(fields) {
			own = strings.TrimSpace(fields[i])
		}
		if i < len(r.upper) && strings.TrimSpace(r.upper[i]) != "" {
			above = strings.TrimSpace(r.upper[i])
		}
		names[i] = strings.TrimSpace(above + " " + own)
		if own == "" { // the upper cell reaches down: nothing beside it is below it
			above = ""
		}
	}
	return names
}

// mapped lays the mapping over a row as if it were the header, and tells which columns of ours it does not find.
func (r *reader) mapped(names []string) (y *header, missing []string) {
	m := r.mapping
	y = &header{layout: r.layout, mapping: m, width: len(names), at: map[string][]int{}, names: names}
	for _, column := range r.layout.All() {
		theirs, wanted := m.Columns[column]
		if !wanted {
			continue
		}
		if at := places(names, theirs); len(at) > 0 {
			y.at[column] = at
		} else if !slices.Contains(m.Optional, column) {
			missing = append(missing, column)
		}
	}
	for _, name := range sorted(m.Splits) {
		s := split{name: name, pattern: m.Splits[name], names: m.Splits[name].Columns()}
		if at := places(names, []string{name}); len(at) > 0 {
			s.place = at[0]
			y.splits = append(y.splits, s)
		} else if !slices.ContainsFunc(s.names, func(c string) bool { return slices.Contains(m.Optional, c) }) {
			missing = append(missing, s.names...)
		}
	}
	if len(y.at)+len(y.splits) == 0 {
		missing = append(missing, "")
	}
	return y, missing
}

// noHeader says what the row that is most like a header lacks.
func (r *reader) noHeader() {
	best, least := rowAt{}, -1
	for _, b := range r.before {
		if y, missing := r.mapped(b.fields); len(y.at)+len(y.splits) > 0 && (least < 0 || len(missing) < least) {
			best, least = b, len(missing)
		}
	}
	if least < 0 {
		r.fail(0, "", "none of the first %d rows names a column of the mapping %s: is it the right one for this file?", HeaderRows, r.mapping.Name)
		return
	}
	_, missing := r.mapped(best.fields)
	for _, column := range missing {
		names := r.mapping.Columns[column]
		for name, t := range r.mapping.Splits {
			if slices.Contains(t.Columns(), column) {
				names = append(slices.Clone(names), name)
			}
		}
		r.fail(best.line, column, "the header has no column %s, which the mapping %s names", cut(strings.Join(names, " or ")), r.mapping.Name)
	}
}

// translate puts our word for theirs.
func (m *Mapping) translate(column, v string) string {
	if ours, ok := m.Values[column][strings.ToLower(oneLine(v))]; ok {
		return ours
	}
	return v
}

// fill says what the file does not: constants, and templates, which may be made of each other.
func (m *Mapping) fill(values map[string]string) {
	for column, v := range m.Constants {
		if strings.TrimSpace(values[column]) == "" {
			values[column] = v
		}
	}
	for range m.Templates {
		for _, column := range sorted(m.Templates) {
			if strings.TrimSpace(values[column]) == "" {
				values[column] = m.Templates[column].Expand(values)
			}
		}
	}
}

// split takes a value apart.
type split struct {
	name    string
	place   int
	pattern Template
	names   []string
}

// apply tells whether there was anything to take apart.
func (s split) apply(l *Line, fields []string) bool {
	for _, n := range s.names {
		if _, there := l.values[n]; !there {
			l.values[n] = ""
		}
	}
	if s.place >= len(fields) || strings.TrimSpace(fields[s.place]) == "" {
		return false
	}
	parts, ok := s.pattern.Match(oneLine(fields[s.place]))
	if !ok {
		l.Fail(s.names[0], "%s is not like %s, as the mapping %s says", Quote(fields[s.place]), s.pattern, l.reader.mapping.Name)
	}
	for n, v := range parts {
		if strings.TrimSpace(l.values[n]) == "" {
			l.values[n] = l.reader.mapping.translate(n, v)
		}
	}
	return true
}

func sorted[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Check tells what of a mapping cannot be used with the columns of a table: names that are not known, secrets that would be
// shown, and columns without which no row can be read.
func (m *Mapping) Check(y Layout) (problems []string) {
	all := y.All()
	unknown := func(part, column string) {
		if !slices.Contains(all, column) {
			problems = append(problems, fmt.Sprintf("%s: there is no column %s: they are %s", part, Quote(column), strings.Join(all, ",")))
		}
	}
	for _, column := range sorted(m.Columns) {
		unknown("columns", column)
	}
	for _, column := range sorted(m.Constants) {
		unknown("constants", column)
	}
	for _, column := range sorted(m.Values) {
		unknown("values", column)
	}
	for _, column := range m.Optional {
		unknown("optional", column)
	}
	patterns := map[string]Template{}
	for column, t := range m.Templates {
		unknown("templates", column)
		patterns["templates."+column] = t
	}
	for name, t := range m.Splits {
		patterns["splits."+name] = t
	}
	for _, at := range sorted(patterns) {
		for _, column := range patterns[at].Columns() {
			unknown(at, column)
			if slices.Contains(y.Secret, column) {
				problems = append(problems, fmt.Sprintf("%s: %s is a secret, and cannot be a part of anything else", at, column))
			}
		}
	}
	for _, column := range y.Required {
		if !m.says(column) {
			problems = append(problems, "columns: nothing says "+column)
		}
	}
	if m.RowsOf != "" {
		unknown("rows_of", m.RowsOf)
		if !m.says(m.RowsOf) {
			problems = append(problems, "rows_of: nothing says "+m.RowsOf)
		}
	}
	if len(y.AnyOf) > 0 && !slices.ContainsFunc(y.AnyOf, m.says) {
		problems = append(problems, "columns: nothing says "+strings.Join(y.AnyOf, " or "))
	}
	return problems
}

// says tells whether the mapping has anything for a column.
func (m *Mapping) says(column string) bool {
	if m.Columns[column] != nil || m.Constants[column] != "" || m.Templates[column].text != "" {
		return true
	}
	for _, t := range m.Splits {
		if slices.Contains(t.Columns(), column) {
			return true
		}
	}
	return false
}
