package paper

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Roll is labels for a printer that speaks ZPL II (Zebra, and many that do as it does).
type Roll struct {
	Layout Layout // one that is a roll
	Labels []Label
	DPI    int // of the printer: 203, 300 or 600
}

// Measures of labels in ZPL.
const (
	zplWidth = 0.62 // of a letter of font 0 by its height, when many are wide: what is longer is made smaller
	zplMost  = 10   // the largest magnification of ^BQ
)

// WriteTo implements io.WriterTo. Every label is a format of its own, ^XA to ^XZ; texts are UTF-8 (^CI28), and all that means
// something to the printer is written in hexadecimal (^FH).
func (r Roll) WriteTo(w io.Writer) (int64, error) {
	switch {
	case !slices.Contains([]int{203, 300, 600}, r.DPI):
		return 0, fmt.Errorf("%d dpi: label printers have 203, 300 or 600", r.DPI)
	case !r.Layout.Roll():
		return 0, fmt.Errorf("the layout %s is a sheet: ZPL is for labels that come one by one, from a roll", r.Layout.Name)
	}
	var b bytes.Buffer
	for i, l := range r.Labels {
		if err := r.label(&b, l); err != nil {
			return 0, fmt.Errorf("label %d, %q: %w", i+1, l.Title, err)
		}
	}
	return b.WriteTo(w)
}

// dots is so many mm in the printer's dots.
func (r Roll) dots(mm float64) int { return int(math.Round(mm * float64(r.DPI) / 25.4)) }

func (r Roll) label(b *bytes.Buffer, l Label) error {
	size := r.Layout.Label
	width, height, pad := r.dots(size.Width), r.dots(size.Height), r.dots(labelPad)
	fmt.Fprintf(b, "^XA\n^CI28\n^PW%d\n^LL%d\n^LH0,0\n", width, height)
	left := pad
	if l.Code != "" {
		side, err := r.code(b, l.Code, pad, height)
		if err != nil {
			return err
		}
		left += side
	}
	room := width - left - pad
	if room < r.dots(labelLeast) {
		return fmt.Errorf("beside the QR code there are %d dots for the text: take a larger label", room)
	}
	title := min(height/3, r.dots(titleMost*millimetres))
	at := r.text(b, l.Title, left, pad, room, title, r.dots(titleLeast*millimetres))
	if len(l.Lines) == 0 {
		b.WriteString("^XZ\n")
		return nil
	}
	least := r.dots(linesLeast * millimetres)
	most := min(r.dots(linesMost*millimetres), max(int(float64(height-pad-at)/float64(len(l.Lines))/leading), least))
	for _, line := range l.Lines {
		if at+least > height-pad {
			break
		}
		at = r.text(b, line, left, at, room, most, least)
	}
	b.WriteString("^XZ\n")
	return nil
}

// code sets a QR code (^BQ, model 2) as large as half of the label lets it be, and says how wide it is with its border. The
// field's data begin with the correction level, M, and the input mode, A: the printer finds the best one itself.
func (r Roll) code(b *bytes.Buffer, content string, pad, height int) (side int, err error) {
	if strings.ContainsFunc(content, func(c rune) bool { return c < ' ' || c > '~' }) {
		return 0, fmt.Errorf("the QR code %q has letters that are no ASCII", content)
	}
	all, err := matrix(content)
	if err != nil {
		return 0, err
	}
	modules := len(all)
	room := min(height-2*pad, r.dots(min(codeMost, r.Layout.Label.Width/2)))
	size := min(room/(modules+quiet), zplMost)
	if size < 2 {
		return 0, fmt.Errorf("a QR code of %d modules has no room in %d dots: take a larger label", modules, room)
	}
	fmt.Fprintf(b, "^FO%d,%d^BQN,2,%d^FH_^FDMA,%s^FS\n", pad, (height-modules*size)/2, size, zplText(content))
	return (modules + quiet) * size, nil
}

// text sets one line at its upper left corner, and says where the next one begins.
func (r Roll) text(b *bytes.Buffer, text string, x, y, width, largest, smallest int) int {
	n := utf8.RuneCountInString(text)
	size := largest
	if n > 0 {
		size = max(min(largest, int(float64(width)/zplWidth/float64(n))), smallest)
	}
	if fits := max(int(float64(width)/zplWidth/float64(size)), 1); n > fits {
		text = string([]rune(text)[:fits-1]) + "…"
	}
	fmt.Fprintf(b, "^FO%d,%d^A0N,%d,%d^FH_^FD%s^FS\n", x, y, size, size, zplText(text))
	return y + int(float64(size)*leading)
}

// zplText writes what the printer would take as a command, and all that is no printable ASCII, in hexadecimal.
func zplText(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' || strings.IndexByte(`^~_\`, c) >= 0 {
			fmt.Fprintf(&b, "_%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
