package xlsx_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"socle/inventory/sheet"
	"socle/inventory/sheet/xlsx"
)

// workbook makes a file of some cells of some sheets, in the order of their names.
func workbook(t testing.TB, fill func(f *excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	fill(f)
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func set(t testing.TB, f *excelize.File, sheet, cell string, value any, format string) {
	t.Helper()
	err := f.SetCellValue(sheet, cell, value)
	if format != "" {
		style, e := f.NewStyle(&excelize.Style{CustomNumFmt: &format})
		err = errors.Join(err, e, f.SetCellStyle(sheet, cell, cell, style))
	}
	if err != nil {
		t.Fatal(err)
	}
}

type row struct {
	Line   int
	Fields []string
	Flaw   string
}

func read(t *testing.T, file []byte, name string) (rows []row) {
	t.Helper()
	src, err := xlsx.Open("list", file)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := src.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	for {
		fields, line, err := rec.Next()
		var flaw *sheet.Flaw
		switch {
		case errors.Is(err, io.EOF):
			return rows
		case errors.As(err, &flaw):
			rows = append(rows, row{Line: line, Flaw: flaw.Message})
		case err != nil:
			t.Fatal(err)
		default:
			rows = append(rows, row{Line: line, Fields: fields})
		}
	}
}

// TestWhatCellsMean: a number is meant whole however it is shown, and dates and leading zeros as they are shown.
func TestWhatCellsMean(t *testing.T) {
	file := workbook(t, func(f *excelize.File) {
		for i, c := range []struct {
			value  any
			format string
		}{
			{"SN-1", ""}, {"007", ""}, {42, "000000"}, {int64(1234567890123456), ""}, {1234567890123.0, "0.00E+00"}, {46000, "dd.mm.yyyy"}, {46000, "yyyy-mm-dd"}, {46000, "d-mmm-yy"},
			{12345.5, "#,##0.00"}, {12345, "#,##0"}, {true, ""}, {46000, ""}, {123456, "000-000"}, {"two\nlines", ""}, {1e22, ""},
		} {
			cell, _ := excelize.CoordinatesToCellName(i+1, 3)
			set(t, f, "Sheet1", cell, c.value, c.format)
		}
	})
	want := []row{{Line: 3, Fields: []string{
		"SN-1", "007", "000042", "1234567890123456", "1234567890123", "2025-12-09", "2025-12-09", "2025-12-09",
		"12345.5", "12345", "TRUE", "46000", "123-456", "two\nlines", "10000000000000000000000",
	}}}
	if diff := cmp.Diff(want, read(t, file, "Sheet1")); diff != "" {
		t.Error(diff)
	}
}

func TestSheets(t *testing.T) {
	file := workbook(t, func(f *excelize.File) {
		for _, name := range []string{"Servers", "Old"} {
			if _, err := f.NewSheet(name); err != nil {
				t.Fatal(err)
			}
		}
		set(t, f, "Servers", "B2", "x", "")
		if err := f.SetSheetVisible("Old", false); err != nil {
			t.Fatal(err)
		}
	})
	src, err := xlsx.Open("list", file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Sheet1", "Servers"}, src.Sheets()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]row{{Line: 2, Fields: []string{"", "x"}}}, read(t, file, "Servers")); diff != "" {
		t.Error(diff)
	}
	if src, err = xlsx.Open("list", []byte("a,b\n")); err != nil || len(src.Sheets()) != 1 || src.Sheets()[0] != "" {
		t.Errorf("a CSV file: %v, %v", src, err)
	}
}

// TestBounds: what is too much, or no workbook, is refused in words, and costs little.
func TestBounds(t *testing.T) {
	wide := workbook(t, func(f *excelize.File) { set(t, f, "Sheet1", "XFD1", "x", "") })
	deep := workbook(t, func(f *excelize.File) { set(t, f, "Sheet1", "A1048576", "x", "") })
	control := workbook(t, func(f *excelize.File) { set(t, f, "Sheet1", "A1", "a\x7fb", ""); set(t, f, "Sheet1", "A2", "b", "") })
	for _, tt := range []struct {
		name string
		file []byte
		want []row
	}{
		{"wide", wide, []row{{Line: 1, Flaw: "the sheet has more than 512 columns: this is the wrong file"}}},
		{"deep", deep, []row{{Line: 200001, Flaw: "the sheet has more than 200000 rows: this is the wrong file, or split it"}}},
		{"control character", control, []row{{Line: 1, Flaw: "control character 0x7f at character 2: take it out"}, {Line: 2, Fields: []string{"b"}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, read(t, tt.file, "Sheet1")); diff != "" {
				t.Error(diff)
			}
		})
	}
	for name, file := range map[string][]byte{
		"an encrypted workbook":              []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and more"),
		"no workbook that can be read":       []byte("PK\x03\x04 and nothing"),
		"no workbook that can be read: save": bomb(t),
	} {
		_, err := xlsx.Open("list", file)
		var bad sheet.Errors
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), name) || bad.What != "list" {
			t.Errorf("%v, want %q", err, name)
		}
	}
}

// bomb is a small file that unpacks to 129 MiB.
func bomb(t testing.TB) []byte {
	t.Helper()
	good, err := zip.NewReader(bytes.NewReader(workbook(t, func(*excelize.File) {})), int64(len(workbook(t, func(*excelize.File) {}))))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range good.File {
		if err := w.Copy(f); err != nil {
			t.Fatal(err)
		}
	}
	big, err := w.Create("xl/worksheets/sheet2.xml")
	if err != nil {
		t.Fatal(err)
	}
	zeros := bytes.Repeat([]byte(" "), 1<<20)
	for range 129 {
		if _, err := big.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 1<<20 {
		t.Fatalf("the bomb has %d bytes", b.Len())
	}
	return b.Bytes()
}

// FuzzOpen reads whatever comes to its end: no panic, and no row beyond the bounds.
func FuzzOpen(f *testing.F) {
	f.Add(workbook(f, func(w *excelize.File) { set(f, w, "Sheet1", "B2", 46000, "yyyy-mm-dd") }))
	f.Add(workbook(f, func(w *excelize.File) { set(f, w, "Sheet1", "AZ90", "a\nb", "") }))
	f.Add([]byte("a,b\n\"c"))
	f.Add([]byte("PK\x03\x04"))
	f.Fuzz(func(t *testing.T, file []byte) {
		src, err := xlsx.Open("list", file)
		if err != nil {
			return
		}
		for _, name := range src.Sheets() {
			rec, err := src.Open(name)
			if err != nil {
				continue
			}
			for last := 0; ; {
				fields, line, err := rec.Next()
				var flaw *sheet.Flaw
				if errors.Is(err, io.EOF) || errors.As(err, &flaw) && flaw.Fatal {
					break
				}
				if err != nil && flaw == nil {
					t.Fatal(err)
				}
				if line <= last || err == nil && (name != "" && len(fields) > 512 || strings.TrimSpace(fmt.Sprint(fields)) == "[]") {
					t.Fatalf("row %d after %d: %d fields", line, last, len(fields))
				}
				last = line
			}
		}
	})
}
