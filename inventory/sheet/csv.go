package sheet

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Records gives the rows of one table, one after the other.
type Records interface {
	// Next returns the fields of a row and its number from 1, also of one that cannot be read, whose error is a *Flaw.
	// Rows without text are left out. io.EOF comes after the last; any other error ends it, too.
	Next() (fields []string, line int, err error)
}

// Source is a file: one table, or a workbook of several.
type Source interface {
	// Sheets are the names of its tables, in their order; one empty name of a file that is no workbook.
	Sheets() []string
	// Open reads one of them from its beginning.
	Open(sheet string) (Records, error)
}

// CSV is a file of text lines in UTF-8 or, with its mark, UTF-16; it can be opened once only.
func CSV(r io.Reader) Source {
	return csvSource{text{bufio.NewReaderSize(r, peeked)}, Form{Separator: ','}}
}

type csvSource struct {
	text text
	form Form
}

// Sheets implements Source.
func (csvSource) Sheets() []string { return []string{""} }

// Open implements Source.
func (s csvSource) Open(string) (Records, error) {
	return &csvRecords{newLines(s.text.decoded(s.form.Encoding)), s.form.Separator}, nil
}

// by is the file as a mapping says that it is written; what it does not say is found out.
func (s csvSource) by(m *Mapping) Source {
	said := m.Form
	if said.Separator == 0 {
		found, form := Foreign(s)
		s, said.Separator = found.(csvSource), form.Separator //nolint:forcetypeassert // of such a file it is one
	}
	s.form = said
	return s
}

type csvRecords struct {
	lines     *lines
	separator rune
}

// Next implements Records.
func (c *csvRecords) Next() ([]string, int, error) {
	for {
		text, err := c.lines.next()
		if err != nil {
			return nil, c.lines.number, err
		}
		if trimmed := strings.TrimSpace(text); trimmed == "" {
			continue
		}
		fields, err := fieldsOf(text, c.separator)
		return fields, c.lines.number, err
	}
}

// fieldsOf takes a line apart. A field cannot go over lines: nothing in such a file has reason to.
func fieldsOf(text string, separator rune) ([]string, error) {
	c := csv.NewReader(strings.NewReader(text))
	c.Comma = separator
	c.FieldsPerRecord = -1
	fields, err := c.Read()
	var pe *csv.ParseError
	switch {
	case err != nil && remark([]string{text}):
		return []string{text}, nil // which may hold whatever quotes it likes
	case errors.As(err, &pe) && errors.Is(err, csv.ErrQuote):
		return nil, &Flaw{Message: fmt.Sprintf("a quoted field does not end properly near character %d: close it with \" before the next separator, and write \"\" for a \" within it", pe.Column)}
	case errors.As(err, &pe) && errors.Is(err, csv.ErrBareQuote):
		return nil, &Flaw{Message: fmt.Sprintf("a \" stands in the middle of a field, at character %d: put the whole field in \" and write \"\" for a \" within it", pe.Column)}
	case err != nil:
		return nil, &Flaw{Message: "it is no line of a CSV file (RFC 4180)"}
	}
	return fields, nil
}
