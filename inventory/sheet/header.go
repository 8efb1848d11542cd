package sheet

import (
	"slices"
	"strings"
)

// header says where the columns stand in the rows of one file.
type header struct {
	layout  Layout
	mapping *Mapping
	width   int // fields of the header
	at      map[string][]int
	names   []string
	splits  []split
	usable  bool // the header names something that is known
}

// columns reads our own header; false when nothing can be made of the rest.
func (r *reader) columns(fields []string, line int) bool {
	if len(fields) == 1 && strings.ContainsAny(fields[0], ";\t") {
		r.fail(line, "", "the columns are not separated by commas: save the file as CSV with the separator \",\"")
		return false
	}
	all := r.layout.All()
	name := func(f string) string { return strings.ToLower(strings.TrimSpace(f)) }
	if !slices.ContainsFunc(fields, func(f string) bool { return slices.Contains(all, name(f)) }) {
		// Nothing of it is shown: a file without a header begins with what may be a password.
		r.fail(line, "", "it names none of the columns, which are %s: this is to be the header, or use a mapping", strings.Join(all, ","))
		return false
	}
	r.header = &header{layout: r.layout, width: len(fields), at: map[string][]int{}, names: fields, usable: true}
	for i, f := range fields {
		switch n := name(f); {
		case n == "" && r.sheet != "": // a column of notes
		case n == "":
			r.fail(line, "", "column %d has no name", i+1)
		case r.header.at[n] != nil:
			twice := Error{Sheet: r.sheet, Line: line, Column: n, Message: "it is there twice"}
			if r.sheet != "" {
				twice.Letter = letters(i)
			}
			r.errs.add(twice)
		case slices.Contains(all, n):
			r.header.at[n] = []int{i}
		default:
			r.fail(line, "", "column %s is not known: the columns are %s; and, if wanted, %s", Quote(f),
				r.layout.wanted(), strings.Join(r.layout.Optional, ","))
		}
	}
	for _, n := range r.layout.Required {
		if r.header.at[n] == nil {
			r.fail(line, n, "the column is missing")
		}
	}
	if !r.hasAny(func(n string) bool { return r.header.at[n] != nil }) {
		r.fail(line, "", "one of the columns %s must be there", strings.Join(r.layout.AnyOf, ","))
	}
	return true
}

// hasAny tells whether one of those columns is there of which one must be.
func (r *reader) hasAny(there func(string) bool) bool {
	return len(r.layout.AnyOf) == 0 || slices.ContainsFunc(r.layout.AnyOf, there)
}

// values fills a line from the fields of its row; false for a row that says nothing.
func (y *header) values(l *Line, fields []string) bool {
	l.values = make(map[string]string, len(y.at))
	said := false
	for column, places := range y.at {
		v := y.value(column, places, fields)
		l.values[column] = v
		said = said || strings.TrimSpace(v) != ""
	}
	if y.mapping == nil {
		return said
	}
	for _, s := range y.splits {
		said = s.apply(l, fields) || said
	}
	if said && y.mapping.RowsOf == "" {
		y.mapping.fill(l.values)
	}
	return said
}

// value is what the fields of a column say: all of a list, else the first that says anything.
func (y *header) value(column string, places []int, fields []string) string {
	sep, list := y.layout.Lists[column]
	var parts []string
	for _, i := range places {
		if i >= len(fields) || strings.TrimSpace(fields[i]) == "" {
			continue
		}
		switch v := fields[i]; {
		case list:
			parts = append(parts, strings.ReplaceAll(v, "\n", sep)) // several lines in a cell
		case slices.Contains(y.layout.Secret, column):
			return v
		default:
			v = strings.ReplaceAll(v, "\n", " ")
			if y.mapping != nil {
				v = y.mapping.translate(column, v)
			}
			return v
		}
	}
	return strings.Join(parts, sep)
}

// locate adds to an error how the file names its column.
func (y *header) locate(e Error) Error {
	if y == nil {
		return e
	}
	i := -1
	if places := y.at[e.Column]; len(places) > 0 {
		i = places[0]
	}
	for _, s := range y.splits {
		if slices.Contains(s.names, e.Column) {
			i = s.place
		}
	}
	if i < 0 {
		if y.mapping != nil && e.Column != "" {
			e.Named = "by the mapping " + y.mapping.Name
		}
		return e
	}
	if named := oneLine(y.names[i]); y.mapping != nil && named != e.Column {
		e.Named = named
	}
	if e.Sheet != "" {
		e.Letter = letters(i)
	}
	return e
}

// oneLine is a text without line breaks and spaces that say nothing.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// letters names a column as spreadsheets do: 0 is A, 26 is AA.
func letters(i int) string {
	name := ""
	for i++; i > 0; i = (i - 1) / 26 {
		name = string(rune('A'+(i-1)%26)) + name
	}
	return name
}
