package sheet

import (
	"fmt"
	"strings"
)

// Error is one thing that is wrong with a table.
type Error struct {
	Line    int    // from 1; 0 when it concerns the whole file
	Column  string // name of the column; empty when it concerns the whole line
	Message string // what is wrong and what would be right
}

// Error says where and what.
func (e Error) Error() string {
	switch {
	case e.Line == 0:
		return e.Message
	case e.Column == "":
		return fmt.Sprintf("line %d: %s", e.Line, e.Message)
	default:
		return fmt.Sprintf("line %d, column %s: %s", e.Line, e.Column, e.Message)
	}
}

// maxErrors is how many errors are kept; the rest is counted.
const maxErrors = 100

// Errors is all that is wrong with a table, in the order of its lines.
type Errors struct {
	What string // it was, e.g. "manifest"
	List []Error
	Rest int // how many more there are than List holds
}

// Error lists them, one a line.
func (e Errors) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "reading the %s: %d errors, nothing was imported", e.What, len(e.List)+e.Rest)
	for _, x := range e.List {
		b.WriteString("\n  " + x.Error())
	}
	if e.Rest > 0 {
		fmt.Fprintf(&b, "\n  and %d more", e.Rest)
	}
	return b.String()
}

func (e *Errors) add(line int, column, format string, args ...any) {
	if len(e.List) == maxErrors {
		e.Rest++
		return
	}
	e.List = append(e.List, Error{Line: line, Column: column, Message: fmt.Sprintf(format, args...)})
}
