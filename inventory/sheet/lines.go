package sheet

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Bounds of what is read, in bytes.
const (
	maxLine = 64 << 10
	maxFile = 64 << 20

	maxLines = 200_000
)

// Flaw is what is wrong with a line, in words; after a fatal one nothing more can be read.
type Flaw struct {
	Message string
	Fatal   bool
}

// Error implements error.
func (e *Flaw) Error() string { return e.Message }

// lines reads a file line by line, in memory for one line of maxLine whatever comes.
type lines struct {
	r      *bufio.Reader
	number int // of the line that next returned
	read   int64
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, maxLine)} }

// next returns a line without its end; *Flaw for one that cannot be used; io.EOF after the last.
func (l *lines) next() (string, error) {
	raw, err := l.r.ReadSlice('\n')
	l.number++
	l.read += int64(len(raw))
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", l.skip()
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(raw) == 0) {
		return "", err
	}
	if l.read > maxFile {
		return "", tooLarge()
	}
	if l.number > maxLines {
		return "", &Flaw{Message: fmt.Sprintf("the file has more than %d lines: this is the wrong file, or split it", maxLines), Fatal: true}
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r")
	if l.number == 1 {
		text = strings.TrimPrefix(text, "\uFEFF")
	}
	return text, WellFormed(text)
}

// skip reads past a line that is too long and keeps nothing of it.
func (l *lines) skip() error {
	for {
		raw, err := l.r.ReadSlice('\n')
		l.read += int64(len(raw))
		switch {
		case l.read > maxFile:
			return tooLarge()
		case err == nil, errors.Is(err, io.EOF):
			return &Flaw{Message: fmt.Sprintf("it is longer than %d bytes", maxLine)}
		case !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}

func tooLarge() error {
	return &Flaw{Message: fmt.Sprintf("the file is larger than %d MiB: this is the wrong file, or split it", maxFile>>20), Fatal: true}
}

// WellFormed refuses what is not UTF-8 text, with the place of the first offence.
func WellFormed(text string) error {
	char := 0
	for i, r := range text {
		char++
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return &Flaw{Message: fmt.Sprintf("byte 0x%02x at character %d is not UTF-8: save the file as UTF-8 (in Excel: \"CSV UTF-8\"), or use a mapping that says encoding: windows-1252", text[i], char)}
			}
		}
		if r < ' ' && r != '\t' || r == 0x7f {
			return &Flaw{Message: fmt.Sprintf("control character 0x%02x at character %d: take it out", r, char)}
		}
	}
	return nil
}
