package cabling

import (
	"encoding/csv"
	"fmt"
	"io"

	"socle/inventory/sheet"
)

// The columns of a plan's file.
var layout = sheet.Layout{
	What: "cabling plan", Rows: "cables",
	Required: []string{"server", "port", "switch", "switch_port"},
	Optional: []string{"group", "label", "colour", "length"},
}

// Parse reads a plan from a CSV file: see Read.
func Parse(r io.Reader) ([]Cable, error) { return Read(sheet.CSV(r)) }

// Read reads a plan, see sheet.ReadFrom. When anything is wrong the error is of type sheet.Errors and has everything that is,
// unless reading itself failed.
func Read(src sheet.Source) ([]Cable, error) {
	var all []Cable
	err := sheet.ReadFrom(src, nil, layout, func(l *sheet.Line) {
		c := Cable{
			Line: l.Number, Server: l.Label("server"), Port: l.Text("port"), Switch: l.Text("switch"), SwitchPort: l.Text("switch_port"),
			Group: l.Text("group"), Label: l.Text("label"), Colour: l.Text("colour"), Length: l.Text("length"),
		}
		if !l.OK() {
			return
		}
		l.Claim("port", "near "+c.Key(), PortWords(c.Port)+" of "+c.Server)
		l.Claim("switch_port", "far "+c.FarKey(), c.Far())
		if l.OK() {
			all = append(all, c)
		}
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Write writes a plan that Parse reads.
func Write(w io.Writer, all []Cable) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"server", "port", "switch", "switch_port", "group", "label", "colour", "length"}}
	for _, c := range all {
		rows = append(rows, []string{c.Server, c.Port, c.Switch, c.SwitchPort, c.Group, c.Label, c.Colour, c.Length})
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("writing the cabling plan: %w", err)
	}
	return nil
}
