package paper_test

import (
	"bytes"
	"encoding/hex"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/boombuler/barcode/qr"

	"socle/paper"
)

// zplLine is every command that is used, with all its parameters.
var zplLine = regexp.MustCompile(`^(?:\^XA|\^XZ|\^CI28|\^PW\d+|\^LL\d+|\^LH0,0|\^FO(\d+),(\d+)(?:\^BQN,2,(\d+)|\^A0N,(\d+),(\d+))\^FH_\^FD([ -~]*)\^FS)$`)

// field undoes ^FH.
func field(t *testing.T, data string) string {
	t.Helper()
	return regexp.MustCompile(`_[0-9A-F]{2}`).ReplaceAllStringFunc(data, func(x string) string {
		b, err := hex.DecodeString(x[1:])
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	})
}

func TestZPLKeepsItsRules(t *testing.T) {
	nasty := paper.Label{Title: "a^XZ~JA_b\\", Lines: []string{"Größe → 漢", strings.Repeat("long ", 60), "^FS^XZ"}, Code: "CZ1_2^3 r12/17"}
	for _, dpi := range []int{203, 300, 600} {
		for _, l := range paper.Layouts() {
			if !l.Roll() {
				continue
			}
			all := append(labels(2), nasty)
			var b bytes.Buffer
			if _, err := (paper.Roll{Layout: l, Labels: all, DPI: dpi}).WriteTo(&b); err != nil {
				t.Fatalf("%s at %d dpi: %v", l.Name, dpi, err)
			}
			width, height := int(l.Label.Width*float64(dpi)/25.4+0.5), int(l.Label.Height*float64(dpi)/25.4+0.5)
			n, open := 0, false
			var got []string
			for line := range strings.Lines(b.String()) {
				m := zplLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
				if m == nil {
					t.Fatalf("%q is no command that there is", line)
				}
				switch {
				case strings.HasPrefix(line, "^XA"):
					open, n = true, n+1
				case strings.HasPrefix(line, "^XZ"):
					open = false
				case !open:
					t.Fatalf("%q stands outside of a label", line)
				case m[1] == "":
				default:
					x, y := number(t, m[1]), number(t, m[2])
					right, bottom := x, y
					if m[3] != "" {
						content, mode := strings.CutPrefix(field(t, m[6]), "MA,")
						if !mode || content != all[n-1].Code {
							t.Errorf("the code is %q", m[6])
						}
						code, err := qr.Encode(content, qr.M, qr.Auto)
						if err != nil {
							t.Fatal(err)
						}
						side := code.Bounds().Dx() * number(t, m[3])
						right, bottom = x+side, y+side
					} else {
						got = append(got, field(t, m[6]))
						bottom += number(t, m[4])
					}
					if right > width || bottom > height {
						t.Errorf("%s at %d dpi: over the edge of %d by %d dots: %q", l.Name, dpi, width, height, line)
					}
				}
			}
			if n != len(all) || open {
				t.Errorf("%s: %d labels, open %v", l.Name, n, open)
			}
			if got[0] != "node000" || !strings.Contains(strings.Join(got, "\n"), `a^XZ~JA_b\`) {
				t.Errorf("%s: %q", l.Name, got)
			}
		}
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A printer makes a symbol of the field's data; the same symbol with modules of as many dots is read.
func TestZPLCodeIsRead(t *testing.T) {
	l, err := paper.FindLayout("roll-50x25")
	if err != nil {
		t.Fatal(err)
	}
	const content = "CZ3404ABCD r12u17 r12/17 1=leaf-a:Ethernet1/7 2=leaf-b:Ethernet1/7 iLO=mgmt-1:12"
	var b bytes.Buffer
	if _, err := (paper.Roll{Layout: l, Labels: []paper.Label{{Title: "r12u17", Code: content}}, DPI: 203}).WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`\^BQN,2,(\d+)\^FH_\^FDMA,([ -~]+)\^FS`).FindStringSubmatch(b.String())
	if m == nil {
		t.Fatal(b.String())
	}
	code, err := qr.Encode(field(t, m[2]), qr.M, qr.Auto)
	if err != nil {
		t.Fatal(err)
	}
	size := number(t, m[1])
	const border = 4
	side := (code.Bounds().Dx() + 2*border) * size
	img := image.NewGray(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			img.Set(x, y, color.White)
			if at := image.Pt(x/size-border, y/size-border); at.In(code.Bounds()) {
				img.Set(x, y, code.At(at.X, at.Y))
			}
		}
	}
	name := filepath.Join(t.TempDir(), "code.png")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(file, img); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(tool(t, "zbarimg", "--nodbus", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", name)); got != content {
		t.Errorf("read %q", got)
	}
}

func TestZPLRefuses(t *testing.T) {
	sheet := paper.Layouts()[0]
	roll, err := paper.FindLayout("50x25")
	if err != nil {
		t.Fatal(err)
	}
	small, err := paper.FindLayout("12x8")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		roll paper.Roll
		says string
	}{
		{paper.Roll{Layout: roll, DPI: 100}, "203, 300 or 600"},
		{paper.Roll{Layout: sheet, DPI: 203}, "is a sheet"},
		{paper.Roll{Layout: roll, DPI: 203, Labels: []paper.Label{{Title: "x", Code: "é"}}}, "no ASCII"},
		{paper.Roll{Layout: small, DPI: 203, Labels: []paper.Label{{Title: "x", Code: strings.Repeat("code ", 20)}}}, "larger label"},
	} {
		var b bytes.Buffer
		if _, err := tc.roll.WriteTo(&b); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%v is no %q", err, tc.says)
		}
	}
}

func TestFindLayout(t *testing.T) {
	for name, want := range map[string]paper.Layout{
		"L7160":               {Name: "a4-3x7", Sheet: paper.A4, Columns: 3, Rows: 7},
		"l7651":               {Name: "a4-5x13", Sheet: paper.A4, Columns: 5, Rows: 13},
		"76x51":               {Name: "76x51", Sheet: paper.Size{Width: 76, Height: 51}, Columns: 1, Rows: 1},
		"2x4@99.1x67.7+2.5x0": {Name: "2x4@99.1x67.7+2.5x0", Sheet: paper.A4, Columns: 2, Rows: 4},
		"1x1@190x277":         {Name: "1x1@190x277", Sheet: paper.A4, Columns: 1, Rows: 1},
	} {
		got, err := paper.FindLayout(name)
		if err != nil || got.Name != want.Name || got.Sheet != want.Sheet || got.Columns != want.Columns || got.Rows != want.Rows {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for name, says := range map[string]string{"3x9@70x37": "do not fit A4", "0x4@20x20": "at least", "5x5": "at each side", "labels": "there is no layout", "Avery": "there is no layout"} {
		if _, err := paper.FindLayout(name); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
