package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"socle/api"
)

// maxCastLine bounds a line of an asciicast, in bytes: a record of 64 KiB with every byte escaped.
const maxCastLine = 1 << 20

func replayConsole(cmd *cobra.Command, c *api.Client, name string, w consoleFlags) error {
	if w.speed < 0 {
		return usageError{fmt.Errorf("--speed %v: it cannot be negative", w.speed)}
	}
	r, err := c.Recording(cmd.Context(), name, w.replay)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	return replay(cmd.Context(), r, cmd.OutOrStdout(), func(d time.Duration) time.Duration {
		if w.speed == 0 {
			return 0
		}
		d = time.Duration(float64(d) / w.speed)
		if w.idle > 0 {
			d = min(d, w.idle)
		}
		return d
	})
}

// replay writes an asciicast v2 as it happened; pause makes of a pause the one that is kept.
func replay(ctx context.Context, r io.Reader, w io.Writer, pause func(time.Duration) time.Duration) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxCastLine)
	if !lines.Scan() {
		return fmt.Errorf("reading the recording: %w", lineError(lines))
	}
	var head struct{ Version int }
	if err := json.Unmarshal(lines.Bytes(), &head); err != nil || head.Version != 2 {
		return fmt.Errorf("reading the recording: it is no asciicast of version 2")
	}
	var last float64
	for lines.Scan() {
		at, kind, data, err := castEvent(lines.Bytes())
		if err != nil {
			return err
		}
		if d := pause(time.Duration((at - last) * float64(time.Second))); d > 0 {
			timer := time.NewTimer(d)
			select {
			case <-ctx.Done():
				timer.Stop()
				_, _ = io.WriteString(w, "\x1b[0m\x1b[?25h\n")
				return nil
			case <-timer.C:
			}
		}
		last = at
		switch kind {
		case "o":
			_, err = io.WriteString(w, data)
		case "m":
			_, err = fmt.Fprintf(w, "\r\n[socle: %s]\r\n", data)
		}
		if err != nil {
			return err
		}
	}
	return lines.Err()
}

func lineError(lines *bufio.Scanner) error {
	if err := lines.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}

func castEvent(line []byte) (at float64, kind, data string, err error) {
	var e []json.RawMessage
	if err = json.Unmarshal(line, &e); err == nil && len(e) == 3 {
		if err = json.Unmarshal(e[0], &at); err == nil {
			if err = json.Unmarshal(e[1], &kind); err == nil {
				err = json.Unmarshal(e[2], &data)
			}
		}
	} else if err == nil {
		err = fmt.Errorf("%d fields", len(e))
	}
	if err != nil {
		return 0, "", "", fmt.Errorf("reading an event of the recording: %w", err)
	}
	return at, kind, data, nil
}
