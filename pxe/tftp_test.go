package pxe

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socle/internal/nettest"
)

func serveTFTP(t testing.TB, opt TFTPOptions) (addr netip.AddrPort, r *recorder) {
	t.Helper()
	r = &recorder{}
	opt.Listen, opt.Recorder = "127.0.0.1:0", r
	s, err := NewTFTP(opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	nettest.Background(t, s.Serve)
	return s.Addr(), r
}

// hpa fetches with the client of tftp-hpa.
func hpa(t *testing.T, addr netip.AddrPort, name string) (content []byte, output string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out, _ := exec.CommandContext(ctx, "tftp", "-4", "-m", "binary", addr.Addr().String(), fmt.Sprint(addr.Port()), "-c", "get", name, path).CombinedOutput()
	b, _ := os.ReadFile(path)
	return b, string(out)
}

func TestTFTPWithRealClients(t *testing.T) {
	content := bytes.Repeat([]byte("loader of 1 MB. "), 1<<16)
	addr, rec := serveTFTP(t, TFTPOptions{Files: files{"undionly.kpxe": content, "snponly.efi": nil, "ramdisk/initrd": []byte("no")}})
	got, out := hpa(t, addr, "undionly.kpxe")
	if !bytes.Equal(got, content) {
		t.Errorf("tftp-hpa got %d bytes: %s", len(got), out)
	}
	for _, size := range []string{"512", "1428", "65464"} {
		got := curl(t, "--tftp-blksize", size, "tftp://"+addr.String()+"//undionly.kpxe")
		if got != string(content) {
			t.Errorf("curl with blocks of %s got %d bytes: %.80q", size, len(got), got)
		}
	}
	if !rec.has("tftp", `"undionly.kpxe" from 127.0.0.1`, fmt.Sprintf("%d bytes", len(content))) {
		t.Errorf("evidence: %+v", rec.list())
	}
	for name, text := range map[string]string{
		"snponly-arm64.efi": "file not found",
		"../../etc/passwd":  "file not found",
		"ramdisk/initrd":    "file not found",
		"/etc/passwd":       "file not found",
		"snponly.efi":       "cannot be read now", // its reading fails with the server's path in the error
	} {
		got, out := hpa(t, addr, name)
		if len(got) != 0 || !strings.Contains(out, text) || strings.Contains(out, "/srv") {
			t.Errorf("%s: %d bytes, %s", name, len(got), out)
		}
	}
	path := filepath.Join(t.TempDir(), "put")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := exec.Command("tftp", "-4", addr.Addr().String(), fmt.Sprint(addr.Port()), "-c", "put", path, "undionly.kpxe").CombinedOutput()
	if !strings.Contains(string(w), "read-only") {
		t.Errorf("writing: %v %s", err, w)
	}
}

func TestTFTPInUse(t *testing.T) {
	addr, _ := serveTFTP(t, TFTPOptions{Files: files{}})
	s, err := NewTFTP(TFTPOptions{Files: files{}, Listen: addr.String()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(t.Context()); err == nil || !strings.Contains(err.Error(), "another TFTP server has it") {
		t.Errorf("a second server on one address: %v", err)
	}
}

// ask sends a datagram and returns the first answer.
func ask(t testing.TB, addr netip.AddrPort, b []byte, wait time.Duration) (*net.UDPConn, []byte) {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.WriteToUDPAddrPort(b, addr); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(wait))
	buf := make([]byte, 2048)
	n, _, err := c.ReadFromUDPAddrPort(buf)
	if err != nil {
		return c, nil
	}
	return c, buf[:n]
}

const readRequest = "\x00\x01undionly.kpxe\x00octet\x00"

func TestTFTPLimits(t *testing.T) {
	addr, _ := serveTFTP(t, TFTPOptions{Files: files{"undionly.kpxe": make([]byte, 100000)}, MaxPerClient: 2, Timeout: 300 * time.Millisecond})
	for range 2 { // transfers whose client never acknowledges
		c, b := ask(t, addr, []byte(readRequest), 5*time.Second)
		defer c.Close()
		if len(b) < 4 || b[1] != 3 {
			t.Fatalf("first block: %q", b)
		}
	}
	c, b := ask(t, addr, []byte(readRequest), 5*time.Second)
	defer c.Close()
	if !bytes.Contains(b, []byte("too many transfers")) {
		t.Errorf("the third transfer got %.60q", b)
	}
}

type panicking struct{}

func (panicking) Open(string) (io.ReadSeekCloser, int64, error) { panic("a bug") }

func TestTFTPSurvivesPanic(t *testing.T) {
	addr, _ := serveTFTP(t, TFTPOptions{Files: panicking{}})
	for range 2 {
		c, b := ask(t, addr, []byte(readRequest), 5*time.Second)
		defer c.Close()
		if !bytes.Contains(b, []byte("internal error")) {
			t.Fatalf("got %q", b)
		}
	}
}

// FuzzTFTP sends any datagram, then looks whether the server still serves.
func FuzzTFTP(f *testing.F) {
	for _, s := range []string{readRequest, "\x00\x01", "\x00\x02x\x00octet\x00", "\x00\x01undionly.kpxe\x00octet\x00blksize\x0065464\x00tsize\x000\x00",
		"\x00\x01undionly.kpxe\x00netascii\x00blksize\x00-1\x00", "\x00\x05\x00\x00x\x00", "\x00\x04\x00\x01", "\x00\x01a", "", "\x00\x06"} {
		f.Add([]byte(s))
	}
	addr, _ := serveTFTP(f, TFTPOptions{Files: files{"undionly.kpxe": []byte("short")}, MaxTransfers: 10000, MaxPerClient: 10000, Timeout: 20 * time.Millisecond})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1500 {
			b = b[:1500]
		}
		c, _ := ask(t, addr, b, time.Millisecond)
		_ = c.Close()
		c, got := ask(t, addr, []byte(readRequest), 5*time.Second)
		defer c.Close()
		buf := make([]byte, 2048)
		for string(got) != "\x00\x03\x00\x01short" {
			// The end of an earlier transfer may arrive first, when the system gave this client its port.
			n, err := c.Read(buf)
			if err != nil {
				t.Fatalf("after %q the server answers %q, then %v", b, got, err)
			}
			got = buf[:n]
		}
	})
}
