// Package scan reads the code on a server's label from a picture that a phone took: QR, Data Matrix, Code 128 or Code 39. It
// is what stands in for browsers that cannot read codes themselves (the Shape Detection API is missing in most), and for
// people whose browser has no scripts. Pictures are foreign: their size is bounded before they are unpacked.
package scan

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	_ "image/jpeg" // what phones send
	_ "image/png"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/datamatrix"
	"github.com/makiuchi-d/gozxing/oned"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// Errors of Read.
var (
	ErrNoCode    = errors.New("no code can be read in this picture: hold it nearer, straight, and without glare")
	ErrNoPicture = errors.New("this is no picture that can be read: send a JPEG or PNG of at most 50 megapixels")
)

// maxPixels bounds a picture: the cameras of phones make up to 50 megapixels, which are 75 MB as JPEG unpacks them.
const maxPixels = 50_000_000

// sides are the lengths, in pixels, to which the longer side of a picture is shrunk, one after the other: a code that fills
// the picture is read best in a small one, one that is far away in a large one.
var sides = []int{1000, 1800, 500}

// Read returns the text of the code in a picture.
func Read(picture []byte) (string, error) {
	c, _, err := image.DecodeConfig(bytes.NewReader(picture))
	if err != nil || c.Width < 1 || c.Height < 1 || c.Width > maxPixels/c.Height {
		return "", ErrNoPicture
	}
	img, _, err := image.Decode(bytes.NewReader(picture))
	if err != nil {
		return "", fmt.Errorf("%w (%w)", ErrNoPicture, err)
	}
	before := 0
	for _, side := range sides {
		small := shrink(img, side)
		if long := max(small.Rect.Dx(), small.Rect.Dy()); long == before {
			continue // the picture was smaller
		} else {
			before = long
		}
		for _, try := range []*image.Gray{small, middle(small), turn(small)} {
			if text := read(try); text != "" {
				return text, nil
			}
		}
	}
	return "", ErrNoCode
}

// read tries the readers on one picture. Bars are looked for along some lines around the middle only: along all of them,
// a picture without any takes ten times as long.
func read(img *image.Gray) (text string) {
	harder := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}
	for _, x := range []struct {
		r    gozxing.Reader
		hint map[gozxing.DecodeHintType]any
	}{{qrcode.NewQRCodeReader(), harder}, {oned.NewCode128Reader(), nil}, {oned.NewCode39Reader(), nil}, {datamatrix.NewDataMatrixReader(), harder}} {
		if text := try(x.r, img, x.hint); text != "" {
			return text
		}
	}
	return ""
}

// try tries one reader. They are foreign code that counts pixels: a panic of one is a code that it cannot read.
func try(r gozxing.Reader, img *image.Gray, hint map[gozxing.DecodeHintType]any) (text string) {
	defer func() {
		if recover() != nil {
			text = ""
		}
	}()
	bits, err := gozxing.NewBinaryBitmap(gozxing.NewHybridBinarizer(gozxing.NewLuminanceSourceFromImage(img)))
	if err != nil {
		return ""
	}
	found, err := r.Decode(bits, hint)
	if err != nil {
		return ""
	}
	return found.GetText()
}

// shrink makes a grey copy whose longer side is at most so long; each of its pixels is the mean of those that it stands for.
func shrink(img image.Image, side int) *image.Gray {
	b := img.Bounds()
	grey := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	if y, is := img.(*image.YCbCr); is {
		for row := range b.Dy() {
			at := y.YOffset(b.Min.X, b.Min.Y+row)
			copy(grey.Pix[row*grey.Stride:(row+1)*grey.Stride], y.Y[at:at+b.Dx()])
		}
	} else {
		draw.Draw(grey, grey.Rect, img, b.Min, draw.Src)
	}
	n := (max(b.Dx(), b.Dy()) + side - 1) / side
	if n < 2 {
		return grey
	}
	out := image.NewGray(image.Rect(0, 0, max(1, b.Dx()/n), max(1, b.Dy()/n)))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			sum := 0
			for row := y * n; row < min(y*n+n, b.Dy()); row++ {
				for _, p := range grey.Pix[row*grey.Stride+x*n : row*grey.Stride+min(x*n+n, b.Dx())] {
					sum += int(p)
				}
			}
			out.Pix[y*out.Stride+x] = uint8(min(255, sum/(n*n)))
		}
	}
	return out
}

// middle is the middle half of a picture, where people hold what they want to be read.
func middle(img *image.Gray) *image.Gray {
	r := img.Rect
	sub, _ := img.SubImage(image.Rect(r.Dx()/4, r.Dy()/4, r.Dx()*3/4, r.Dy()*3/4)).(*image.Gray) // of a Gray it is one
	out := image.NewGray(image.Rect(0, 0, sub.Rect.Dx(), sub.Rect.Dy()))
	draw.Draw(out, out.Rect, sub, sub.Rect.Min, draw.Src)
	return out
}

// turn is a picture turned by a quarter: bars are read along the lines only.
func turn(img *image.Gray) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, img.Rect.Dy(), img.Rect.Dx()))
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			out.Pix[x*out.Stride+img.Rect.Dy()-1-y] = img.Pix[y*img.Stride+x]
		}
	}
	return out
}
