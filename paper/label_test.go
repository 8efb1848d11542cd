package paper_test

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"socle/paper"
)

func labels(n int) (all []paper.Label) {
	for i := range n {
		all = append(all, paper.Label{
			Code: fmt.Sprintf("https://socle.example:8443/machines/node%03d", i), Title: fmt.Sprintf("node%03d", i),
			Lines: []string{fmt.Sprintf("SN CZ34%04d", i), "ams1 / hall 2 / r12, U 17", "ProLiant BL460c Gen8"},
		})
	}
	return all
}

func TestEveryLabelOfEveryLayoutIsRead(t *testing.T) {
	for _, l := range paper.Layouts() {
		t.Run(l.Name, func(t *testing.T) {
			n := l.PerSheet() + 1
			skip := min(1, l.PerSheet()-1)
			pdf := file(t, paper.Sheet{Info: paper.Info{Title: "Labels", Created: printed}, Layout: l, Labels: labels(n), Skip: skip, Outline: true})
			if got := pages(t, pdf); got != 2 {
				t.Errorf("%d labels take %d pages", n, got)
			}
			text := tool(t, "pdftotext", pdf, "-")
			for i, label := range labels(n) {
				if !strings.Contains(text, label.Title) || !strings.Contains(text, label.Lines[0]) {
					t.Errorf("label %d lacks its name or serial", i)
				}
				// Those at the corners are read, out of the box in which they are to be.
				if at := i + skip; i == 0 || at == l.PerSheet()-1 || at == l.PerSheet() {
					x, y := l.At(at % l.PerSheet())
					if got := code(t, pdf, 1+at/l.PerSheet(), x, y, l.Label); got != label.Code {
						t.Errorf("label %d reads %q", i, got)
					}
				}
			}
			size := fmt.Sprintf("Page size:       %g x %g pts", points(l.Sheet.Width), points(l.Sheet.Height))
			if info := tool(t, "pdfinfo", pdf); !strings.Contains(info, size) {
				t.Errorf("no %q in\n%s", size, info)
			}
		})
	}
}

// points rounds as the file does.
func points(mm float64) float64 { return math.Round(mm*72/25.4*100) / 100 }

func TestLayoutsFitTheirSheets(t *testing.T) {
	for _, l := range paper.Layouts() {
		x, y := l.At(0)
		right, bottom := l.At(l.PerSheet() - 1)
		if x < 0 || y < 0 || right+l.Label.Width > l.Sheet.Width+1e-9 || bottom+l.Label.Height > l.Sheet.Height+1e-9 {
			t.Errorf("%s does not fit: from %g, %g to %g, %g", l.Name, x, y, right+l.Label.Width, bottom+l.Label.Height)
		}
		if found, err := paper.FindLayout(l.Name); err != nil || found != l {
			t.Errorf("%s: %v", l.Name, err)
		}
	}
	// The maker of 5160 says: 0.15625 in from the left, 0.5 in from the top, 2.78125 in from label to label.
	l, err := paper.FindLayout("letter-3x10")
	if err != nil {
		t.Fatal(err)
	}
	x, y := l.At(0)
	next, _ := l.At(1)
	for _, m := range []struct{ got, inches float64 }{{x, 0.15625}, {y, 0.5}, {next - x, 2.78125}} {
		if math.Abs(m.got-m.inches*25.4) > 0.01 {
			t.Errorf("%g mm, not %g in", m.got, m.inches)
		}
	}
	if _, err := paper.FindLayout("a5"); err == nil || !strings.Contains(err.Error(), "a4-3x8") {
		t.Errorf("an unknown layout: %v", err)
	}
}

func TestSheetRefusesToSkipAllOfIt(t *testing.T) {
	l := paper.Layouts()[0]
	for _, skip := range []int{-1, l.PerSheet()} {
		if _, err := (paper.Sheet{Layout: l, Labels: labels(1), Skip: skip}).WriteTo(io.Discard); err == nil {
			t.Errorf("skip %d is no error", skip)
		}
	}
}

func TestLongTextsStayOnTheirLabel(t *testing.T) {
	l, err := paper.FindLayout("a4-3x8-edge")
	if err != nil {
		t.Fatal(err)
	}
	long := paper.Label{Code: "x", Title: strings.Repeat("long-name-", 10), Lines: slices.Repeat([]string{strings.Repeat("text ", 40)}, 40)}
	pdf := file(t, paper.Sheet{Layout: l, Labels: slices.Repeat([]paper.Label{long}, 2)})
	// Each word of pdftotext -bbox has its place; those of the first label must end before the second begins.
	for line := range strings.SplitSeq(tool(t, "pdftotext", "-bbox", pdf, "-"), "\n") {
		var xMin, yMin, xMax, yMax float64
		if n, _ := fmt.Sscanf(strings.TrimSpace(line), `<word xMin="%f" yMin="%f" xMax="%f" yMax="%f">`, &xMin, &yMin, &xMax, &yMax); n != 4 {
			continue
		}
		if xMin < points(70) && xMax > points(70) || yMax > points(38) {
			t.Errorf("over the edge: %s", line)
		}
	}
}
