package sheet

import (
	"bufio"
	"bytes"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Form is how a text file is written. What a UTF-16 file is, its first two bytes say, whatever Encoding does.
type Form struct {
	Separator rune   // between fields
	Encoding  string // one of Encodings; empty for UTF-8
}

// Windows1252 is what spreadsheets in western Europe write; ISO 8859-1 and -15 are the same but for a few signs.
const Windows1252 = "windows-1252"

// Encodings lists what a text file can be written in besides UTF-8 and UTF-16.
func Encodings() []string { return []string{Windows1252} }

// Separators are what can stand between fields.
const Separators = ",;\t|"

// peeked is how much of a file is looked at to find out how it is written, in bytes.
const peeked = 32 << 10

// text is a file with a look at its beginning.
type text struct{ *bufio.Reader }

// decoded gives UTF-8, whatever it is written in.
func (t text) decoded(encoding string) io.Reader {
	mark, _ := t.Peek(2) // what is shorter has none
	switch {
	case string(mark) == "\xff\xfe":
		return &wide{r: t.Reader, low: 0}
	case string(mark) == "\xfe\xff":
		return &wide{r: t.Reader, low: 1}
	case encoding == Windows1252:
		return &narrow{r: t.Reader}
	}
	return t.Reader
}

// Foreign finds out how a file of somebody else's is written, as far as its beginning tells; a workbook stays what it is.
func Foreign(src Source) (Source, Form) {
	c, ok := src.(csvSource)
	if !ok {
		return src, Form{}
	}
	c.text = text{bufio.NewReaderSize(c.text.decoded(""), peeked)}
	head, _ := c.text.Peek(peeked) // a shorter file is all there
	if whole := bytes.LastIndexByte(head, '\n'); whole >= 0 {
		head = head[:whole]
	}
	c.form = Form{Separator: separator(string(head))}
	if !utf8.Valid(head) {
		c.form.Encoding = Windows1252
	}
	return c, c.form
}

// separator is what stands in most lines, and there most often; a comma if nothing does.
func separator(head string) rune {
	lines := strings.Split(head, "\n")
	lines = lines[:min(len(lines), HeaderRows)]
	best, most := ',', 0
	for _, s := range Separators {
		in, all := 0, 0
		for _, line := range lines {
			if n := strings.Count(unquoted(line), string(s)); n > 0 {
				in, all = in+1, all+n
			}
		}
		if in*all > most {
			best, most = s, in*all
		}
	}
	return best
}

// unquoted is a line without what stands in quotes.
func unquoted(line string) string {
	var b strings.Builder
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 0 {
			b.WriteString(part)
		}
	}
	return b.String()
}

// narrow reads Windows-1252.
type narrow struct {
	r    io.Reader
	rest []byte
}

// beyond are the characters 0x80 to 0x9f of Windows-1252, which ISO 8859-1 does not have; those that are none are kept, for
// WellFormed to find.
var beyond = []rune("€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ")

// Read implements io.Reader.
func (n *narrow) Read(p []byte) (int, error) {
	if len(n.rest) == 0 {
		var raw [4096]byte
		k, err := n.r.Read(raw[:])
		n.rest = n.rest[:0]
		for _, b := range raw[:k] {
			c := rune(b)
			if b >= 0x80 && b < 0xa0 {
				c = beyond[b-0x80]
			}
			n.rest = utf8.AppendRune(n.rest, c)
		}
		if k == 0 {
			return 0, err
		}
	}
	k := copy(p, n.rest)
	n.rest = n.rest[k:]
	return k, nil
}

// noText stands for half a character: no UTF-8, for WellFormed to find.
const noText = 0xff

// wide reads UTF-16, with its mark.
type wide struct {
	r    io.Reader
	low  int // where in a unit the low byte is
	odd  []byte
	high uint16 // first half of a pair
	rest []byte
}

// Read implements io.Reader.
func (w *wide) Read(p []byte) (int, error) {
	for len(w.rest) == 0 {
		var raw [4096]byte
		k, err := w.r.Read(raw[:])
		if k == 0 && (err != nil) {
			if len(w.odd) > 0 || w.high != 0 { // it ends in the middle
				w.odd, w.high, w.rest = nil, 0, []byte{noText}
				break
			}
			return 0, err
		}
		all := slices.Concat(w.odd, raw[:k])
		for ; len(all) >= 2; all = all[2:] {
			w.unit(uint16(all[w.low]) | uint16(all[1-w.low])<<8)
		}
		w.odd = slices.Clone(all)
	}
	k := copy(p, w.rest)
	w.rest = w.rest[k:]
	return k, nil
}

// unit takes one unit of 16 bits.
func (w *wide) unit(u uint16) {
	switch {
	case w.high != 0:
		r := utf16.DecodeRune(rune(w.high), rune(u))
		w.high = 0
		if r == utf8.RuneError {
			w.rest = append(w.rest, noText)
			return
		}
		w.rest = utf8.AppendRune(w.rest, r)
	case u >= 0xd800 && u < 0xdc00:
		w.high = u
	default:
		w.rest = utf8.AppendRune(w.rest, rune(u))
	}
}
