package paper

import (
	"fmt"
	"image"
	"image/color"

	"github.com/boombuler/barcode/qr"
)

// quiet is the empty border around a QR code, in modules (ISO/IEC 18004, 6.3.8).
const quiet = 4

// matrix is a QR code with 15 % of it for correction, its modules without the border; true is black.
func matrix(content string) ([][]bool, error) {
	if content == "" {
		return nil, fmt.Errorf("a QR code needs content")
	}
	code, err := qr.Encode(content, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("%d bytes do not fit a QR code: %w", len(content), err)
	}
	return modules(code), nil
}

func modules(code image.Image) [][]bool {
	b := code.Bounds()
	all := make([][]bool, b.Dy())
	for y := range all {
		all[y] = make([]bool, b.Dx())
		for x := range all[y] {
			g, ok := color.GrayModel.Convert(code.At(b.Min.X+x, b.Min.Y+y)).(color.Gray)
			all[y][x] = ok && g.Y < 128
		}
	}
	return all
}

// code draws a QR code with its border into a square of so many mm. The modules are one path: between separate
// rectangles some viewers leave hairlines.
func (t *typesetter) code(content string, x, y, size float64) error {
	all, err := matrix(content)
	if err != nil {
		return err
	}
	step := size / float64(len(all)+2*quiet)
	t.SetFillColor(0, 0, 0)
	for r, row := range all {
		for c := 0; c < len(row); c++ {
			if !row[c] {
				continue
			}
			end := c
			for end < len(row) && row[end] {
				end++
			}
			left, top := x+float64(c+quiet)*step, y+float64(r+quiet)*step
			right := x + float64(end+quiet)*step
			t.MoveTo(left, top)
			t.LineTo(right, top)
			t.LineTo(right, top+step)
			t.LineTo(left, top+step)
			t.ClosePath()
			c = end
		}
	}
	t.DrawPath("F")
	return nil
}
