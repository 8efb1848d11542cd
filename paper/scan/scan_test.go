package scan_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/code128"
	"github.com/boombuler/barcode/code39"
	"github.com/boombuler/barcode/datamatrix"
	"github.com/boombuler/barcode/qr"

	"socle/paper/scan"
)

// photo is a code on a white label before something grey, as a camera sees it, in a JPEG.
func photo(t testing.TB, code barcode.Barcode, err error, width, height int, frame image.Rectangle, turned bool) []byte {
	t.Helper()
	if err == nil {
		code, err = barcode.Scale(code, width, height)
	}
	if err != nil {
		t.Fatal(err)
	}
	img := image.NewGray(frame)
	draw.Draw(img, frame, image.NewUniform(color.Gray{Y: 120}), image.Point{}, draw.Src)
	if turned {
		width, height = height, width
	}
	at := image.Rect(0, 0, width, height).Add(image.Pt((frame.Dx()-width)/2, (frame.Dy()-height)/2))
	draw.Draw(img, at.Inset(-width/8-10), image.NewUniform(color.Gray{Y: 225}), image.Point{}, draw.Src)
	for y := range height {
		for x := range width {
			c := code.At(x, y)
			if turned {
				c = code.At(y, x)
			}
			if r, _, _, _ := c.RGBA(); r < 0x8000 {
				img.SetGray(at.Min.X+x, at.Min.Y+y, color.Gray{Y: 40})
			}
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 70}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadWhatLabelsHave(t *testing.T) {
	web, phone := image.Rect(0, 0, 640, 480), image.Rect(0, 0, 4000, 3000)
	q, qerr := qr.Encode("SN-n1", qr.M, qr.Auto)
	long, lerr := qr.Encode("socle:machine/8f14e45f-ceea-467f-9a36-dcc0a2d1b2aa;serial=SMC-2041-0007;u=12", qr.M, qr.Auto)
	bars, berr := code128.Encode("SMC-2041-0007")
	old, oerr := code39.Encode("CZJ2130XKL", false, false)
	m, merr := datamatrix.Encode("PF3ABCDE")
	for _, tc := range []struct {
		name    string
		picture []byte
		want    string
	}{
		{"QR", photo(t, q, qerr, 120, 120, web, false), "SN-n1"},
		{"QR on a phone", photo(t, long, lerr, 900, 900, phone, false), "socle:machine/8f14e45f-ceea-467f-9a36-dcc0a2d1b2aa;serial=SMC-2041-0007;u=12"},
		{"Code 128", photo(t, bars, berr, 400, 80, web, false), "SMC-2041-0007"},
		{"Code 128, turned", photo(t, bars, berr, 400, 80, web, true), "SMC-2041-0007"},
		{"Code 128 on a phone", photo(t, bars, berr, 2400, 500, phone, false), "SMC-2041-0007"},
		{"Code 39", photo(t, old, oerr, 480, 90, web, false), "CZJ2130XKL"},
		{"Data Matrix", photo(t, m, merr, 160, 160, web, false), "PF3ABCDE"},
	} {
		if got, err := scan.Read(tc.picture); err != nil || got != tc.want {
			t.Errorf("%s: %q, %v", tc.name, got, err)
		}
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	var empty, wide bytes.Buffer
	if err := png.Encode(&empty, image.NewGray(image.Rect(0, 0, 300, 200))); err != nil {
		t.Fatal(err)
	}
	if _, err := scan.Read(empty.Bytes()); !errors.Is(err, scan.ErrNoCode) {
		t.Errorf("an empty picture: %v", err)
	}
	if err := png.Encode(&wide, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	bomb := wide.Bytes()
	copy(bomb[16:], []byte{0, 1, 0, 0, 0, 1, 0, 0}) // 65536 by 65536, says its header, whose sum is wrong then
	for name, picture := range map[string][]byte{"nothing": nil, "text": []byte("SN-n1"), "too many pixels": bomb, "cut short": photo(t, mustQR(t), nil, 100, 100, image.Rect(0, 0, 200, 200), false)[:600]} {
		if _, err := scan.Read(picture); !errors.Is(err, scan.ErrNoPicture) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func mustQR(t testing.TB) barcode.Barcode {
	t.Helper()
	q, err := qr.Encode("x", qr.M, qr.Auto)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func FuzzRead(f *testing.F) {
	f.Add(photo(f, mustQR(f), nil, 60, 60, image.Rect(0, 0, 120, 90), false))
	f.Add([]byte("GIF89a"))
	f.Fuzz(func(t *testing.T, picture []byte) {
		if len(picture) > 64<<10 {
			return
		}
		if c, _, err := image.DecodeConfig(bytes.NewReader(picture)); err == nil && c.Width*c.Height > 1<<20 {
			return // allowed, and slow here
		}
		if text, err := scan.Read(picture); err == nil && text == "" {
			t.Error("a code without a text")
		}
	})
}

// BenchmarkReadFrame is what a frame of a phone's camera costs the server: one with a code, and one without.
func BenchmarkReadFrame(b *testing.B) {
	frame := image.Rect(0, 0, 960, 540)
	with := photo(b, mustQR(b), nil, 150, 150, frame, false)
	var without bytes.Buffer
	if err := jpeg.Encode(&without, image.NewGray(frame), nil); err != nil {
		b.Fatal(err)
	}
	for name, picture := range map[string][]byte{"code": with, "none": without.Bytes()} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = scan.Read(picture)
			}
		})
	}
}
