package sheet

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestDecoded: what a file is written in, read a byte at a time; what is no text is left for WellFormed to find.
func TestDecoded(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "": "", "x": "x",
		"\xff\xfea\x00\xe4\x00": "\ufeffaä", "\xfe\xff\x00a\x20\xac": "\ufeffa€", "\xff\xfe\x3d\xd8\x00\xde": "\ufeff😀",
		"\xff\xfe\x3d\xd8": "\ufeff\xff", "\xff\xfea\x00b": "\ufeffa\xff", "\xff\xfe\x3d\xd8a\x00": "\ufeff\xff",
	} {
		got, err := io.ReadAll(text{bufio.NewReader(iotest.OneByteReader(strings.NewReader(in)))}.decoded(""))
		if err != nil || string(got) != want {
			t.Errorf("%q is %q, %v, want %q", in, got, err, want)
		}
	}
	got, err := io.ReadAll(text{bufio.NewReader(strings.NewReader("Gr\xf6\xdfe \x80\x9f"))}.decoded(Windows1252))
	if err != nil || string(got) != "Größe €Ÿ" || len(beyond) != 32 {
		t.Errorf("%q, %v", got, err)
	}
}

func TestSeparator(t *testing.T) {
	for head, want := range map[string]rune{
		"a,b\n1,2": ',', "Title, with, commas\na;b;c\n1,5;2,5;3\n4;5;6": ';', "a\tb\n\"1,2,3\"\t2": '\t', "a|b": '|', "nothing": ',', "": ',',
	} {
		if got := separator(head); got != want {
			t.Errorf("%q: %q, want %q", head, got, want)
		}
	}
	if src, form := Foreign(book{{"S", "a"}}); form != (Form{}) || len(src.Sheets()) != 1 {
		t.Error(form)
	}
}
