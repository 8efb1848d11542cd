package manifest

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// The columns of a manifest. The order in the file is free, and so is the case of their names.
var (
	required = []string{"name", "serial", "rack", "u", "bmc_protocol", "bmc_address", "bmc_user", "bmc_password"}
	optional = []string{"uuid", "asset_tag", "bmc_mac", "nic_macs", "site", "room", "row", "role", "model", "delivery", "height", "face", "depth", "bmc_outlets", "bmc_privacy"}
)

const maxRows = 50_000

// Parse reads a manifest. Its first line names the columns; empty lines and lines that begin with # do not
// count. When anything is wrong the error is of type Errors and has everything that is, unless reading
// itself failed.
func Parse(r io.Reader) ([]Row, error) {
	p := parser{lines: newLines(r), seen: map[string]int{}}
	for {
		text, err := p.lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		var bad *lineError
		if errors.As(err, &bad) {
			p.errs.add(p.lines.number, "", "%s", bad.message)
			if bad.fatal {
				break
			}
			p.headerLost = p.headerLost || p.header == nil
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading the manifest: line %d: %w", p.lines.number, err)
		}
		if !p.line(text) {
			break
		}
	}
	return p.result()
}

type parser struct {
	lines      *lines
	header     []string // column names by position; "" for one that is not known
	headerLost bool     // the header's line could not be read
	rows       []Row
	errs       Errors
	seen       map[string]int // what only one server may have → line
}

func (p *parser) result() ([]Row, error) {
	if p.header == nil && len(p.errs.List) == 0 {
		p.errs.add(0, "", "the file is empty: its first line must name the columns %s", strings.Join(required, ","))
	}
	if len(p.errs.List) == 0 && len(p.rows) == 0 {
		p.errs.add(0, "", "the file has a header and no servers")
	}
	if len(p.errs.List) > 0 {
		return nil, p.errs
	}
	return p.rows, nil
}

// line reads one line of the file; false when there is no sense in going on.
func (p *parser) line(text string) bool {
	if trimmed := strings.TrimSpace(text); trimmed == "" || trimmed[0] == '#' {
		return true
	}
	fields, ok := p.fields(text)
	switch {
	case p.header == nil:
		if p.headerLost || !ok {
			return false // what follows would be measured by the wrong columns
		}
		return p.columns(fields)
	case !ok:
		return true
	case len(fields) != len(p.header):
		p.errs.add(p.lines.number, "", "it has %d fields, the header has %d", len(fields), len(p.header))
		return true
	case len(p.rows) == maxRows:
		p.errs.add(p.lines.number, "", "more than %d servers: split the manifest", maxRows)
		return false
	}
	p.row(fields)
	return true
}

// fields takes a line apart. A field cannot go over lines: nothing in a manifest has reason to.
func (p *parser) fields(text string) ([]string, bool) {
	c := csv.NewReader(strings.NewReader(text))
	c.FieldsPerRecord = -1
	fields, err := c.Read()
	var pe *csv.ParseError
	switch {
	case errors.As(err, &pe) && errors.Is(err, csv.ErrQuote):
		p.errs.add(p.lines.number, "", "a quoted field does not end properly near character %d: close it with \" before the next comma, and write \"\" for a \" within it", pe.Column)
	case errors.As(err, &pe) && errors.Is(err, csv.ErrBareQuote):
		p.errs.add(p.lines.number, "", "a \" stands in the middle of a field, at character %d: put the whole field in \" and write \"\" for a \" within it", pe.Column)
	case err != nil:
		p.errs.add(p.lines.number, "", "it is no line of a CSV file (RFC 4180)")
	default:
		return fields, true
	}
	return nil, false
}

// columns reads the header; false when nothing can be made of the rest.
func (p *parser) columns(fields []string) bool {
	if len(fields) == 1 && strings.ContainsAny(fields[0], ";\t") {
		p.errs.add(p.lines.number, "", "the columns are not separated by commas: save the file as CSV with the separator \",\"")
		return false
	}
	known := 0
	for i, f := range fields {
		name := strings.ToLower(strings.TrimSpace(f))
		switch {
		case slices.Contains(p.header, name) && name != "":
			p.errs.add(p.lines.number, name, "it is there twice")
			name = ""
		case slices.Contains(required, name), slices.Contains(optional, name):
			known++
		case name == "":
			p.errs.add(p.lines.number, "", "column %d has no name", i+1)
		default:
			p.errs.add(p.lines.number, "", "column %s is not known: the columns are %s; and, if wanted, %s",
				quote(f), strings.Join(required, ","), strings.Join(optional, ","))
			name = ""
		}
		p.header = append(p.header, name)
	}
	for _, name := range required {
		if !slices.Contains(p.header, name) {
			p.errs.add(p.lines.number, name, "the column is missing")
		}
	}
	return known > 0
}
