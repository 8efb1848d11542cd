package bmc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bougou/go-ipmi/pkg/hal/mock"
	"golang.org/x/sys/unix"

	"socle/bmc"
)

// line is a controller with a serial line behind it.
type line struct {
	target bmc.Target
	say    func(text string) // the server writes
	heard  func() string     // what reached the server so far
	peer   *peer             // of ipmi_sim
}

// startSimLine is ipmi_sim with a server behind it that is a socket.
func startSimLine(t *testing.T) *line {
	serial, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var conn net.Conn
	var heard bytes.Buffer
	there := make(chan struct{})
	t.Cleanup(func() {
		_ = serial.Close()
		mu.Lock()
		defer mu.Unlock()
		if conn != nil {
			_ = conn.Close()
		}
	})
	go func() {
		for {
			c, err := serial.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			if conn == nil {
				close(there)
			}
			conn = c
			mu.Unlock()
			go func() {
				buf := make([]byte, 4096)
				for {
					n, err := c.Read(buf)
					mu.Lock()
					heard.Write(buf[:n])
					mu.Unlock()
					if err != nil {
						return
					}
				}
			}()
		}
	}()
	conf := strings.Replace(lanConf, "admin 1 none", "admin 10 none", 1) +
		fmt.Sprintf("  sol \"tcp:127.0.0.1:%d\" 115200\n", serial.Addr().(*net.TCPAddr).Port)
	p := startSim(t, conf)
	return &line{
		target: p.target, peer: p,
		say: func(text string) {
			<-there
			mu.Lock()
			defer mu.Unlock()
			_, _ = io.WriteString(conn, text)
		},
		heard: func() string { mu.Lock(); defer mu.Unlock(); return heard.String() },
	}
}

// startOwnLine is go-ipmi's own controller: it speaks cipher suite 17, asks for acknowledgements and sends again.
func startOwnLine(t *testing.T) *line {
	serial := &mock.FakeConsoleConn{}
	h := mock.New()
	h.SetConsole(&mock.Console{Conn: serial})
	to := ownTarget()
	t.Cleanup(serveOwn(t, to.Address, ownController(t, h), new(atomic.Bool)))
	return &line{target: to, say: func(text string) { serial.FeedRX([]byte(text)) }, heard: serial.TXString}
}

// TestConsole runs one suite on both controllers.
func TestConsole(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) *line{"ipmi_sim": startSimLine, "own": startOwnLine} {
		t.Run(name, func(t *testing.T) {
			for _, c := range []struct {
				name string
				run  func(*testing.T, *bmc.Driver, *line)
			}{
				{"both ways", testBothWays},
				{"much output", testMuchOutput},
				{"power meanwhile", testPowerMeanwhile},
				{"one holder", testOneHolder},
				{"close", testClose},
			} {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.run(t, bmc.New(usual), start(t))
				})
			}
		})
	}
}

