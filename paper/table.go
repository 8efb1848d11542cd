package paper

// Column of a table.
type Column struct {
	Title string
	Width float64 // its share of the page; 0 counts as 1
	Right bool    // at the right edge, for numbers
	Mono  bool    // serial numbers, digests
}

// Table has a header, which every page repeats, and rows; a row's missing cells are empty.
type Table struct {
	Columns []Column
	Rows    [][]string
}

// Measures of tables, in mm and points.
const (
	cellSize   = 8.5
	cellHeight = 3.9
	cellPad    = 1.1
)

// Table sets a table. Cells break into lines, and rows go over to the next page.
func (d *Document) Table(t Table) {
	if d.err != nil || len(t.Columns) == 0 {
		return
	}
	widths := d.widths(t.Columns)
	d.need(4 * (cellHeight + cellPad))
	d.tableHead(t.Columns, widths)
	for i, row := range t.Rows {
		d.tableRow(t.Columns, widths, row, i%2 == 1)
	}
	d.t.SetDrawColor(0, 0, 0)
	d.t.SetLineWidth(0.2)
	d.t.Line(margin, d.y, d.page.Width-margin, d.y)
	d.y += 3
}

func (d *Document) widths(columns []Column) []float64 {
	var sum float64
	share := func(c Column) float64 {
		if c.Width <= 0 {
			return 1
		}
		return c.Width
	}
	for _, c := range columns {
		sum += share(c)
	}
	all := make([]float64, 0, len(columns))
	for _, c := range columns {
		all = append(all, share(c)/sum*d.width())
	}
	return all
}

func (d *Document) tableHead(columns []Column, widths []float64) {
	var cells [][]string
	most := 1
	d.t.SetFont(bold, "", cellSize)
	for i, c := range columns {
		lines := d.t.wrap(c.Title, widths[i]-2*cellPad)
		cells, most = append(cells, lines), max(most, len(lines))
	}
	d.t.SetFillColor(225, 225, 225)
	d.t.Rect(margin, d.y, d.width(), float64(most)*cellHeight+2*cellPad, "F")
	d.cells(columns, widths, cells, most, bold)
}

// tableRow sets a row; one that is higher than what is left goes over to the next page, all of it if that has the room.
func (d *Document) tableRow(columns []Column, widths []float64, row []string, grey bool) {
	cells, most := make([][]string, len(columns)), 1
	for i, c := range columns {
		if i >= len(row) {
			break
		}
		d.t.SetFont(style(c, plain), "", cellSize)
		cells[i] = d.t.wrap(row[i], widths[i]-2*cellPad)
		most = max(most, len(cells[i]))
	}
	for most > 0 {
		fits := int((d.bottom() - d.y - 2*cellPad) / cellHeight)
		whole := int((d.bottom() - margin - 20) / cellHeight) // a page with its header and the table's
		if fits < most && (most <= whole || fits < 1) {
			d.newPage()
			d.tableHead(columns, widths)
			fits = int((d.bottom() - d.y - 2*cellPad) / cellHeight)
		}
		now := min(max(fits, 1), most)
		if grey {
			d.t.SetFillColor(246, 246, 246)
			d.t.Rect(margin, d.y, d.width(), float64(now)*cellHeight+2*cellPad, "F")
		}
		part := make([][]string, len(cells))
		for i, c := range cells {
			k := min(now, len(c))
			part[i], cells[i] = c[:k], c[k:]
		}
		d.cells(columns, widths, part, now, plain)
		most -= now
	}
}

func style(c Column, otherwise string) string {
	if c.Mono && otherwise == plain {
		return mono
	}
	return otherwise
}

// cells sets one line of boxes, as high as so many lines.
func (d *Document) cells(columns []Column, widths []float64, cells [][]string, lines int, of string) {
	x := margin
	for i, c := range columns {
		d.t.SetFont(style(c, of), "", cellSize)
		for k, l := range cells[i] {
			at := x + cellPad
			if c.Right {
				at = x + widths[i] - cellPad - d.t.GetStringWidth(l)
			}
			d.text(at, d.y+cellPad+float64(k)*cellHeight, cellSize, l)
		}
		x += widths[i]
	}
	d.y += float64(lines)*cellHeight + 2*cellPad
}
