package console

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// TestEscape: what is for us counts after a new line only, however the keys come.
func TestEscape(t *testing.T) {
	for _, c := range []struct{ typed, keys, acts string }{
		{"hello\r", "hello\r", ""},
		{"~.", "", "."},
		{"a~.", "a~.", ""},
		{"a\r~.", "a\r", "."},
		{"a\n~?~t", "a\n", "?t"},
		{"~~.", "~.", ""},
		{"~x", "~x", ""},
		{"~\r~.", "~\r", "."},
		{"~w~B~s", "", "wBs"},
		{"~", "", ""},
	} {
		for _, size := range []int{1, len(c.typed)} {
			f, err := NewEscape("~")
			if err != nil {
				t.Fatal(err)
			}
			var keys, acts []byte
			for part := range slices.Chunk([]byte(c.typed), size) {
				k, a := f.Feed(part)
				keys, acts = append(keys, k...), append(acts, a...)
			}
			if string(keys) != c.keys || string(acts) != c.acts {
				t.Errorf("%q by %d: %q and %q", c.typed, size, keys, acts)
			}
		}
	}
	f, err := NewEscape("none")
	if err != nil {
		t.Fatal(err)
	}
	if k, a := f.Feed([]byte("~.\x00.\r~.")); string(k) != "~.\x00.\r~." || a != nil {
		t.Errorf("without an escape character: %q, %q", k, a)
	}
	for text, ok := range map[string]bool{"~": true, "none": true, "&": true, "": false, ".": false, "ab": false, "\x01": false, "t": false} {
		if _, err := NewEscape(text); (err == nil) != ok {
			t.Errorf("--escape %q: %v", text, err)
		}
	}
}

// FuzzEscape: what is typed reaches the server or is one of ours, and pieces make no difference.
func FuzzEscape(f *testing.F) {
	f.Add([]byte("a\r~.~~\n~?x"))
	f.Fuzz(func(t *testing.T, in []byte) {
		one, err := NewEscape("~")
		if err != nil {
			t.Fatal(err)
		}
		many := *one
		keys, acts := one.Feed(in)
		var k2, a2 []byte
		for _, c := range in {
			k, a := many.Feed([]byte{c})
			k2, a2 = append(k2, k...), append(a2, a...)
		}
		if !bytes.Equal(keys, k2) || !bytes.Equal(acts, a2) {
			t.Fatalf("%q %q in one piece, %q %q in many", keys, acts, k2, a2)
		}
		if len(keys)+len(acts) > len(in) || strings.Trim(string(acts), escapeActs) != "" {
			t.Fatalf("%q and %q of %q", keys, acts, in)
		}
	})
}
