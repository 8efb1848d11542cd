package tftp_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"socle/internal/nettest"
	"socle/pxe/tftp"
)

// files are what the servers of these tests hand out. A nil content cannot be read.
type files map[string][]byte

type file struct {
	*bytes.Reader
	digest string
}

func (file) Close() error     { return nil }
func (f file) Digest() string { return f.digest }

func (f files) open(_ context.Context, _ netip.Addr, name string) (io.ReadCloser, int64, error) {
	b, ok := f[name]
	switch {
	case name == "panic":
		panic("a bug")
	case name == "secret":
		return nil, 0, fmt.Errorf("opening /srv/path/secret: %w", fs.ErrPermission)
	case !ok:
		return nil, 0, fmt.Errorf("opening /srv/path/%s: %w", name, fs.ErrNotExist)
	case b == nil:
		return nil, 0, errors.New("/srv/path: input/output error")
	}
	return file{bytes.NewReader(b), name}, int64(len(b)), nil
}

// pattern is content whose every block differs from the others.
func pattern(n int) []byte {
	b := make([]byte, 0, n+8)
	for i := 0; len(b) < n; i++ {
		b = binary.BigEndian.AppendUint64(b, uint64(i)*0x9e3779b97f4a7c15)
	}
	return b[:n]
}

// reports collects what is reported, and lets a test wait for it.
type reports struct {
	mu   sync.Mutex
	all  []tftp.Transfer
	news chan struct{}
}

func (r *reports) add(t tftp.Transfer) {
	r.mu.Lock()
	r.all = append(r.all, t)
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default:
	}
}

func (r *reports) list() []tftp.Transfer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]tftp.Transfer(nil), r.all...)
}

// await waits for a report of a file with an outcome.
func (r *reports) await(t testing.TB, name string, o tftp.Outcome) tftp.Transfer {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		for _, v := range r.list() {
			if v.Name == name && v.Outcome == o {
				return v
			}
		}
		select {
		case <-r.news:
		case <-deadline:
			all := r.list()
			t.Fatalf("nothing is reported of %q that is %s; of %d the last is %+v", name, o, len(all), all[max(0, len(all)-1):])
		}
	}
}

// serve runs a server for the time of the test.
func serve(t testing.TB, opt tftp.Options) (netip.AddrPort, *reports) {
	t.Helper()
	r := &reports{news: make(chan struct{}, 1)}
	opt.Report = r.add
	if opt.Listen == "" {
		opt.Listen = "127.0.0.1:0"
	}
	s, err := tftp.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	nettest.Background(t, s.Serve)
	return s.Addrs()[0], r
}

// talk is a client that does only what it is told.
type talk struct {
	t    testing.TB
	c    *net.UDPConn
	to   netip.AddrPort // where the last datagram came from
	addr netip.AddrPort
}

