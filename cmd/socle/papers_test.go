package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestPapers makes labels and lists for vendors, as files and on standard output.
func TestPapers(t *testing.T) {
	_, flags := rack(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "out.pdf")
	for _, tc := range []struct {
		line string
		code int
		has  []string
	}{
		{"label", exitUsage, []string{"a range, or --rack"}},
		{"label n1 --format html", exitUsage, []string{"pdf or zpl"}},
		{"label n[1-3] --sheet L7160 --start 4 -f -", 0, []string{"{Machines:n[1-3] Rack: Format:pdf Layout:L7160 Start:4 DPI:0 Cables:false Outline:false}"}},
		{"label --rack r1 --format zpl --dpi 300 --cables -f -", 0, []string{"Rack:r1 Format:zpl", "DPI:300 Cables:true"}},
		{"label --rack r1 --dpi 700 -f -", exitUsage, []string{"dpi"}},
		{"label n1 -f " + file, 0, []string{file}},
		{"label n1 -f " + file, 1, []string{"exists"}},
		{"rma", 0, []string{"Boxes GmbH  PO-1   m1      DIMM A1  M393", "2 parts, of Boxes GmbH, HP"}},
		{"rma --vendor nobody", 0, []string{"nothing is to be"}},
		{"rma --vendor nobody --format pdf", 1, []string{"no file was written"}},
		{"rma --format html", exitUsage, []string{"csv or pdf"}},
		{"rma --vendor HP -o json", 0, []string{`"vendors": [`, `"part_number": "M393"`}},
		{"rma --vendor HP --format csv -d " + dir, 0, []string{filepath.Join(dir, "rma.csv")}},
		{"rma --vendor HP --format csv -d " + dir, 1, []string{"exists"}},
	} {
		got, err := run(t.Context(), append(strings.Fields(tc.line), flags...)...)
		if code := exitCode(err); code != tc.code {
			t.Errorf("%s: exit %d, want %d: %v", tc.line, code, tc.code, err)
		}
		if err != nil {
			got += err.Error()
		}
		for _, want := range tc.has {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in\n%s", tc.line, want, got)
			}
		}
	}
}