func open(t *testing.T, d *bmc.Driver, l *line, take bool) bmc.Console {
	t.Helper()
	c, err := d.Console(t.Context(), l.target, take)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// until reads until the text was seen and returns all of it.
func until(t *testing.T, c io.Reader, text string) string {
	t.Helper()
	var all strings.Builder
	got := make(chan error, 1)
	go func() {
		buf := make([]byte, 1000)
		for !strings.Contains(all.String(), text) {
			n, err := c.Read(buf)
			all.Write(buf[:n])
			if err != nil {
				got <- err
				return
			}
		}
		got <- nil
	}()
	select {
	case err := <-got:
		if err != nil {
			t.Fatalf("waiting for %q after %q: %v", text, all.String(), err)
		}
	case <-time.After(time.Minute):
		t.Fatalf("%q did not come", text)
	}
	return all.String()
}

func reaches(t *testing.T, l *line, text string) {
	t.Helper()
	for range 200 {
		if strings.Contains(l.heard(), text) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("the server heard %q and not %q", l.heard(), text)
}

func testBothWays(t *testing.T, d *bmc.Driver, l *line) {
	c := open(t, d, l, false)
	l.say("login: ")
	if got := until(t, c, "login: "); got != "login: " {
		t.Errorf("read %q", got)
	}
	long := strings.Repeat("0123456789", 100) + "\r"
	if n, err := io.WriteString(c, long); err != nil || n != len(long) {
		t.Fatalf("wrote %d: %v", n, err)
	}
	reaches(t, l, long)
	if err := c.Break(); err != nil {
		t.Error(err)
	}
	l.say("again")
	until(t, c, "again")
	if c.Lost() != 0 {
		t.Errorf("lost %d times", c.Lost())
	}
}

func testMuchOutput(t *testing.T, d *bmc.Driver, l *line) {
	c := open(t, d, l, false)
	var all strings.Builder
	for n := range 1000 {
		fmt.Fprintf(&all, "line %04d of what a kernel says while it boots\r\n", n)
	}
	go func() { // 115200 baud are 11520 characters a second
		for text := all.String(); text != ""; {
			n := min(1152, len(text))
			l.say(text[:n])
			text = text[n:]
			time.Sleep(100 * time.Millisecond)
		}
	}()
	if got := until(t, c, "line 0999 of what a kernel says while it boots\r\n"); got != all.String() {
		t.Errorf("%d bytes came of %d, lost %d times", len(got), all.Len(), c.Lost())
	}
}

func testPowerMeanwhile(t *testing.T, d *bmc.Driver, l *line) {
	c := open(t, d, l, false)
	for range 3 {
		if _, err := d.Power(t.Context(), l.target); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.SetPower(t.Context(), l.target, bmc.On); err != nil {
		t.Fatal(err)
	}
	l.say("still here")
	until(t, c, "still here")
}

func testOneHolder(t *testing.T, d *bmc.Driver, l *line) {
	first := open(t, d, l, false)
	_, err := d.Console(t.Context(), l.target, false)
	mustBe(t, err, bmc.ErrHeld, "take it over")
	l.say("one")
	until(t, first, "one")

	second := open(t, d, l, true)
	l.say("two")
	until(t, second, "two")
	ended := make(chan error, 1)
	go func() { _, err := io.Copy(io.Discard, first); ended <- err }()
	select {
	case err := <-ended:
		if !errors.Is(err, bmc.ErrTaken) && !errors.Is(err, bmc.ErrUnreachable) {
			t.Errorf("the first ended with %v", err)
		}
		t.Log(err)
	case <-time.After(time.Minute):
		t.Error("the first does not notice")
	}
	if _, err := io.WriteString(first, "x"); err == nil {
		t.Error("the first still writes")
	}
	l.say("three")
	until(t, second, "three")
}

func testClose(t *testing.T, d *bmc.Driver, l *line) {
	for range 4 {
		c := open(t, d, l, false) // the one before is free again
		ended := make(chan error, 1)
		go func() { _, err := c.Read(make([]byte, 10)); ended <- err }()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, io.EOF) {
			t.Errorf("reading ended with %v", err)
		}
		if _, err := c.Write([]byte("x")); !errors.Is(err, io.EOF) {
			t.Errorf("writing: %v", err)
		}
	}
}

// TestConsoleForeign: ipmitool holds the console, we take it; we hold it, ipmitool takes it.
func TestConsoleForeign(t *testing.T) {
	l := startSimLine(t)
	d := bmc.New(quick)
	host, port, err := net.SplitHostPort(l.target.Address)
	if err != nil {
		t.Fatal(err)
	}
	tool := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "ipmitool", append([]string{"-I", "lanplus", "-C", "3", "-H", host, "-p", port, "-U", "admin", "-E"}, args...)...)
		cmd.Env = append(cmd.Environ(), "IPMI_PASSWORD="+password)
		return cmd
	}
	// ipmitool holds it, in a terminal, without which it does not; we take it away.
	held := tool("sol", "activate")
	window := inTerminal(t, held)
	until(t, window, "SOL Session operational")
	l.say("for ipmitool\r\n")
	until(t, window, "for ipmitool")
	_, err = d.Console(t.Context(), l.target, false)
	mustBe(t, err, bmc.ErrHeld, "take it over")
	mine := open(t, d, l, true)
	l.say("for us\r\n")
	until(t, mine, "for us")
	if out, err := tool("sol", "deactivate").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ended := make(chan error, 1)
	go func() { _, err := io.Copy(io.Discard, mine); ended <- err }()
	select {
	case err := <-ended:
		if !errors.Is(err, bmc.ErrTaken) {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("we do not notice that it was taken")
	}
}

// TestConsoleGivenUp: a console that its caller has given up does not stay open behind everybody's back.
func TestConsoleGivenUp(t *testing.T) {
	l := startSimLine(t)
	d := bmc.New(bmc.Options{Burst: 1000})
	for n := range 12 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n)*2*time.Millisecond)
		if c, err := d.Console(ctx, l.target, false); err == nil {
			_ = c.Close()
		}
		cancel()
	}
	for range 50 { // what was given up ends soon
		c, err := d.Console(t.Context(), l.target, false)
		if err == nil {
			_ = c.Close()
			return
		}
		if !errors.Is(err, bmc.ErrHeld) {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error("one that was given up is still open")
}

// TestConsoleSilent: a controller that falls silent is noticed.
func TestConsoleSilent(t *testing.T) {
	l := startSimLine(t)
	c := open(t, bmc.New(quick), l, false)
	l.say("hello")
	until(t, c, "hello")
	l.peer.hang(t)
	start := time.Now()
	if _, err := c.Read(make([]byte, 10)); !errors.Is(err, bmc.ErrUnreachable) {
		t.Errorf("reading ended with %v", err)
	}
	if took := time.Since(start); took > stuck {
		t.Errorf("noticed after %v", took)
	}
}

// TestConsoleRedfish: the emulator of the virtual rack offers none.
func TestConsoleRedfish(t *testing.T) {
	p := startRedfish(t)
	_, err := bmc.New(quick).Console(t.Context(), p.target, false)
	mustBe(t, err, bmc.ErrUnsupported, "it offers no serial console")
}

// inTerminal starts a program in a terminal and returns the terminal's window.
func inTerminal(t *testing.T, cmd *exec.Cmd) io.Reader {
	t.Helper()
	window, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = window.Close() })
	n, err := unix.IoctlGetInt(int(window.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(window.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tty.Close() }()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return window
}