func newTalk(t testing.TB, addr netip.AddrPort) *talk {
	t.Helper()
	c, err := net.ListenUDP("udp", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &talk{t: t, c: c, addr: addr, to: addr}
}

func (k *talk) ask(fields ...string) {
	k.t.Helper()
	k.to = k.addr
	k.say("\x00\x01" + strings.Join(fields, "\x00") + "\x00")
}

func (k *talk) ack(n byte) { k.t.Helper(); k.say("\x00\x04\x00" + string([]byte{n})) }

func (k *talk) say(s string) {
	k.t.Helper()
	if _, err := k.c.WriteToUDPAddrPort([]byte(s), k.to); err != nil {
		k.t.Fatal(err)
	}
}

// hear returns the next datagram; "" when none comes in time.
func (k *talk) hear(wait time.Duration) string {
	k.t.Helper()
	_ = k.c.SetReadDeadline(time.Now().Add(wait))
	b := make([]byte, 65536)
	n, from, err := k.c.ReadFromUDPAddrPort(b)
	if err != nil {
		return ""
	}
	k.to = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	return string(b[:n])
}

// expect wants the next datagram to begin so.
func (k *talk) expect(prefix string) {
	k.t.Helper()
	if got := k.hear(10 * time.Second); !strings.HasPrefix(got, prefix) {
		k.t.Fatalf("the server says %.60q, not %q", got, prefix)
	}
}

func data(n byte) string { return "\x00\x03\x00" + string([]byte{n}) }

func TestRefusals(t *testing.T) {
	addr, r := serve(t, tftp.Options{Open: files{"broken": nil, "big": make([]byte, 2000)}.open, CacheBytes: 1000})
	for _, tc := range []struct {
		request string
		code    byte
		text    string
		outcome tftp.Outcome
	}{
		{"\x00\x01missing\x00octet\x00", tftp.CodeNotFound, "file not found", tftp.Refused},
		{"\x00\x01missing\x00octet\x00blksize\x001428\x00", tftp.CodeNotFound, "file not found", tftp.Refused},
		{"\x00\x01secret\x00octet\x00", tftp.CodeAccess, "access violation", tftp.Refused},
		{"\x00\x01broken\x00octet\x00", tftp.CodeOther, "file cannot be read now, try again", tftp.Refused},
		{"\x00\x01panic\x00octet\x00", tftp.CodeOther, "internal error", tftp.Failed},
		{"\x00\x01big\x00octet\x00", tftp.CodeOther, "file is too large for TFTP, fetch it by HTTP", tftp.Refused},
		{"\x00\x02missing\x00octet\x00", tftp.CodeAccess, "this server is read-only", tftp.Refused},
		{"\x00\x01missing\x00mail\x00", tftp.CodeIllegal, "transfer mode is not known, use octet or netascii", tftp.Refused},
		{"\x00\x01missing", tftp.CodeIllegal, "malformed request", tftp.Refused},
	} {
		k := newTalk(t, addr)
		k.say(tc.request)
		if got, want := k.hear(10*time.Second), "\x00\x05\x00"+string([]byte{tc.code})+tc.text+"\x00"; got != want {
			t.Errorf("%q is answered %q, not %q", tc.request, got, want)
		}
		if k.to == addr {
			t.Errorf("%q is answered from the listening port", tc.request)
		}
	}
	for _, v := range r.list() {
		if strings.Contains(v.Words(), "/srv") {
			t.Errorf("a report names a path: %s", v.Words())
		}
	}
	k := newTalk(t, addr)
	for _, noise := range []string{"\x00\x04\x00\x01", "\x00\x05\x00\x00x\x00", "\x00\x03\x00\x01x", "", "x"} {
		k.say(noise)
	}
	k.ask("missing", "octet")
	k.expect("\x00\x05\x00\x01") // and nothing before it
}

func TestProbeAndAbort(t *testing.T) {
	addr, r := serve(t, tftp.Options{Open: files{"loader": pattern(5000)}.open})
	k := newTalk(t, addr)
	k.ask("loader", "octet", "tsize", "0", "blksize", "1000")
	k.expect("\x00\x06tsize\x005000\x00blksize\x001000\x00")
	k.say("\x00\x05\x00\x08User aborted the transfer\x00")
	if v := r.await(t, "loader", tftp.Probed); v.Code != 8 || v.Size != 5000 || v.Sent != 0 || v.Text != "User aborted the transfer" {
		t.Errorf("%+v", v)
	}
	k.ask("loader", "octet", "blksize", "1000") // from the same port
	k.expect("\x00\x06")
	k.ack(0)
	k.expect(data(1))
	k.ack(1)
	k.expect(data(2))
	k.say("\x00\x05\x00\x03Disk full\x00")
	if v := r.await(t, "loader", tftp.Aborted); v.Code != 3 || v.Sent != 1000 || v.Text != "Disk full" {
		t.Errorf("%+v", v)
	}
	k = newTalk(t, addr) // without options: the library's part
	k.ask("loader", "octet")
	k.expect(data(1))
	k.ack(1)
	k.expect(data(2))
	k.say("\x00\x05\x00\x03Enough\x00")
	deadline := time.Now().Add(10 * time.Second)
	for n := 0; n < 2 && time.Now().Before(deadline); <-r.news {
		n = 0
		for _, v := range r.list() {
			if v.Outcome == tftp.Aborted {
				n++
			}
			if v.Text == "Enough" && v.Code == 3 && v.Sent == 512 && v.Size == 5000 {
				return
			}
		}
	}
	t.Errorf("of a plain request: %+v", r.list())
}

func TestStalledAndClosedPort(t *testing.T) {
	addr, r := serve(t, tftp.Options{Open: files{"loader": pattern(5000), "closing": pattern(900)}.open, Timeout: 150 * time.Millisecond})
	k := newTalk(t, addr)
	k.ask("loader", "octet", "blksize", "1000")
	k.expect("\x00\x06")
	k.ack(0)
	k.expect(data(1))
	k.ack(1)
	k.expect(data(2))
	k.expect(data(2)) // sent again
	if v := r.await(t, "loader", tftp.Stalled); v.Sent != 1000 || v.Resent < 2 || !strings.Contains(v.Words(), "stalled after 1000 of 5000 bytes") {
		t.Errorf("%+v", v)
	}
	k = newTalk(t, addr) // a machine that was reset closes its port, and the server knows at once
	k.ask("loader", "octet", "blksize", "1000")
	k.expect("\x00\x06")
	k.ack(0)
	k.expect(data(1))
	_ = k.c.Close()
	if v := r.await(t, "loader", tftp.Aborted); v.Sent != 0 || v.Text != "its port is closed" {
		t.Errorf("%+v", v)
	}
	k = newTalk(t, addr)
	k.ask("closing", "octet", "blksize", "1000")
	k.expect("\x00\x06")
	k.ack(0)
	k.expect(data(1)) // the last one
	_ = k.c.Close()
	if v := r.await(t, "closing", tftp.Complete); !v.LastAckUnseen || v.Sent != 900 {
		t.Errorf("%+v", v)
	}
}

func TestSorcerersApprentice(t *testing.T) {
	addr, _ := serve(t, tftp.Options{Open: files{"loader": pattern(50_000)}.open, Timeout: 5 * time.Second})
	for _, window := range []string{"1", "4"} {
		k := newTalk(t, addr)
		k.ask("loader", "octet", "blksize", "1000", "windowsize", window, "timeout", "5")
		k.expect("\x00\x06")
		for range 5 {
			k.ack(0)
		}
		for n := range window[0] - '0' {
			k.expect(data(n + 1))
		}
		if got := k.hear(50 * time.Millisecond); got != "" { // less than what a block is waited for
			t.Errorf("window %s: five acknowledgements of the OACK are answered with %.4q more", window, got)
		}
	}
}

func TestStepsBackInAWindow(t *testing.T) {
	addr, r := serve(t, tftp.Options{Open: files{"loader": pattern(6500)}.open})
	k := newTalk(t, addr)
	k.ask("loader", "octet", "blksize", "1000", "windowsize", "4")
	k.expect("\x00\x06blksize\x001000\x00windowsize\x004\x00")
	k.ack(0)
	for n := byte(1); n <= 4; n++ {
		k.expect(data(n))
	}
	k.ack(2) // 3 got lost
	for n := byte(3); n <= 6; n++ {
		k.expect(data(n))
	}
	k.ack(6)
	k.expect(data(7))
	k.ack(7)
	if v := r.await(t, "loader", tftp.Complete); v.Resent != 2 || v.Window != 4 || v.Sent != 6500 {
		t.Errorf("%+v", v)
	}
}

func TestRepeatedRequest(t *testing.T) {
	addr, r := serve(t, tftp.Options{Open: files{"loader": pattern(5000), "other": pattern(3000)}.open, Timeout: 5 * time.Second})
	k := newTalk(t, addr)
	k.ask("loader", "octet", "blksize", "1000")
	k.expect("\x00\x06")
	first := k.to
	k.ask("loader", "octet", "blksize", "1000") // the client did not see it
	k.expect("\x00\x06")
	if k.to != first {
		t.Errorf("a repeated request began a second transfer: %s, then %s", first, k.to)
	}
	k.ack(0)
	k.expect(data(1))
	k.ask("loader", "octet", "blksize", "1000") // the network repeats an old one
	if got := k.hear(50 * time.Millisecond); got != "" {
		t.Errorf("it was answered with %.4q", got)
	}
	k.ask("other", "octet", "blksize", "1000") // the machine was reset, and its firmware uses the same port
	k.expect("\x00\x06")
	if k.to == first {
		t.Error("another file comes from the port of the first transfer")
	}
	r.await(t, "loader", tftp.Again)
	k.ack(0)
	k.expect(data(1))
}

func TestLimits(t *testing.T) {
	addr, r := serve(t, tftp.Options{Open: files{"loader": pattern(5000)}.open, MaxPerClient: 2, MaxTransfers: 3, Timeout: 5 * time.Second})
	ask := func(first string, options ...string) {
		t.Helper()
		k := newTalk(t, addr)
		k.ask(append([]string{"loader", "octet"}, options...)...)
		k.expect(first)
	}
	ask("\x00\x06", "blksize", "1000")
	ask(data(1)) // by the library, and counted the same
	ask("\x00\x05\x00\x00too many transfers")
	if v := r.await(t, "loader", tftp.Busy); v.Client.Addr() != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("%+v", v)
	}
}

