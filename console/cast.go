package console

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

// WriteCast writes a recording as asciicast v2, which asciinema and many pages play: a header and one line for each
// event. Bytes that are no UTF-8 become U+FFFD there.
func WriteCast(w io.Writer, r *Reader, title string) error {
	b := bufio.NewWriter(w)
	line := func(v any) error {
		text, err := json.Marshal(v)
		if err != nil {
			return err
		}
		_, err = b.Write(append(text, '\n'))
		return err
	}
	if err := line(struct {
		Version   int    `json:"version"`
		Width     int    `json:"width"`
		Height    int    `json:"height"`
		Timestamp int64  `json:"timestamp"`
		Title     string `json:"title,omitempty"`
	}{2, 80, 25, r.Start.Unix(), title}); err != nil {
		return err
	}
	halves := map[string][]byte{} // the beginning of a character whose rest comes with the next record, by kind
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return b.Flush()
		}
		if err != nil {
			return errors.Join(err, b.Flush())
		}
		text := append(halves[rec.Kind], rec.Data...)
		n := whole(text)
		halves[rec.Kind] = append([]byte(nil), text[n:]...)
		if n == 0 {
			continue
		}
		if err := line([]any{rec.Time.Sub(r.Start).Round(time.Microsecond).Seconds(), rec.Kind, string(text[:n])}); err != nil {
			return fmt.Errorf("writing an asciicast: %w", err)
		}
	}
}

// whole is how many bytes are left without a character that is cut off at the end.
func whole(p []byte) int {
	for n := 1; n <= min(len(p), utf8.UTFMax-1); n++ {
		if c := p[len(p)-n]; utf8.RuneStart(c) {
			if !utf8.FullRune(p[len(p)-n:]) {
				return len(p) - n
			}
			break
		}
	}
	return len(p)
}
