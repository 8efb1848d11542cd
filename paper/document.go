package paper

import (
	"bytes"
	"fmt"
	"io"
	"time"
)

// Size of a page or a label, in mm.
type Size struct{ Width, Height float64 }

// The pages that printers have.
var (
	A4     = Size{210, 297}
	Letter = Size{215.9, 279.4}
)

// Info is what a document says of itself.
type Info struct {
	Title    string
	Subtitle string
	Author   string
	Footer   string    // at the left of every page's foot
	Created  time.Time // also decides the bytes; zero is the epoch
	Page     Size      // zero: A4
	// Landscape turns the page.
	Landscape bool
}

// Measures of the house style, in mm and, of letters, in points.
const (
	margin     = 18.0
	footHeight = 12.0
	textSize   = 9.5
	lineHeight = 4.6
)

// Document grows from the top to the bottom, over as many pages as it takes. Errors show when it is written.
type Document struct {
	t     *typesetter
	info  Info
	page  Size
	y     float64 // where the next thing goes
	err   error
	pages int
}

// New begins a document.
func New(info Info) *Document {
	d := &Document{info: info, page: info.Page}
	if d.page == (Size{}) {
		d.page = A4
	}
	orientation := "P"
	if info.Landscape {
		orientation = "L"
	}
	if d.t, d.err = newTypesetter(orientation, d.page); d.err != nil {
		return d
	}
	d.page.Width, d.page.Height = d.t.GetPageSize()
	describe(d.t, info)
	d.newPage()
	return d
}

// describe writes the properties of a PDF file.
func describe(t *typesetter, info Info) {
	created := info.Created
	if created.IsZero() {
		created = time.Unix(0, 0)
	}
	t.SetCreationDate(created.UTC())
	t.SetModificationDate(created.UTC())
	t.SetProducer("Socle", true)
	t.SetTitle(info.Title, true)
	t.SetAuthor(info.Author, true)
	t.SetSubject(info.Subtitle, true)
	t.SetLang("en")
	t.AliasNbPages(allPages)
}

// allPages stands for the number of pages until that is known.
const allPages = "{pages}"

func (d *Document) width() float64  { return d.page.Width - 2*margin }
func (d *Document) bottom() float64 { return d.page.Height - margin - footHeight }

// newPage begins a page, with its header and footer.
func (d *Document) newPage() {
	d.t.AddPage()
	d.pages++
	d.foot()
	d.y = margin
	if d.pages == 1 {
		d.line(d.t.clean(d.info.Title), bold, 18, 9)
		if d.info.Subtitle != "" {
			d.t.SetTextColor(90, 90, 90)
			d.t.SetFont(plain, "", 11)
			for _, l := range d.t.wrap(d.info.Subtitle, d.width()) {
				d.line(l, plain, 11, 5.5)
			}
			d.t.SetTextColor(0, 0, 0)
		}
		d.y += 1.5
	} else {
		text, size := d.t.fit(d.info.Title, plain, d.width(), 9, 6)
		d.t.SetTextColor(90, 90, 90)
		d.line(text, plain, size, 5)
		d.t.SetTextColor(0, 0, 0)
	}
	d.t.SetDrawColor(0, 0, 0)
	d.t.SetLineWidth(0.4)
	d.t.Line(margin, d.y, d.page.Width-margin, d.y)
	d.y += 4
}

func (d *Document) foot() {
	at := d.page.Height - margin - footHeight + 7
	d.t.SetDrawColor(180, 180, 180)
	d.t.SetLineWidth(0.2)
	d.t.Line(margin, at-4, d.page.Width-margin, at-4)
	d.t.SetTextColor(90, 90, 90)
	text, size := d.t.fit(d.info.Footer, plain, d.width()-30, 8, 5)
	d.text(margin, at, size, text)
	d.t.SetFont(plain, "", 8)
	page := fmt.Sprintf("page %d of ", d.pages)
	d.text(d.page.Width-margin-d.t.GetStringWidth(page+"000"), at, 8, page+allPages)
	d.t.SetTextColor(0, 0, 0)
}

