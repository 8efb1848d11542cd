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

// lineError is what is wrong with the bytes of a line; after a fatal one nothing more can be read.
type lineError struct {
	message string
	fatal   bool
}

func (e *lineError) Error() string { return e.message }

// lines reads a file line by line, in memory for one line of maxLine whatever comes.
type lines struct {
	r      *bufio.Reader
	number int // of the line that next returned
	read   int64
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, maxLine)} }

// next returns a line without its end; *lineError for one that cannot be used; io.EOF after the last.
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
		return "", &lineError{message: fmt.Sprintf("the file has more than %d lines: split it", maxLines), fatal: true}
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r")
	if l.number == 1 {
		if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
			return "", &lineError{message: "the file is UTF-16: save it as UTF-8 (in Excel: \"CSV UTF-8\")", fatal: true}
		}
		text = strings.TrimPrefix(text, "\uFEFF")
	}
	return text, wellFormed(text)
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
			return &lineError{message: fmt.Sprintf("it is longer than %d bytes", maxLine)}
		case !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}

func tooLarge() error {
	return &lineError{message: fmt.Sprintf("the file is larger than %d MiB: split it", maxFile>>20), fatal: true}
}

// wellFormed refuses what is not UTF-8 text, with the place of the first offence.
func wellFormed(text string) error {
	char := 0
	for i, r := range text {
		char++
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return &lineError{message: fmt.Sprintf("byte 0x%02x at character %d is not UTF-8: save the file as UTF-8 (in Excel: \"CSV UTF-8\")", text[i], char)}
			}
		}
		if r < ' ' && r != '\t' || r == 0x7f {
			return &lineError{message: fmt.Sprintf("control character 0x%02x at character %d: take it out", r, char)}
		}
	}
	return nil
}
