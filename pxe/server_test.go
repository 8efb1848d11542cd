package pxe

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// serveBoot runs a boot HTTP server with limits for the time of the test. wrap may replace its connections.
func serveBoot(t *testing.T, h http.Handler, limits ServerLimits, wrap func(net.Conn) net.Conn) (addr string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(h, limits, nil)
	if wrap == nil {
		wrap = func(c net.Conn) net.Conn { return c }
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(wrapping{l, wrap}) }()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	return l.Addr().String()
}

type wrapping struct {
	net.Listener
	wrap func(net.Conn) net.Conn
}

func (w wrapping) Accept() (net.Conn, error) {
	c, err := w.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return w.wrap(c), nil
}

// fileHandler serves one file of the disk, of n bytes.
func fileHandler(t *testing.T, n int, rec Recorder) (http.Handler, []byte) {
	t.Helper()
	content := bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n]
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := NewHTTP(HTTPOptions{BootURL: testBase, Planner: planner{}, Files: sized{path}, Recorder: rec})
	if err != nil {
		t.Fatal(err)
	}
	return h, content
}

// sized is a Files of one file, whatever its name.
type sized struct{ path string }

func (s sized) Open(string) (io.ReadSeekCloser, int64, error) {
	f, err := os.Open(s.path)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	return f, info.Size(), err
}

// kernelConn is a connection that notes what it is asked to hand to the kernel, before it does.
type kernelConn struct {
	*net.TCPConn
	parts *parts
}

type parts struct {
	mu    sync.Mutex
	files int   // parts of files
	bytes int64 // sent so
	other []string
}

func (c kernelConn) ReadFrom(r io.Reader) (int64, error) {
	n, err := c.TCPConn.ReadFrom(r)
	c.parts.mu.Lock()
	defer c.parts.mu.Unlock()
	if lr, ok := r.(*io.LimitedReader); ok {
		if _, ok := lr.R.(*os.File); ok { // what net.TCPConn needs for sendfile(2)
			c.parts.files++
			c.parts.bytes += n
			return n, err
		}
	}
	c.parts.other = append(c.parts.other, fmt.Sprintf("%T", r))
	return n, err
}

// TestFilesReachTheKernel wants files and ranges to come to the TCP connection as a limited file, which it gives to
// sendfile(2), through everything that a boot HTTP server puts around it. The first 512 bytes go with the header: net/http
// would guess the content type from them.
func TestFilesReachTheKernel(t *testing.T) {
	h, content := fileHandler(t, 5<<20+3, nil)
	p := &parts{}
	addr := serveBoot(t, h, ServerLimits{}, func(c net.Conn) net.Conn { return kernelConn{c.(*net.TCPConn), p} })
	for _, tc := range []struct {
		args []string
		want []byte
	}{
		{nil, content},
		{[]string{"-r", "100-2000000"}, content[100:2000001]},
		{[]string{"-r", "-1500000"}, content[len(content)-1500000:]},
	} {
		p.mu.Lock()
		p.files, p.bytes = 0, 0
		p.mu.Unlock()
		if got := curl(t, append(tc.args, "http://"+addr+"/boot/files/any")...); got != string(tc.want) {
			t.Fatalf("%v: %d bytes, not %d", tc.args, len(got), len(tc.want))
		}
		p.mu.Lock()
		if p.bytes != int64(len(tc.want))-512 || len(p.other) > 0 {
			t.Errorf("%v: of %d bytes %d came as a file, in %d parts; others came as %v", tc.args, len(tc.want), p.bytes, p.files, p.other)
		}
		p.mu.Unlock()
	}
}

// impatient are limits that a test can wait for.
var impatient = ServerLimits{Conns: 40, PerClient: 20, Header: 300 * time.Millisecond, Idle: 300 * time.Millisecond, Stall: 500 * time.Millisecond}

// dial connects from one of the loopback network's addresses.
func dial(t *testing.T, addr, from string) *net.TCPConn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

