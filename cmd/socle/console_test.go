package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"socle/web/webtest"
)

// shared is a buffer that one writes and another looks at.
type shared struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) { s.mu.Lock(); defer s.mu.Unlock(); return s.b.Write(p) }
func (s *shared) String() string              { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }

func (s *shared) shows(t *testing.T, text string) {
	t.Helper()
	for range 500 {
		if strings.Contains(s.String(), text) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no %q in %q", text, s.String())
}

// pty is a pseudo-terminal: what a person's window is, and the program's end.
func pty(t *testing.T) (window, program *os.File) {
	t.Helper()
	window, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = window.Close() })
	fd := int(window.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 33, Col: 111}); err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return window, program
}

func consoleCmd(in io.Reader, out, errs io.Writer, args ...string) *cobra.Command {
	root := &cobra.Command{Use: "socle", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(newConsoleCmd())
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	root.SetArgs(append([]string{"console"}, args...))
	return root
}

// TestConsoleTerminal: in a real terminal every key reaches the console, the escape sequences are ours, and the terminal
// is left as it was.
func TestConsoleTerminal(t *testing.T) {
	_, flags := rack(t)
	window, program := pty(t)
	before, err := term.GetState(int(program.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	seen := &shared{}
	go func() { _, _ = io.Copy(seen, window) }()
	done := make(chan error, 1)
	go func() {
		done <- consoleCmd(program, program, program, append(flags, "hv01")...).ExecuteContext(t.Context())
	}()
	seen.shows(t, "login: ")
	seen.shows(t, "you hold it")
	send := func(text string) {
		t.Helper()
		if _, err := window.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	send("\x03\x04\x1a!") // Ctrl-C, Ctrl-D and Ctrl-Z are the server's
	seen.shows(t, "\x03\x04\x1a!")
	send("\r~?")
	seen.shows(t, "~B  send a break")
	send("~B")
	seen.shows(t, "<break>")
	send("~s")
	seen.shows(t, "stty rows 33 cols 111\r")
	send("~w")
	seen.shows(t, "gave the console up")
	send("~t")
	seen.shows(t, "took the console")
	send("~.")
	if err := <-done; err != nil {
		t.Error(err)
	}
	seen.shows(t, "[socle: the console is closed]")
	after, err := term.GetState(int(program.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fmt.Sprintf("%+v", before), fmt.Sprintf("%+v", after)); diff != "" {
		t.Errorf("the terminal is not as it was: %s", diff)
	}
}

// TestConsoleTerminalStopped: a signal leaves the terminal as it was, too.
func TestConsoleTerminalStopped(t *testing.T) {
	_, flags := rack(t)
	window, program := pty(t)
	seen := &shared{}
	go func() { _, _ = io.Copy(seen, window) }()
	before, err := term.GetState(int(program.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- consoleCmd(program, program, program, append(flags, "hv01")...).ExecuteContext(ctx) }()
	seen.shows(t, "login: ")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	after, err := term.GetState(int(program.Fd()))
	if err != nil || fmt.Sprintf("%+v", before) != fmt.Sprintf("%+v", after) {
		t.Errorf("the terminal is not as it was: %v", err)
	}
}

// TestConsoleScript: a script types and gets the answer, then lists, searches and replays.
func TestConsoleScript(t *testing.T) {
	_, flags := rack(t)
	var out, errs shared
	if err := consoleCmd(strings.NewReader("uptime\n"), &out, &errs, append(flags, "hv01")...).ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "uptime\n") || strings.Contains(out.String(), "[socle") || !strings.Contains(errs.String(), "you hold it") {
		t.Errorf("out %q, err %q", out.String(), errs.String())
	}
	command := func(args ...string) string {
		t.Helper()
		var out shared
		if err := consoleCmd(strings.NewReader(""), &out, &out, append(flags, append([]string{"hv01"}, args...)...)...).ExecuteContext(t.Context()); err != nil {
			t.Errorf("%v: %v", args, err)
		}
		return out.String()
	}
	if got := command("--list"); !strings.Contains(got, "RECORDING") || !strings.Contains(got, "console up, held by nobody") {
		t.Errorf("list: %s", got)
	}
	if got := command("--guest", "gerda"); !strings.Contains(got, webtest.GuestToken) {
		t.Errorf("guest: %s", got)
	}
	if got := command("--end-guests"); got != "" {
		t.Errorf("ending the guests' tokens: %s", got)
	}
	if got := command("--search", "UPTIME"); !strings.Contains(got, "hv01 login: uptime") {
		t.Errorf("search: %s", got)
	}
	if got := command("--replay", "--speed", "0"); !strings.Contains(got, "\x1b[1;32mhv01\x1b[0m login: ") || !strings.Contains(got, "uptime\n") || !strings.Contains(got, "[socle: the console is up]") {
		t.Errorf("replay: %q", got)
	}
}

// TestConsoleErrors: what is wrong is said, with the exit code of its kind, before the terminal is touched.
func TestConsoleErrors(t *testing.T) {
	_, flags := rack(t)
	for _, c := range []struct {
		args []string
		code int
	}{
		{[]string{"nobody"}, exitNotFound},
		{[]string{"hv01", "--escape", "ab"}, exitUsage},
		{[]string{"hv01", "--watch", "--take"}, exitFailed}, // cobra's own; strict makes it usage
		{[]string{"hv01", "--replay=20200101T000000.000000Z"}, exitNotFound},
		{[]string{"hv01", "--search", "(", "--regexp"}, exitUsage},
		{[]string{"hv01", "--replay", "--speed", "-1"}, exitUsage},
		{[]string{"hv01", "--server", "http://127.0.0.1:1"}, exitUnavailable},
	} {
		err := consoleCmd(strings.NewReader(""), io.Discard, io.Discard, append(slices.Clone(flags), c.args...)...).ExecuteContext(t.Context())
		if got := exitCode(err); got != c.code {
			t.Errorf("%v: exit code %d, want %d: %v", c.args, got, c.code, err)
		}
	}
}

// TestReplayTiming: pauses are kept, shortened or left out; what is no recording is an error.
func TestReplayTiming(t *testing.T) {
	const cast = `{"version":2,"width":80,"height":25}
[0.5,"o","a"]
[2,"i","typed"]
[4.5,"o","b\u001b[0m"]
`
	var pauses []time.Duration
	var out bytes.Buffer
	err := replay(t.Context(), strings.NewReader(cast), &out, func(d time.Duration) time.Duration { pauses = append(pauses, d); return 0 })
	if err != nil || out.String() != "ab\x1b[0m" {
		t.Errorf("%q, %v", out.String(), err)
	}
	if diff := cmp.Diff([]time.Duration{500 * time.Millisecond, 1500 * time.Millisecond, 2500 * time.Millisecond}, pauses); diff != "" {
		t.Error(diff)
	}
	start := time.Now()
	if err := replay(t.Context(), strings.NewReader(cast), io.Discard, func(d time.Duration) time.Duration { return d / 20 }); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took < 225*time.Millisecond || took > 4*time.Second {
		t.Errorf("20 times as fast it took %v", took)
	}
	for _, bad := range []string{"", "{}", `{"version":1}`, "{\"version\":2}\nx", "{\"version\":2}\n[1]", "{\"version\":2}\n[\"a\",\"o\",\"x\"]"} {
		if err := replay(t.Context(), strings.NewReader(bad), io.Discard, func(time.Duration) time.Duration { return 0 }); err == nil {
			t.Errorf("%q is replayed", bad)
		}
	}
	if err := replay(t.Context(), iotestErr{}, io.Discard, nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }
