package paper

import (
	"fmt"

	"codeberg.org/go-pdf/fpdf"
	goqr "github.com/piglig/go-qr"
)

// quiet is the empty border around a QR code, in modules (ISO/IEC 18004, 6.3.8).
const quiet = 4

// matrix is a QR code with 15 % of it or more for correction, its modules without the border; true is black.
func matrix(content string) ([][]bool, error) {
	if content == "" {
		return nil, fmt.Errorf("a QR code needs content")
	}
	code, err := goqr.EncodeText(content, goqr.Medium)
	if err != nil {
		return nil, fmt.Errorf("%d bytes do not fit a QR code: %w", len(content), err)
	}
	all := make([][]bool, code.Size())
	for y := range all {
		all[y] = make([]bool, code.Size())
		for x := range all[y] {
			all[y][x] = code.Module(x, y)
		}
	}
	return all, nil
}

// code draws a QR code with its border into a square of so many mm. The modules are one path: between separate
// rectangles some viewers leave hairlines. They are counted in whole numbers, from the upper left corner of the code.
func (t *typesetter) code(content string, x, y, size float64) error {
	all, err := matrix(content)
	if err != nil {
		return err
	}
	_, height := t.GetPageSize()
	points := t.GetConversionRatio()
	step := size / float64(len(all)+2*quiet)
	t.SetFillColor(0, 0, 0)
	t.TransformBegin()
	defer t.TransformEnd()
	t.Transform(fpdf.TransformMatrix{A: step * points, D: -step * points, E: (x + quiet*step) * points, F: (height - y - quiet*step) * points})
	var path []byte
	for r, row := range all {
		for c := 0; c < len(row); c++ {
			end := c
			for end < len(row) && row[end] {
				end++
			}
			if end > c {
				path = fmt.Appendf(path, "%d %d %d 1 re\n", c, r, end-c)
				c = end
			}
		}
	}
	t.RawWriteStr(string(path) + "f")
	return nil
}
