package sheet

import (
	"fmt"
	"strings"

	"socle/inventory"
)

// Error is one thing that is wrong with a table.
type Error struct {
	Sheet   string // of a workbook; empty in a CSV file
	Line    int    // of the file or the sheet, from 1; 0 when it concerns the whole file
	Column  string // name of the column, as its reader calls it; empty when it concerns the whole line
	Letter  string // of the column in a sheet, such as "AB"
	Named   string // how the file itself names the column, when that is another name
	Message string // what is wrong and what would be right
}

// Location says where: "line 3, column serial", or "sheet Servers, row 3, column C (Service Tag, serial)"; nothing of an
// error that concerns the whole file.
func (e Error) Location() string {
	var parts []string
	word := "line"
	if e.Sheet != "" {
		parts, word = append(parts, "sheet "+cut(e.Sheet)), "row"
	}
	if e.Line > 0 {
		parts = append(parts, fmt.Sprintf("%s %d", word, e.Line))
	}
	names := make([]string, 0, 2)
	for _, n := range []string{e.Named, e.Column} {
		if n != "" {
			names = append(names, cut(n))
		}
	}
	switch {
	case e.Letter != "" && len(names) > 0:
		parts = append(parts, fmt.Sprintf("column %s (%s)", e.Letter, strings.Join(names, ", ")))
	case len(names) == 2:
		parts = append(parts, fmt.Sprintf("column %s (%s)", names[0], names[1]))
	case len(names) == 1:
		parts = append(parts, "column "+names[0])
	}
	return strings.Join(parts, ", ")
}

// Error says where and what.
func (e Error) Error() string {
	if at := e.Location(); at != "" {
		return at + ": " + e.Message
	}
	return e.Message
}

// maxErrors is how many errors are kept; the rest is counted.
const maxErrors = 100

// Errors is all that is wrong with a table, in the order of its lines.
type Errors struct {
	What string // what the file was to be: "manifest"
	List []Error
	Rest int // how many more there are than List holds
}

// Count is how many there are.
func (e Errors) Count() int { return len(e.List) + e.Rest }

// Error lists them, one a line.
func (e Errors) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "reading the %s: %s, nothing was imported", e.What, inventory.Plural(e.Count(), "error"))
	for _, x := range e.List {
		b.WriteString("\n  " + x.Error())
	}
	if e.Rest > 0 {
		fmt.Fprintf(&b, "\n  and %d more", e.Rest)
	}
	return b.String()
}

func (e *Errors) add(x Error) {
	if len(e.List) == maxErrors {
		e.Rest++
		return
	}
	e.List = append(e.List, x)
}
