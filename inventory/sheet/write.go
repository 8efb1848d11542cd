package sheet

import (
	"encoding/csv"
	"io"
	"slices"
	"strings"
)

// Write writes a table as CSV for people's spreadsheets, the header first. A cell that a spreadsheet would take for a formula begins with
// an apostrophe: much of what is written is the words of foreign firmware.
func Write(w io.Writer, header []string, rows [][]string) error {
	out := csv.NewWriter(w)
	if err := out.Write(header); err != nil {
		return err
	}
	for _, row := range rows {
		row = slices.Clone(row)
		for i, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				row[i] = "'" + cell
			}
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
