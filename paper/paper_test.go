package paper_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"socle/paper"
)

var printed = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// file writes a PDF for the tools that read it.
func file(t *testing.T, w io.WriterTo) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "paper.pdf")
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// tool runs a program of Debian's poppler-utils or zbar-tools.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	var complaint bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil || strings.Contains(complaint.String(), "Syntax") {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, complaint.String())
	}
	return string(out)
}

// code is the QR code in a part of a page, in mm, as a scanner reads it.
func code(t *testing.T, pdf string, page int, x, y float64, size paper.Size) string {
	t.Helper()
	const dpi = 300
	at := filepath.Join(t.TempDir(), "part")
	dots := func(mm float64) string { return strconv.Itoa(int(mm * dpi / 25.4)) }
	n := strconv.Itoa(page)
	tool(t, "pdftoppm", "-r", strconv.Itoa(dpi), "-gray", "-singlefile", "-f", n, "-l", n,
		"-x", dots(x), "-y", dots(y), "-W", dots(size.Width), "-H", dots(size.Height), pdf, at)
	return strings.TrimSuffix(tool(t, "zbarimg", "--nodbus", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", at+".pgm"), "\n")
}

func pages(t *testing.T, pdf string) int {
	t.Helper()
	found := regexp.MustCompile(`Pages: +(\d+)`).FindStringSubmatch(tool(t, "pdfinfo", pdf))
	if found == nil {
		t.Fatal("pdfinfo tells no number of pages")
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func list(rows int) *paper.Document {
	d := paper.New(paper.Info{Title: "Parts to send back", Subtitle: "Vendor Größe & Söhne", Footer: "socle 26 Nov 2026", Author: "socle", Created: printed})
	d.Facts(paper.Pair{Name: "Delivery", Value: "D-2026-11"}, paper.Pair{Name: "Nothing"},
		paper.Pair{Name: "Long", Value: strings.Repeat("words that go on ", 20)})
	d.Heading("Parts")
	d.Paragraph("These are wrong.\nПривет, κόσμε, ≥ 3 → 4, 漢.")
	t := paper.Table{Columns: []paper.Column{{Title: "Server", Width: 2}, {Title: "Serial", Mono: true, Width: 3}, {Title: "Bytes", Right: true}}}
	for i := range rows {
		t.Rows = append(t.Rows, []string{fmt.Sprintf("node%03d", i), strings.Repeat("SERIAL", 1+i%9), strconv.Itoa(i * 1000)})
	}
	d.Table(t)
	d.Code("https://socle.example/m/node001", 30, "sha256 of all above")
	d.Space(15, "signature")
	return d
}

func TestDocumentBreaksOverPages(t *testing.T) {
	pdf := file(t, list(120))
	text := tool(t, "pdftotext", "-layout", pdf, "-")
	n := pages(t, pdf)
	if n < 3 {
		t.Errorf("120 rows take %d pages", n)
	}
	for page := 1; page <= n; page++ {
		if want := fmt.Sprintf("page %d of %d", page, n); !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	if got := strings.Count(text, "Serial"); got < n-1 {
		t.Errorf("the header of the table is there %d times on %d pages", got, n)
	}
	for i := range 120 {
		if want := fmt.Sprintf("node%03d", i); strings.Count(text, want) != 1 {
			t.Errorf("%s is there %d times", want, strings.Count(text, want))
		}
	}
	for _, want := range []string{"Vendor Größe & Söhne", "Привет, κόσμε, ≥ 3 → 4, ?."} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	info := tool(t, "pdfinfo", "-isodates", pdf)
	for _, want := range []string{"Title:           Parts to send back", "CreationDate:    2026-11-26T12:00:00", "Page size:       595.28 x 841.89 pts (A4)"} {
		if !strings.Contains(info, want) {
			t.Errorf("no %q in\n%s", want, info)
		}
	}
	if got := code(t, pdf, n, 0, 0, paper.A4); got != "https://socle.example/m/node001" {
		t.Errorf("the code reads %q", got)
	}
}

func TestSameContentGivesSameBytes(t *testing.T) {
	var first, second bytes.Buffer
	for _, b := range []*bytes.Buffer{&first, &second} {
		if _, err := list(50).WriteTo(b); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("made twice, it is not the same")
	}
}

func TestRowHigherThanAPage(t *testing.T) {
	d := paper.New(paper.Info{Title: "One row", Landscape: true})
	d.Table(paper.Table{Columns: []paper.Column{{Title: "All"}}, Rows: [][]string{{strings.Repeat("word ", 6000) + "the end"}, {"after it"}}})
	pdf := file(t, d)
	text := tool(t, "pdftotext", pdf, "-")
	if n := strings.Count(text, "word"); n != 6000 || !strings.Contains(text, "the end") || !strings.Contains(text, "after it") {
		t.Errorf("%d of 6000 words are there", n)
	}
	if pages(t, pdf) < 3 {
		t.Error("it is all on one page")
	}
}

func TestEmptyAndHostileTexts(t *testing.T) {
	hostile := "a(b)\\c \x00\x07 \u202e\ud7ff😀 {pages} \r\n<<>>" + strings.Repeat("W", 500)
	d := paper.New(paper.Info{Title: hostile, Subtitle: hostile, Footer: hostile, Author: hostile})
	d.Heading("")
	d.Paragraph("")
	d.Facts()
	d.Facts(paper.Pair{Name: hostile, Value: hostile})
	d.Table(paper.Table{})
	d.Table(paper.Table{Columns: []paper.Column{{Title: hostile}, {}}, Rows: [][]string{nil, {hostile}, {"", hostile, "too many"}}})
	text := tool(t, "pdftotext", file(t, d), "-")
	if !strings.Contains(text, `a(b)\c`) {
		t.Errorf("it reads\n%s", text)
	}
	d.Code("", 20, "")
	if _, err := d.WriteTo(io.Discard); err == nil {
		t.Error("a QR code of nothing is no error")
	}
	d = paper.New(paper.Info{})
	d.Code(strings.Repeat("x", 5000), 20, "")
	if _, err := d.WriteTo(io.Discard); err == nil {
		t.Error("a QR code of 5,000 bytes is no error")
	}
}
