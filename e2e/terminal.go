package e2e

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Terminal is a program in a terminal of its own, as a person has it.
type Terminal struct {
	window *os.File
	ended  chan error

	mu   sync.Mutex
	seen bytes.Buffer
}

// InTerminal starts a program in a terminal of 110 columns and 32 lines.
func InTerminal(t testing.TB, cmd *exec.Cmd) *Terminal {
	t.Helper()
	window, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = window.Close() })
	fd := int(window.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 32, Col: 110})
	}
	if err != nil {
		t.Fatalf("making a terminal: %v", err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tty.Close() }()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", cmd.Path, err)
	}
	term := &Terminal{window: window, ended: make(chan error, 1)}
	go func() { _, _ = io.Copy(term, window) }()
	go func() { term.ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		if t.Failed() {
			t.Logf("%s: the end of what its terminal showed:\n%s", cmd.Path, lastLines(escapes.ReplaceAllString(term.Text(), ""), 15))
		}
	})
	return term
}

// Write implements io.Writer: what the program shows.
func (t *Terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen.Write(p)
}

// Text is all that it has shown.
func (t *Terminal) Text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen.String()
}

// Shows waits for a text.
func (t *Terminal) Shows(tb testing.TB, within time.Duration, text string) {
	tb.Helper()
	Until(tb, within, fmt.Sprintf("a terminal shows %q", text), func() bool { return strings.Contains(t.Text(), text) })
}

// Type presses keys.
func (t *Terminal) Type(tb testing.TB, keys string) {
	tb.Helper()
	if _, err := t.window.WriteString(keys); err != nil {
		tb.Fatal(err)
	}
}

// Ends waits for the program's end.
func (t *Terminal) Ends(tb testing.TB) {
	tb.Helper()
	select {
	case err := <-t.ended:
		if err != nil {
			tb.Errorf("it ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		tb.Error("it does not end")
	}
}