// TestUnfinishedClientsAreCutOff: whatever a client leaves unfinished ends, and nothing is left of it.
func TestUnfinishedClientsAreCutOff(t *testing.T) {
	h, _ := fileHandler(t, 64<<20, nil) // more than the buffers of both ends hold
	addr := serveBoot(t, h, impatient, nil)
	before := runtime.NumGoroutine()
	for _, tc := range []struct {
		name, says string
		drip       bool // goes on with a byte at a time
		read       bool // and reads what comes
	}{
		{"says nothing", "", false, true},
		{"half a request", "GET /boot/start.ipxe HTTP/1.1\r\nHost: x\r\nX-A: ", false, true},
		{"a request, a byte at a time", "GET /boot/start.ipxe HTTP/1.1\r\nHost: x\r\nX-A: ", true, true},
		{"no next request", "GET /boot/start.ipxe HTTP/1.1\r\nHost: x\r\n\r\n", false, true},
		{"a body that does not come", "POST /boot/start.ipxe HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", false, true},
		{"a body in chunks that do not come", "GET /boot/start.ipxe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", false, true},
		{"a body, a byte at a time", "POST /boot/start.ipxe HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", true, true},
		{"a file that it does not read", "GET /boot/files/any HTTP/1.1\r\nHost: x\r\n\r\n", false, false},
		{"many scripts that it does not read", strings.Repeat("GET /boot/start.ipxe HTTP/1.1\r\nHost: x\r\n\r\n", 20_000), false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, addr, "127.0.0.1")
			_ = c.SetWriteDeadline(time.Now().Add(20 * time.Second))
			_, _ = io.WriteString(c, tc.says) // it may be cut off in the middle
			ended := make(chan struct{})
			if tc.drip {
				go func() {
					for {
						select {
						case <-ended:
							return
						case <-time.After(20 * time.Millisecond):
							_, _ = c.Write([]byte("x"))
						}
					}
				}()
			}
			began := time.Now()
			if tc.read {
				_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
				if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
					t.Errorf("after %s the connection is still open", time.Since(began))
				}
			}
			close(ended)
		})
	}
	t.Cleanup(func() { // after the clients that do not read, which the server has to leave by itself
		deadline := time.Now().Add(20 * time.Second)
		for runtime.NumGoroutine() > before+2 {
			if time.Now().After(deadline) {
				stacks := make([]byte, 1<<20)
				t.Fatalf("%d goroutines, %d were there before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
			}
			<-time.After(10 * time.Millisecond)
		}
	})
}

// TestSlowReaderGetsItsFile: a client may be slow, as long as each part comes through in time.
func TestSlowReaderGetsItsFile(t *testing.T) {
	h, content := fileHandler(t, 12<<20, nil)
	addr := serveBoot(t, h, impatient, nil)
	c := dial(t, addr, "127.0.0.1")
	_ = c.SetReadBuffer(64 << 10)
	if _, err := io.WriteString(c, "GET /boot/files/any HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReaderSize(c, 16), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	began, n := time.Now(), 0
	for b := make([]byte, 128<<10); ; {
		<-time.After(10 * time.Millisecond)
		m, err := io.ReadFull(r.Body, b)
		if !bytes.Equal(b[:m], content[n:n+m]) {
			t.Fatalf("wrong bytes at %d", n)
		}
		if n += m; err != nil {
			break
		}
	}
	if took := time.Since(began); n != len(content) || took < 2*impatient.Stall {
		t.Errorf("%d of %d bytes in %s; it was to take longer than a whole file would have been given", n, len(content), took)
	}
}

// TestConnectionsAreCounted: one client cannot take the connections of the others, and all of them no more than there
// are; those that are given back can be had again.
func TestConnectionsAreCounted(t *testing.T) {
	h, _ := fileHandler(t, 10, nil)
	limits := impatient
	limits.Header, limits.Idle = time.Minute, time.Minute
	addr := serveBoot(t, h, limits, nil)
	served := func(c net.Conn) bool {
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.WriteString(c, "GET /boot/start.ipxe HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			return false
		}
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return false
		}
		_, _ = io.Copy(io.Discard, r.Body)
		return r.Body.Close() == nil && r.StatusCode == http.StatusOK
	}
	take := func(from string, want, of int) (open []net.Conn) {
		t.Helper()
		for range of {
			if c := dial(t, addr, from); served(c) {
				open = append(open, c)
			}
		}
		if len(open) != want {
			t.Errorf("%s got %d of %d connections, not %d", from, len(open), of, want)
		}
		return open
	}
	first := take("127.0.0.2", limits.PerClient, limits.PerClient+10)
	take("127.0.0.3", limits.PerClient, limits.PerClient)
	take("127.0.0.4", 0, 3)
	for _, c := range first[:5] {
		_ = c.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for n := 0; n < 5; { // the server notices in a moment
		if served(dial(t, addr, "127.0.0.4")) {
			n++
		}
		if ctx.Err() != nil {
			t.Fatalf("of 5 connections that were given back %d could be had", n)
		}
	}
}
