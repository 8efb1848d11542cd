package paper

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
)

// The fonts of the house.
const (
	plain = "go"
	bold  = "gobold"
	mono  = "gomono"
)

// typesetter sets text, and knows which letters there are.
type typesetter struct {
	*fpdf.Fpdf
	known  *sfnt.Font
	buffer sfnt.Buffer
}

func newTypesetter(orientation string, page Size) (*typesetter, error) {
	known, err := sfnt.Parse(goregular.TTF) // the bold and the mono one have the same letters, see the tests
	if err != nil {
		return nil, fmt.Errorf("reading the font: %w", err)
	}
	t := &typesetter{known: known, Fpdf: fpdf.NewCustom(&fpdf.InitType{
		OrientationStr: orientation, UnitStr: "mm", Size: fpdf.SizeType{Wd: page.Width, Ht: page.Height},
	})}
	t.SetCatalogSort(true)
	// A font gets a copy: fpdf writes into the bytes that it is given when it cuts a font of equal widths, so that the next
	// document would be another one, and two at once would race.
	for _, f := range []struct {
		name string
		ttf  []byte
	}{{plain, goregular.TTF}, {bold, gobold.TTF}, {mono, gomono.TTF}} {
		t.AddUTF8FontFromBytes(f.name, "", bytes.Clone(f.ttf))
	}
	t.SetAutoPageBreak(false, 0)
	t.SetMargins(0, 0, 0)
	t.SetCellMargin(0)
	return t, t.Error()
}

// clean makes a text printable: one line breaks to a space, and a letter that the font lacks is a question mark.
func (t *typesetter) clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Cf, r) || unicode.IsControl(r):
			return -1
		}
		if glyph, err := t.known.GlyphIndex(&t.buffer, r); err != nil || glyph == 0 || r > 0xffff {
			return '?'
		}
		return r
	}, text)
}

// wrap breaks a text into lines that are at most as wide as given, in mm and in the current font: at spaces where it can.
// There is always one line.
func (t *typesetter) wrap(text string, width float64) (lines []string) {
	for paragraph := range strings.SplitSeq(text, "\n") {
		line := ""
		for _, word := range strings.Fields(t.clean(paragraph)) {
			if line != "" && t.GetStringWidth(line+" "+word) <= width {
				line += " " + word
				continue
			}
			if line != "" {
				lines = append(lines, line)
			}
			for t.GetStringWidth(word) > width {
				head := t.head(word, width)
				lines, word = append(lines, head), word[len(head):]
			}
			line = word
		}
		lines = append(lines, line)
	}
	return lines
}

// head is as much of a word as fits, at least one letter.
func (t *typesetter) head(word string, width float64) string {
	end := 0
	for i, r := range word {
		next := i + len(string(r))
		if end > 0 && t.GetStringWidth(word[:next]) > width {
			break
		}
		end = next
	}
	return word[:end]
}

// fit is a text on one line: in the largest size between two, in points, at which it is no wider than given, or cut with
// an ellipsis at the smallest.
func (t *typesetter) fit(text, style string, width, largest, smallest float64) (fitting string, size float64) {
	text = t.clean(text)
	t.SetFont(style, "", largest)
	if w := t.GetStringWidth(text); w > width {
		size = max(largest*width/w, smallest)
	} else {
		size = largest
	}
	t.SetFontSize(size)
	const slack = 0.01 // mm: what rounding makes of a width
	if t.GetStringWidth(text) <= width+slack {
		return text, size
	}
	const more = "…"
	runes := []rune(text)
	for len(runes) > 0 && t.GetStringWidth(string(runes)+more) > width {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + more, size
}

// millimetres is how high a point is.
const millimetres = 25.4 / 72
