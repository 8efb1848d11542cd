package paper

import (
	"fmt"
	"io"
)

// Label is what is printed on one.
type Label struct {
	Code  string   // content of the QR code; empty: none
	Title string   // the largest line
	Lines []string // below it, as many as there is room for
}

// Sheet is labels in a layout.
type Sheet struct {
	Info   Info // its page is the layout's
	Layout Layout
	Labels []Label
	// Skip is how many labels of the first sheet are gone already.
	Skip int
	// Outline draws the edges of the labels, for plain paper and to look whether the printer scales.
	Outline bool
}

// WriteTo implements io.WriterTo: it writes the sheets as PDF. The labels are only where they are to be when the
// printer does not fit the page to the paper.
func (s Sheet) WriteTo(w io.Writer) (int64, error) {
	per := s.Layout.PerSheet()
	if s.Skip < 0 || s.Skip >= per {
		return 0, fmt.Errorf("a sheet %s has %d labels: not the first %d, but 0 to %d of them can be gone", s.Layout.Name, per, s.Skip, per-1)
	}
	t, err := newTypesetter("P", s.Layout.Sheet) // as it is, even when it is wider than high
	if err != nil {
		return 0, err
	}
	describe(t, s.Info)
	if len(s.Labels) == 0 {
		t.AddPage()
	}
	for i, l := range s.Labels {
		at := i + s.Skip
		if i == 0 || at%per == 0 {
			t.AddPage()
		}
		x, y := s.Layout.At(at % per)
		if s.Outline {
			t.SetDrawColor(190, 190, 190)
			t.SetLineWidth(0.1)
			t.Rect(x, y, s.Layout.Label.Width, s.Layout.Label.Height, "D")
		}
		if err := t.label(l, x, y, s.Layout.Label); err != nil {
			return 0, fmt.Errorf("label %d, %q: %w", i+1, l.Title, err)
		}
	}
	return write(t, s.Info.Title, w)
}

// Measures of labels, in mm and points.
const (
	labelPad   = 2.0
	codeMost   = 30.0 // larger codes are no easier to read at arm's length
	titleMost  = 16.0
	titleLeast = 7.0
	linesMost  = 9.0
	linesLeast = 5.0
	leading    = 1.2 // line height by letter size
)

// label sets one: the QR code at the left, the texts at its right.
func (t *typesetter) label(l Label, x, y float64, size Size) error {
	left, right := x+labelPad, x+size.Width-labelPad
	if l.Code != "" {
		side := min(size.Height-labelPad, codeMost, size.Width/2)
		if err := t.code(l.Code, x+labelPad/2, y+(size.Height-side)/2, side); err != nil {
			return err
		}
		left = x + labelPad/2 + side // the border of the code is distance enough
	}
	at := y + labelPad
	bottom := y + size.Height - labelPad
	title, points := t.fit(l.Title, bold, right-left, min(titleMost, size.Height/3/millimetres), titleLeast)
	t.Text(left, at+points*millimetres, title)
	at += points * millimetres * leading
	if len(l.Lines) == 0 {
		return nil
	}
	most := min(linesMost, max((bottom-at)/float64(len(l.Lines))/leading/millimetres, linesLeast))
	for _, line := range l.Lines {
		text, points := t.fit(line, plain, right-left, most, linesLeast)
		if at+points*millimetres > bottom {
			break
		}
		t.Text(left, at+points*millimetres, text)
		at += points * millimetres * leading
	}
	return nil
}
