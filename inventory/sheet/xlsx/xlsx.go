// Package xlsx reads the sheets of a workbook (XLSX, ISO/IEC 29500) as tables. It is the only importer of the library that
// knows the format, which takes bytes from outside: what it unpacks is bounded, and should it panic, that is an error.
package xlsx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"socle/inventory/sheet"
)

// Bounds of a workbook.
const (
	maxUnpacked = 128 << 20 // bytes of all its parts: a zip file of 32 MiB could hold a thousand times that
	maxSheets   = 100
	maxRows     = 200_000
	maxColumns  = 512
	maxCell     = 32_767 // characters, as in Excel
)

// What files begin with (PKWARE APPNOTE section 4.3.7; MS-CFB section 2.2).
const (
	zipMagic = "PK\x03\x04"
	oleMagic = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
)

// Open makes a table of a file by what is in it, whatever its name: a workbook, else CSV. Of a file that is neither it says
// what is wrong as sheet.Errors; what is to be in it is part of that.
func Open(what string, file []byte) (sheet.Source, error) {
	wrong := func(message string) error {
		return sheet.Errors{What: what, List: []sheet.Error{{Message: message}}}
	}
	switch {
	case bytes.HasPrefix(file, []byte(oleMagic)):
		return nil, wrong("the file is an old or an encrypted workbook: save it as XLSX, without a password")
	case !bytes.HasPrefix(file, []byte(zipMagic)):
		return sheet.CSV(bytes.NewReader(file)), nil
	}
	b, err := open(file)
	if err != nil {
		return nil, wrong("the file is no workbook that can be read: save it as XLSX once more")
	}
	if len(b.sheets) > maxSheets {
		return nil, wrong(fmt.Sprintf("the workbook has more than %d sheets: this is the wrong file", maxSheets))
	}
	return b, nil
}

// book is a workbook in memory.
type book struct {
	file   *excelize.File
	sheets []string // that are shown
	epoch  bool     // days count from 1904, as on old Macs
}

func open(file []byte) (b *book, err error) {
	defer guard(&err)
	f, err := excelize.OpenReader(bytes.NewReader(file), excelize.Options{UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: maxUnpacked})
	if err != nil {
		return nil, err
	}
	b = &book{file: f}
	if p, err := f.GetWorkbookProps(); err == nil && p.Date1904 != nil {
		b.epoch = *p.Date1904
	}
	for _, name := range f.GetSheetList() {
		if shown, err := f.GetSheetVisible(name); err == nil && shown {
			b.sheets = append(b.sheets, name)
		}
	}
	return b, nil
}

// guard makes an error of a panic of the library.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("the workbook cannot be read: %v", p)
	}
}

// Sheets implements sheet.Source.
func (b *book) Sheets() []string { return b.sheets }

// Open implements sheet.Source.
func (b *book) Open(name string) (r sheet.Records, err error) {
	defer guard(&err)
	shown, err := b.file.Rows(name)
	if err != nil {
		return nil, err
	}
	raw, err := b.file.Rows(name)
	if err != nil {
		return nil, errors.Join(err, shown.Close())
	}
	return &records{shown: shown, raw: raw, epoch: b.epoch}, nil
}

// records reads the rows of one sheet, as they are shown and as they are kept side by side.
type records struct {
	shown, raw *excelize.Rows
	epoch      bool
	row        int
	done       bool
}

// Next implements sheet.Records.
func (r *records) Next() ([]string, int, error) {
	for !r.done {
		fields, err := r.next()
		var flaw *sheet.Flaw
		switch {
		case errors.As(err, &flaw):
			r.done = flaw.Fatal
			return nil, r.row, err
		case err != nil:
			r.done = true
			return nil, r.row, &sheet.Flaw{Message: "the sheet cannot be read from here on: save the file as XLSX once more", Fatal: true}
		case r.done:
		case strings.TrimSpace(strings.Join(fields, "")) != "":
			return fields, r.row, nil
		}
	}
	return nil, r.row, io.EOF
}

func (r *records) next() (fields []string, err error) {
	defer guard(&err)
	if !r.shown.Next() || !r.raw.Next() {
		r.done = true
		return nil, errors.Join(r.shown.Error(), r.raw.Error(), r.shown.Close(), r.raw.Close())
	}
	r.row++
	shown, err := r.shown.Columns()
	if err != nil {
		return nil, err
	}
	raw, err := r.raw.Columns(excelize.Options{RawCellValue: true})
	switch {
	case err != nil:
		return nil, err
	case r.row > maxRows:
		return nil, &sheet.Flaw{Message: fmt.Sprintf("the sheet has more than %d rows: this is the wrong file, or split it", maxRows), Fatal: true}
	case len(shown) > maxColumns:
		return nil, &sheet.Flaw{Message: fmt.Sprintf("the sheet has more than %d columns: this is the wrong file", maxColumns), Fatal: true}
	}
	for i, v := range shown {
		if i < len(raw) {
			v = value(v, raw[i], r.epoch)
		}
		if len(v) > maxCell {
			return nil, &sheet.Flaw{Message: fmt.Sprintf("a cell has more than %d characters", maxCell)}
		}
		if err := sheet.WellFormed(strings.NewReplacer("\r\n", "", "\n", "", "_x000D_", "").Replace(v)); err != nil {
			return nil, err
		}
		shown[i] = strings.ReplaceAll(strings.ReplaceAll(v, "_x000D_", ""), "\r\n", "\n")
	}
	return shown, nil
}

// date is how a date looks in the formats of spreadsheets: 2026-11-26, 26.11.2026, 11/26/26, 26-Nov-26.
var date = regexp.MustCompile(`^\d{1,4}[-/. ](\d{1,2}|[A-Za-z]{3,9})[-/. ]\d{2,4}( .*)?$`)

// Days of spreadsheets between which a number that is shown as a date is one: 1954 to 2119.
const firstDay, lastDay = 20_000, 80_000

// value is what a person means by a cell, of what it shows and what it holds. A number is meant whole, however it is shown:
// a serial number as 1.23457E+12 is of no use; but leading zeros that are shown only are meant, and dates are.
func value(shown, raw string, from1904 bool) string {
	n, err := strconv.ParseFloat(raw, 64)
	if err != nil || shown == raw && !strings.ContainsAny(raw, "eE") {
		return shown
	}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, shown)
	switch {
	case digits == "":
		return shown // TRUE
	case date.MatchString(shown) && n >= firstDay && n <= lastDay && strings.TrimLeft(digits, "0") != raw:
		if t, err := excelize.ExcelDateToTime(n, from1904); err == nil {
			return t.Format("2006-01-02")
		}
	case strings.TrimLeft(digits, "0") == raw && !strings.ContainsAny(shown, ",' ’\u00a0"):
		return shown
	}
	if exact, _, err := big.ParseFloat(raw, 10, 128, big.ToNearestEven); err == nil && exact.IsInt() && len(exact.Text('f', 0)) <= 40 {
		return exact.Text('f', 0)
	}
	return raw
}
