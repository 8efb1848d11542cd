package sheet

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Layout is what a table is to be like.
type Layout struct {
	What string // it is, for errors: "manifest"
	Rows string // what stands in its lines: "servers"
	// Required and Optional name the columns, in lower case. Their order in the file is free, and so is their case.
	Required, Optional []string
	MaxRows            int // 0: as many as a file may have lines
}

// Table is a table while it is read: from a file by Read, or by its records from anywhere else.
type Table struct {
	layout     Layout
	each       func(*Line)
	header     []string // column names by position; "" for one that is not known
	headerLost bool     // the header's line could not be read
	rows       int
	errs       Errors
	seen       map[string]int // what only one row may have → line
}

// New begins a table; each gets its rows, without those whose number of fields is wrong.
func New(layout Layout, each func(*Line)) *Table {
	if layout.MaxRows == 0 {
		layout.MaxRows = maxLines
	}
	return &Table{layout: layout, each: each, seen: map[string]int{}, errs: Errors{What: layout.What}}
}

// Read reads a CSV file. Its first line names the columns; empty lines and lines that begin with # do not count. When
// anything is wrong, by each's word or else, the error is of type Errors and has everything that is, unless reading
// itself failed.
func Read(r io.Reader, layout Layout, each func(*Line)) error {
	t, lines := New(layout, each), newLines(r)
	for {
		text, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		var bad *lineError
		if errors.As(err, &bad) {
			t.errs.add(lines.number, "", "%s", bad.message)
			if bad.fatal {
				break
			}
			t.headerLost = t.headerLost || t.header == nil
			continue
		}
		if err != nil {
			return fmt.Errorf("reading the %s: line %d: %w", layout.What, lines.number, err)
		}
		if !t.line(lines.number, text) {
			break
		}
	}
	return t.Err()
}

// Err is all that was wrong, of type Errors; nil when nothing was.
func (t *Table) Err() error {
	if t.header == nil && len(t.errs.List) == 0 {
		t.errs.add(0, "", "the file is empty: its first line must name the columns %s", strings.Join(t.layout.Required, ","))
	}
	if len(t.errs.List) == 0 && t.rows == 0 {
		t.errs.add(0, "", "the file has a header and no %s", t.layout.Rows)
	}
	if len(t.errs.List) > 0 {
		return t.errs
	}
	return nil
}

// line reads one line of a file; false when there is no sense in going on.
func (t *Table) line(number int, text string) bool {
	if trimmed := strings.TrimSpace(text); trimmed == "" || trimmed[0] == '#' {
		return true
	}
	fields, ok := t.fields(number, text)
	if !ok {
		return t.header != nil // what follows a header that is lost would be measured by the wrong columns
	}
	return t.Record(number, fields)
}

// Record takes the next record; the first is the header. False when there is no sense in going on.
func (t *Table) Record(number int, fields []string) bool {
	switch {
	case t.header == nil && t.headerLost:
		return false
	case t.header == nil:
		return t.columns(number, fields)
	case len(fields) != len(t.header):
		t.errs.add(number, "", "it has %d fields, the header has %d", len(fields), len(t.header))
		return true
	case t.rows == t.layout.MaxRows:
		t.errs.add(number, "", "more than %d %s: split the %s", t.layout.MaxRows, t.layout.Rows, t.layout.What)
		return false
	}
	l := &Line{Number: number, table: t, values: make(map[string]string, len(fields)), ok: true}
	for i, name := range t.header {
		if name != "" {
			l.values[name] = fields[i]
		}
	}
	t.rows++
	t.each(l)
	return true
}

// fields takes a line apart. A field cannot go over lines: nothing in such a table has reason to.
func (t *Table) fields(number int, text string) ([]string, bool) {
	c := csv.NewReader(strings.NewReader(text))
	c.FieldsPerRecord = -1
	fields, err := c.Read()
	var pe *csv.ParseError
	switch {
	case errors.As(err, &pe) && errors.Is(err, csv.ErrQuote):
		t.errs.add(number, "", "a quoted field does not end properly near character %d: close it with \" before the next comma, and write \"\" for a \" within it", pe.Column)
	case errors.As(err, &pe) && errors.Is(err, csv.ErrBareQuote):
		t.errs.add(number, "", "a \" stands in the middle of a field, at character %d: put the whole field in \" and write \"\" for a \" within it", pe.Column)
	case err != nil:
		t.errs.add(number, "", "it is no line of a CSV file (RFC 4180)")
	default:
		return fields, true
	}
	return nil, false
}

// columns reads the header; false when nothing can be made of the rest.
func (t *Table) columns(number int, fields []string) bool {
	if len(fields) == 1 && strings.ContainsAny(fields[0], ";\t") {
		t.errs.add(number, "", "the columns are not separated by commas: save the file as CSV with the separator \",\"")
		return false
	}
	required, optional := t.layout.Required, t.layout.Optional
	known := 0
	for i, f := range fields {
		name := strings.ToLower(strings.TrimSpace(f))
		switch {
		case slices.Contains(t.header, name) && name != "":
			t.errs.add(number, name, "it is there twice")
			name = ""
		case slices.Contains(required, name), slices.Contains(optional, name):
			known++
		case name == "":
			t.errs.add(number, "", "column %d has no name", i+1)
		default:
			t.errs.add(number, "", "column %s is not known: the columns are %s; and, if wanted, %s",
				Quote(f), strings.Join(required, ","), strings.Join(optional, ","))
			name = ""
		}
		t.header = append(t.header, name)
	}
	for _, name := range required {
		if !slices.Contains(t.header, name) {
			t.errs.add(number, name, "the column is missing")
		}
	}
	return known > 0
}
