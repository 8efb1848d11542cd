package sheet

import (
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
	// Required and Optional name the columns, in lower case, and AnyOf those of which one at least must be there. Their order in
	// the file is free, and so is their case.
	Required, AnyOf, Optional []string
	MaxRows                   int // 0: as many as a file may have lines

	Lists  map[string]string // columns whose fields hold several values, and what parts them
	Secret []string          // columns of which no error shows anything
}

// All lists the columns.
func (y Layout) All() []string { return slices.Concat(y.Required, y.AnyOf, y.Optional) }

// wanted are the columns without which nothing can be read.
func (y Layout) wanted() string { return strings.Join(slices.Concat(y.Required, y.AnyOf), ",") }

// Read reads a CSV file: see ReadFrom.
func Read(r io.Reader, y Layout, each func(*Line)) error { return ReadFrom(CSV(r), nil, y, each) }

// ReadFrom reads a table and calls each for its rows that can be taken apart. Without a mapping the first row names our
// columns; of a workbook it is the first sheet that does. Of a mapping, see Mapping. When anything is wrong, also by
// Line.Fail, the error is of type Errors and has everything that is, unless reading itself failed.
func ReadFrom(src Source, m *Mapping, y Layout, each func(*Line)) error {
	if y.MaxRows == 0 {
		y.MaxRows = maxLines
	}
	if c, text := src.(csvSource); text && m != nil {
		src = c.by(m)
	}
	sheets := src.Sheets()
	if m != nil && m.Sheet != "" && len(sheets) > 0 && sheets[0] != "" {
		if sheets = slices.DeleteFunc(slices.Clone(sheets), func(s string) bool { return !strings.EqualFold(s, m.Sheet) }); len(sheets) == 0 {
			return Errors{What: y.What, List: []Error{{Message: fmt.Sprintf("there is no sheet %s, which the mapping %s names: there are %s",
				Quote(m.Sheet), m.Name, cut(strings.Join(src.Sheets(), ", ")))}}}
		}
	}
	var first error
	for i, sheet := range sheets {
		rec, err := src.Open(sheet)
		if err != nil {
			return fmt.Errorf("reading the %s: %w", y.What, err)
		}
		r := &reader{layout: y, mapping: m, sheet: sheet, rec: rec, each: each, errs: Errors{What: y.What}, seen: map[string]int{}}
		err = r.run()
		if r.header != nil && (r.header.usable || len(sheets) == 1) {
			return err
		}
		if i == 0 {
			first = err
		}
	}
	if len(sheets) == 0 {
		return Errors{What: y.What, List: []Error{{Message: "the workbook has no sheets with cells"}}}
	}
	return first
}

// reader reads one sheet.
type reader struct {
	layout  Layout
	mapping *Mapping
	sheet   string
	rec     Records
	each    func(*Line)

	header     *header // nil before it
	headerLost bool    // the header's line could not be read
	before     []rowAt // rows in which a mapping did not find its header
	upper      []string
	group      group
	count      int
	errs       Errors
	seen       map[string]int // what only one row may have → line
}

type rowAt struct {
	fields []string
	line   int
}

func (r *reader) fail(line int, column, format string, args ...any) {
	r.errs.add(Error{Sheet: r.sheet, Line: line, Column: column, Message: fmt.Sprintf(format, args...)})
}

func (r *reader) run() error {
	for {
		fields, line, err := r.rec.Next()
		var flaw *Flaw
		switch {
		case errors.Is(err, io.EOF):
			r.group.flush(r)
			return r.result()
		case errors.As(err, &flaw):
			if r.mapping != nil && r.header == nil && !flaw.Fatal {
				continue // what stands above a header may be anything
			}
			r.fail(line, "", "%s", flaw.Message)
			if flaw.Fatal {
				return r.result()
			}
			r.headerLost = r.headerLost || r.header == nil
			continue
		case err != nil:
			return fmt.Errorf("reading the %s: line %d: %w", r.layout.What, line, err)
		}
		if !r.take(fields, line) {
			return r.result()
		}
	}
}

func (r *reader) result() error {
	switch {
	case r.header == nil && r.mapping != nil && len(r.errs.List) == 0:
		r.noHeader()
	case r.header == nil && len(r.errs.List) == 0:
		r.fail(0, "", "the file is empty: its first line must name the columns %s", r.layout.wanted())
	case len(r.errs.List) == 0 && r.count == 0:
		r.fail(0, "", "the file has a header and no %s", r.layout.Rows)
	}
	if len(r.errs.List) > 0 {
		return r.errs
	}
	return nil
}

// remark tells whether a row is one: it begins with #.
func remark(fields []string) bool {
	return len(fields) > 0 && strings.HasPrefix(strings.TrimSpace(fields[0]), "#")
}

// take reads one row; false when there is no sense in going on.
func (r *reader) take(fields []string, line int) bool {
	switch {
	case r.header == nil && r.mapping != nil:
		return r.seekHeader(fields, line)
	case r.mapping == nil && remark(fields):
		return true
	case r.header == nil:
		return !r.headerLost && r.columns(fields, line) // without it, what follows would be measured by the wrong columns
	case r.sheet == "" && r.mapping == nil && len(fields) != r.header.width:
		r.fail(line, "", "it has %d fields, the header has %d", len(fields), r.header.width)
		return true
	case r.count == r.layout.MaxRows:
		r.fail(line, "", "more than %d %s: split the %s", r.layout.MaxRows, r.layout.Rows, r.layout.What)
		return false
	}
	l := &Line{Number: line, reader: r, ok: true}
	if r.header.values(l, fields) {
		r.count++
		r.group.take(r, l)
	}
	return true
}
