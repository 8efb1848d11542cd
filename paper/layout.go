package paper

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Layout is how labels lie on a sheet, or that they come one by one from a roll. The labels of a sheet lie in its middle.
type Layout struct {
	Name          string
	For           string // products that have it
	Sheet         Size   // of a roll: the label
	Columns, Rows int    // of a roll: 1
	Label         Size
	Gap           Size // between labels
}

// Layouts lists those that are known. The measures are the makers'; those of sheets lie in the middle of the sheet to
// half a millimetre.
func Layouts() []Layout {
	roll := func(width, height float64, products string) Layout {
		size := Size{width, height}
		return Layout{Name: fmt.Sprintf("roll-%gx%g", width, height), For: products, Sheet: size, Columns: 1, Rows: 1, Label: size}
	}
	return []Layout{
		{"a4-3x7", "Avery L7160, J8160", A4, 3, 7, Size{63.5, 38.1}, Size{2.54, 0}},
		{"a4-3x8", "Avery L7159", A4, 3, 8, Size{63.5, 33.9}, Size{2.54, 0}},
		{"a4-3x8-edge", "Avery Zweckform 3474, without borders between the labels", A4, 3, 8, Size{70, 37}, Size{}},
		{"a4-2x7", "Avery L7163", A4, 2, 7, Size{99.1, 38.1}, Size{2.5, 0}},
		{"a4-5x13", "Avery L7651", A4, 5, 13, Size{38.1, 21.2}, Size{2.54, 0}},
		{"a4-5x16", "Avery L4732", A4, 5, 16, Size{35.6, 16.9}, Size{2.5, 0}},
		{"letter-3x10", "Avery 5160", Letter, 3, 10, Size{66.675, 25.4}, Size{3.96875, 0}},
		roll(62, 29, "Brother DK-11209"),
		roll(57, 32, "Dymo 11354"),
		roll(89, 36, "Dymo 99012"),
		roll(50, 25, "label printers"),
		roll(100, 50, "label printers"),
	}
}

// FindLayout finds a layout by its name, by that of a product that has it ("L7160"), or by measures that describe it in mm: a
// roll as WIDTHxHEIGHT, labels on A4 as COLUMNSxROWS@WIDTHxHEIGHT, with gaps as COLUMNSxROWS@WIDTHxHEIGHT+GAPxGAP. The error
// lists those that there are.
func FindLayout(name string) (Layout, error) {
	var names []string
	for _, l := range Layouts() {
		products := strings.Fields(strings.ReplaceAll(l.For, ",", ""))
		if strings.EqualFold(l.Name, name) || slices.ContainsFunc(products, func(p string) bool {
			return strings.EqualFold(p, name) && strings.ContainsAny(p, "0123456789")
		}) {
			return l, nil
		}
		names = append(names, l.Name)
	}
	if m := measures.FindStringSubmatch(name); m != nil {
		return ownLayout(name, m[1:])
	}
	return Layout{}, fmt.Errorf("there is no layout %q; there are %s, and own ones as WIDTHxHEIGHT (a roll) or COLUMNSxROWS@WIDTHxHEIGHT+GAPxGAP (on A4) in mm", name, strings.Join(names, ", "))
}

var measures = regexp.MustCompile(`^(?:(\d{1,2})x(\d{1,2})@)?(\d{1,3}(?:\.\d{1,3})?)x(\d{1,3}(?:\.\d{1,3})?)(?:\+(\d{1,2}(?:\.\d{1,3})?)x(\d{1,2}(?:\.\d{1,3})?))?$`)

// labelLeast is the least side of a label, in mm, on which anything can be read.
const labelLeast = 8

// ownLayout is one of columns, rows, width, height and gaps; columns and rows of a roll, and gaps, may be empty.
func ownLayout(name string, m []string) (Layout, error) {
	var n [6]float64
	for i, text := range m {
		if text == "" {
			continue
		}
		var err error
		if n[i], err = strconv.ParseFloat(text, 64); err != nil {
			return Layout{}, fmt.Errorf("layout %q: %w", name, err)
		}
	}
	l := Layout{Name: name, For: "own", Sheet: A4, Columns: int(n[0]), Rows: int(n[1]), Label: Size{n[2], n[3]}, Gap: Size{n[4], n[5]}}
	if m[0] == "" {
		l.Sheet, l.Columns, l.Rows, l.Gap = l.Label, 1, 1, Size{}
	}
	if l.PerSheet() < 1 || min(l.Label.Width, l.Label.Height) < labelLeast {
		return Layout{}, fmt.Errorf("layout %q: a sheet needs a row and a column at least, and a label %d mm at each side", name, labelLeast)
	}
	if x, y := l.At(0); x < -1e-9 || y < -1e-9 {
		return Layout{}, fmt.Errorf("layout %q: %d times %d labels with their gaps do not fit A4, which is 210 by 297 mm", name, l.Columns, l.Rows)
	}
	return l, nil
}

// PerSheet is how many labels a sheet has.
func (l Layout) PerSheet() int { return l.Columns * l.Rows }

// Roll tells whether the labels come one by one.
func (l Layout) Roll() bool { return l.PerSheet() == 1 && l.Sheet == l.Label }

// At is where the upper left corner of a label of a sheet is; they are counted in rows, from 0.
func (l Layout) At(n int) (x, y float64) {
	left := (l.Sheet.Width - float64(l.Columns)*l.Label.Width - float64(l.Columns-1)*l.Gap.Width) / 2
	top := (l.Sheet.Height - float64(l.Rows)*l.Label.Height - float64(l.Rows-1)*l.Gap.Height) / 2
	column, row := n%l.Columns, n/l.Columns
	return left + float64(column)*(l.Label.Width+l.Gap.Width), top + float64(row)*(l.Label.Height+l.Gap.Height)
}
