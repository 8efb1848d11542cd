package console

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestArchiveIsBounded: the oldest goes, what is kept is whole, and others' recordings stay.
func TestArchiveIsBounded(t *testing.T) {
	a, err := OpenArchive(t.TempDir(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC)
	other, err := a.start("other")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(other.write(at, kindOutput, []byte("kept")), other.close()); err != nil {
		t.Fatal(err)
	}
	tp, err := a.start("one")
	if err != nil {
		t.Fatal(err)
	}
	for n := range 4000 {
		at = at.Add(time.Second)
		if err := tp.write(at, kindOutput, fmt.Appendf(nil, "%07d%s\r\n", n, strings.Repeat(".", 991))); err != nil {
			t.Fatal(err)
		}
	}
	list, err := a.List("one")
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	next := -1
	for _, r := range list {
		sum += r.Bytes
		f, err := a.Open("one", r.ID)
		if err != nil {
			t.Fatal(err)
		}
		for {
			rec, err := f.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			var n int
			if _, serr := fmt.Sscanf(string(rec.Data), "%07d", &n); err != nil || serr != nil || next >= 0 && n != next {
				t.Fatalf("%q (%v) instead of %d", rec.Data[:7], err, next)
			}
			next = n + 1
		}
		_ = f.Close()
	}
	if next != 4000 || sum > 1<<20 || sum < 6<<17 || len(list) < 6 {
		t.Errorf("%d files of %d bytes, the last record is %d", len(list), sum, next-1)
	}
	hits, err := a.Search(t.Context(), "one", regexp.MustCompile("^000399"), 5)
	if err != nil || len(hits) != 5 || hits[4].Line[:7] != "0003999" || hits[4].Recording != list[len(list)-1].ID {
		t.Errorf("found %d: %v", len(hits), err)
	}
	if l, err := a.List("other"); err != nil || len(l) != 1 {
		t.Errorf("the other's: %v, %v", l, err)
	}
	if err := tp.close(); err != nil {
		t.Error(err)
	}
	info, err := os.Stat(filepath.Join(a.dir, "one", list[0].ID+extension))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

// TestArchiveNames: nothing outside of the archive is ever opened.
func TestArchiveNames(t *testing.T) {
	a, err := OpenArchive(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{"", "..", "../x", "a/b", ".hidden", "a..b", "x\x00", strings.Repeat("x", 200)} {
		if _, err := a.List(n); !errors.Is(err, ErrNoRecording) {
			t.Errorf("list %q: %v", n, err)
		}
		if _, err := a.start(n); !errors.Is(err, ErrNoRecording) {
			t.Errorf("start %q: %v", n, err)
		}
	}
	for _, id := range []string{"x", "../../etc/passwd", "20261126T030000.000000Z/../x", "20261126T030000.000000Z"} {
		if _, err := a.Open("m", id); !errors.Is(err, ErrNoRecording) {
			t.Errorf("open %q: %v", id, err)
		}
	}
	if _, err := a.Open("m", ""); !errors.Is(err, ErrNoRecording) || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("the newest: %v", err)
	}
}

// TestCutOff: a recording whose writer was killed ends with its last whole record.
func TestCutOff(t *testing.T) {
	whole := appendRecord(appendRecord(append([]byte(magic), make([]byte, 8)...), time.Second, kindOutput, []byte("one")), 0, kindOutput, []byte("two"))
	for n := len(magic) + 8; n < len(whole); n++ {
		r, err := newReader(io.NopCloser(bytes.NewReader(whole[:n])))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for {
			rec, err := r.Next()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					t.Errorf("cut at %d: %v", n, err)
				}
				break
			}
			got += string(rec.Data)
		}
		if got != "" && got != "one" {
			t.Errorf("cut at %d: %q", n, got)
		}
	}
}

// TestPlain: what is searched is what a person would have read.
func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"a\r\nb\r\n":                            "a|b",
		"open":                                  "open",
		"\x1b[2J\x1b[1;1Hmenu\x1b[5;3Hitem":     "menu|item",
		"\x1b[0;1;31mred\x1b[m and \x1b[Kplain": "red and plain",
		"\x1b]0;title\x07text\x1b]x\x1b\\more":  "textmore",
		"abd\bc":                                "abc",
		"\x1b(Bline\x1b)0 \x1bMup":              "line|up",
		"bad \xff byte":                         "bad \ufffd byte",
		"\x00\x07":                              "",
		strings.Repeat("x", maxLine+1):          strings.Repeat("x", maxLine) + "|x",
	} {
		if got := lines([]byte(in)); got != want {
			t.Errorf("%.40q: %q, want %q", in, got, want)
		}
	}
}

func lines(in []byte) string {
	var got []string
	var p plain
	line := func(_ time.Time, s string) { got = append(got, s) }
	for _, c := range in { // in any pieces
		p.feed(time.Time{}, []byte{c}, line)
	}
	p.flush(line)
	return strings.Join(got, "|")
}

func FuzzPlain(f *testing.F) {
	f.Add([]byte("\x1b[1;31mx\x1b]0;t\x07\x1b(0\r\n"))
	f.Add([]byte("\x9b1m\xff\xfe\x1bP1\x1b\\"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var got []string
		var p plain
		p.feed(time.Time{}, in, func(_ time.Time, s string) { got = append(got, s) })
		p.flush(func(_ time.Time, s string) { got = append(got, s) })
		all := strings.Join(got, "|")
		if strings.ContainsAny(all, "\x1b\r\n\x00\x7f") || len(all) > 4*len(in) {
			t.Fatalf("%q of %q", all, in)
		}
		if other := lines(in); other != all {
			t.Fatalf("%q in one piece, %q in many", all, other)
		}
	})
}

func FuzzReader(f *testing.F) {
	f.Add(appendRecord(append([]byte(magic), 1, 2, 3, 4, 5, 6, 7, 8), time.Second, kindMark, []byte("x")))
	f.Add(append([]byte(magic), bytes.Repeat([]byte{0xff}, 30)...))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := newReader(io.NopCloser(bytes.NewReader(in)))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := WriteCast(&out, r, "x"); err != nil && !errors.Is(err, ErrNotRecording) {
			t.Fatal(err)
		}
		if out.Len() > 200+100*len(in) {
			t.Fatalf("%d bytes became %d", len(in), out.Len())
		}
	})
}