// text sets a line whose upper edge is at y, in the current font.
func (d *Document) text(x, y, size float64, text string) {
	d.t.Text(x, y+size*millimetres, text)
}

// line sets a line and goes on below it.
func (d *Document) line(text, style string, size, height float64) {
	d.t.SetFont(style, "", size)
	d.text(margin, d.y, size, text)
	d.y += height
}

// need begins a new page unless so many mm are left.
func (d *Document) need(height float64) {
	if d.y+height > d.bottom() {
		d.newPage()
	}
}

// Heading begins a part. It does not stay behind alone at the end of a page.
func (d *Document) Heading(text string) {
	if d.err != nil {
		return
	}
	d.need(24)
	d.y += 2.5
	text, size := d.t.fit(text, bold, d.width(), 12.5, 8)
	d.line(text, bold, size, 7)
}

// Paragraph is running text; a line break in it is one on paper.
func (d *Document) Paragraph(text string) {
	if d.err != nil {
		return
	}
	d.t.SetFont(plain, "", textSize)
	for _, l := range d.t.wrap(text, d.width()) {
		d.need(lineHeight)
		d.line(l, plain, textSize, lineHeight)
	}
	d.y += 1.5
}

// Pair is a name and what it is.
type Pair struct{ Name, Value string }

// Facts lists names and what they are, as two columns. Without a value there is "-".
func (d *Document) Facts(pairs ...Pair) {
	if d.err != nil {
		return
	}
	d.t.SetFont(bold, "", textSize)
	names := 0.0
	for _, p := range pairs {
		names = max(names, d.t.GetStringWidth(d.t.clean(p.Name)))
	}
	names = min(names+5, d.width()/2)
	for _, p := range pairs {
		if p.Value == "" {
			p.Value = "-"
		}
		d.t.SetFont(plain, "", textSize)
		lines := d.t.wrap(p.Value, d.width()-names)
		name, size := d.t.fit(p.Name, bold, names-2, textSize, 6)
		for i, l := range lines {
			d.need(lineHeight)
			if i == 0 {
				d.t.SetFont(bold, "", size)
				d.text(margin, d.y, textSize, name)
			}
			d.t.SetFont(plain, "", textSize)
			d.text(margin+names, d.y, textSize, l)
			d.y += lineHeight
		}
	}
	d.y += 2
}

// Space leaves so many mm empty, for a signature or a stamp. With a caption there is a line to sign on.
func (d *Document) Space(height float64, caption string) {
	if d.err != nil {
		return
	}
	d.need(height + lineHeight)
	d.y += height
	if caption == "" {
		return
	}
	d.t.SetDrawColor(0, 0, 0)
	d.t.SetLineWidth(0.2)
	d.t.Line(margin, d.y, margin+80, d.y)
	d.line(d.t.clean(caption), plain, 8, lineHeight)
}

// Code sets a QR code of so many mm, with a caption at its right.
func (d *Document) Code(content string, size float64, caption string) {
	if d.err != nil {
		return
	}
	d.need(size + 2)
	if err := d.t.code(content, margin, d.y, size); err != nil {
		d.err = err
		return
	}
	d.t.SetFont(mono, "", 8)
	y := d.y
	for _, l := range d.t.wrap(caption, d.width()-size-4) {
		d.text(margin+size+4, y, 8, l)
		y += 3.8
	}
	d.y = max(d.y+size, y) + 2
}

// WriteTo implements io.WriterTo: it ends the document and writes it as PDF.
func (d *Document) WriteTo(w io.Writer) (int64, error) {
	if d.err != nil {
		return 0, fmt.Errorf("setting %q: %w", d.info.Title, d.err)
	}
	return write(d.t, d.info.Title, w)
}

func write(t *typesetter, title string, w io.Writer) (int64, error) {
	var b bytes.Buffer
	if err := t.Output(&b); err != nil {
		return 0, fmt.Errorf("setting %q: %w", title, err)
	}
	return b.WriteTo(w)
}