// A client has to be answered from the address that it asked, also when it is not the interface's first.
func TestAnswersFromTheAddressAsked(t *testing.T) {
	addr, _ := serve(t, tftp.Options{Open: files{"loader": pattern(600)}.open, Listen: ":0"})
	for _, to := range []string{"198.18.0.1", "198.18.0.2", "127.0.0.1", "::1"} {
		for _, options := range [][]string{nil, {"tsize", "0"}} {
			want := netip.MustParseAddr(to)
			k := newTalk(t, netip.AddrPortFrom(want, addr.Port()))
			k.ask(append([]string{"loader", "octet"}, options...)...)
			if got := k.hear(10 * time.Second); got == "" || k.to.Addr() != want {
				t.Errorf("%s is asked with %q, and %s answers %.10q", to, options, k.to.Addr(), got)
			}
		}
	}
}

func TestStopsInATransfer(t *testing.T) {
	r := &reports{news: make(chan struct{}, 1)}
	s, err := tftp.New(tftp.Options{Open: files{"loader": pattern(5000)}.open, Listen: "127.0.0.1:0", Report: r.add, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	k := newTalk(t, s.Addrs()[0])
	k.ask("loader", "octet", "blksize", "1000")
	k.expect("\x00\x06")
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(15 * time.Second):
		t.Fatal("a silent client keeps the server from stopping")
	}
	r.await(t, "loader", tftp.Failed)
	for got := ""; !strings.HasPrefix(got, "\x00\x05"); { // repeated OACKs come first
		if got = k.hear(time.Second); got == "" {
			t.Fatal("the client was not told")
		}
	}
}
