package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Console writes to every console of the machine, screen and serial line, so that a person sees the same at a
// crash cart and through a BMC. Writing never hangs: a line with flow control and nobody at it loses text.
type Console struct {
	mu    sync.Mutex
	files []*os.File
}

// OpenConsole opens the kernel's active consoles, the first screen and the first serial line.
func OpenConsole() *Console {
	c := &Console{}
	active, _ := os.ReadFile("/sys/class/tty/console/active") // without it the two usual ones remain
	list := append(strings.Fields(string(active)), "tty0", "ttyS0")
	slices.Sort(list)
	for _, name := range slices.Compact(list) {
		f, err := os.OpenFile(filepath.Join("/dev", filepath.Base(name)), os.O_WRONLY|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
		if err == nil {
			c.files = append(c.files, f)
		}
	}
	if len(c.files) == 0 {
		c.files = []*os.File{os.Stdout}
	}
	return c
}

// Write implements io.Writer; it never fails.
func (c *Console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := []byte(strings.ReplaceAll(string(p), "\n", "\r\n"))
	for _, f := range c.files {
		_ = f.SetWriteDeadline(time.Now().Add(2 * time.Second)) // not every file can; those do not block either
		put(f, text)
	}
	return len(p), nil
}

// put writes what a console takes within 2 s.
func put(f *os.File, text []byte) {
	for end := time.Now().Add(2 * time.Second); len(text) > 0 && time.Now().Before(end); {
		n, err := f.Write(text)
		text = text[n:]
		if err != nil && !errors.Is(err, unix.EAGAIN) {
			return // a serial line that is not there answers EIO
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) //nolint:forbidigo // bounded by end
		}
	}
}

// Banner is a frame that stands out among the kernel's messages.
func (c *Console) Banner(lines ...string) {
	rule := strings.Repeat("-", 78)
	fmt.Fprintf(c, "\n%s\n  %s\n%s\n", rule, strings.Join(lines, "\n  "), rule)
}

// Handler is a slog handler that writes plain lines for people: time, text, and what belongs to it.
func (c *Console) Handler() slog.Handler { return &plain{c: c} }

type plain struct {
	c     *Console
	attrs []slog.Attr
}

// Enabled implements slog.Handler.
func (h *plain) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

// WithAttrs implements slog.Handler.
func (h *plain) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &plain{c: h.c, attrs: append(slices.Clone(h.attrs), attrs...)}
}

// WithGroup implements slog.Handler; lines for people have no groups.
func (h *plain) WithGroup(string) slog.Handler { return h }

// Handle implements slog.Handler.
func (h *plain) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Time.UTC().Format("15:04:05 "))
	switch {
	case r.Level >= slog.LevelError:
		b.WriteString("ERROR: ")
	case r.Level >= slog.LevelWarn:
		b.WriteString("warning: ")
	}
	b.WriteString(r.Message)
	add := func(a slog.Attr) bool {
		fmt.Fprintf(&b, " [%s: %s]", a.Key, a.Value)
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	b.WriteByte('\n')
	_, err := h.c.Write([]byte(b.String()))
	return err
}
