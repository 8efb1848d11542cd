package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// terminal is where a person sits, or what a script has in its place.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	fd       int // of a real terminal; -1: none
	mu       sync.Mutex
	before   *term.State
}

func newTerminal(in io.Reader, out, err io.Writer) *terminal {
	t := &terminal{in: in, out: out, err: err, fd: -1}
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) { //nolint:gosec // a descriptor fits
		t.fd = int(f.Fd()) //nolint:gosec // as above
	}
	return t
}

func (t *terminal) interactive() bool { return t.fd >= 0 }

// raw gives every key to the console. restore must follow.
func (t *terminal) raw() error {
	if t.fd < 0 {
		return nil
	}
	s, err := term.MakeRaw(t.fd)
	if err != nil {
		return fmt.Errorf("setting up the terminal: %w", err)
	}
	t.mu.Lock()
	t.before = s
	t.mu.Unlock()
	return nil
}

// restore leaves the terminal as it was, with the colours and the cursor of its own.
func (t *terminal) restore() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.before == nil {
		return
	}
	_, _ = io.WriteString(t.out, "\x1b[0m\x1b[?25h\r\n")
	_ = term.Restore(t.fd, t.before)
	t.before = nil
}

// size is 0 where there is no terminal.
func (t *terminal) size() (cols, rows int) {
	if t.fd < 0 {
		return 0, 0
	}
	cols, rows, err := term.GetSize(t.fd)
	if err != nil {
		return 0, 0
	}
	return cols, rows
}

// changes ticks when the window's size has changed.
func (t *terminal) changes() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 1)
	if t.fd >= 0 {
		signal.Notify(c, unix.SIGWINCH)
	}
	return c, func() { signal.Stop(c) }
}

// remark is a word of ours beside the console.
func (t *terminal) remark(text string) {
	if text != "" {
		t.write("\n[socle: " + text + "]\n")
	}
}

func (t *terminal) write(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.before != nil {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	_, _ = io.WriteString(t.err, text)
}
