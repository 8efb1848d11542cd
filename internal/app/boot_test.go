package app

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"socle/internal/config"
)

// bootServers are TFTP and boot HTTP of a data folder, with the clients that other people wrote.
type bootServers struct {
	t          *testing.T
	http, tftp string
	dir        string // DIR/boot
	mac        string // that holds every address
}

// serveBoots runs them until the end of the test.
func serveBoots(t *testing.T, rules ...config.TFTPRule) *bootServers {
	t.Helper()
	c := config.Default()
	c.DataDir, c.Listen, c.Boot.Listen, c.Boot.TFTP = t.TempDir(), freeAddr(t), freeAddr(t), freeAddr(t)
	c.Services, c.Boot.TFTPRules = []string{"boot", "tftp"}, rules
	k, err := open(t.Context(), c, "test", slog.New(slog.DiscardHandler))
	must(t, err)
	b := &bootServers{t: t, http: c.Boot.Listen, tftp: c.Boot.TFTP, dir: filepath.Join(c.DataDir, "boot"), mac: "52:54:00:00:00:0a"}
	k.holder = func(netip.Addr) (string, bool) { return b.mac, true }
	web, err := k.bootTasks(t.Context())
	must(t, err)
	files, err := k.tftpTasks(t.Context())
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, task := range append(web, files...) {
		running.Go(func() {
			if err := task.Run(ctx); err != nil {
				t.Errorf("%s: %v", task.Name, err)
			}
		})
	}
	t.Cleanup(func() { cancel(); running.Wait(); k.close() })
	return b
}

func (b *bootServers) put(name, content string) {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	must(b.t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(b.t, os.WriteFile(path, []byte(content), 0o644))
}

// run returns what a client says and what it left in the file whose name it was given as OUT.
func (b *bootServers) run(argv ...string) (said, got string) {
	b.t.Helper()
	out := filepath.Join(b.t.TempDir(), "out")
	for i := range argv {
		argv[i] = strings.ReplaceAll(argv[i], "OUT", out)
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	text, _ := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput() // that it failed is seen by the file
	content, _ := os.ReadFile(out)
	return string(text), string(content)
}

// TestNoPathLeadsOut asks both servers for files of the host that lie outside the folder of boot files, and for ones in
// it that nobody is to get, by every spelling: nothing of them comes, and no answer names a path of the host.
func TestNoPathLeadsOut(t *testing.T) {
	b := serveBoots(t)
	const secret = "nobody is to read this"
	b.put("../secret", secret)
	b.put("ramdisk/vmlinuz", "kernel")
	b.put("snponly.efi", "loader")
	b.put("other/.hidden", secret)
	must(t, os.Symlink("../secret", filepath.Join(b.dir, "undionly.kpxe"))) // a name of the table, and a way out
	must(t, os.Symlink("..", filepath.Join(b.dir, "up")))
	must(t, os.Symlink(b.dir+"/../secret", filepath.Join(b.dir, "ramdisk", "initrd")))
	host, port, err := net.SplitHostPort(b.tftp)
	must(t, err)

	if _, got := b.run("atftp", "--get", "-r", "/snponly.efi", "-l", "OUT", host, port); got != "loader" {
		t.Fatalf("what may be had is %q", got)
	}
	if _, got := b.run("curl", "-sSf", "-o", "OUT", "http://"+b.http+"/boot/files/ramdisk/vmlinuz"); got != "kernel" {
		t.Fatalf("what may be had is %q", got)
	}
	abs := filepath.Dir(b.dir)
	names := []string{"../secret", "/../secret", "//../secret", "ramdisk/../../secret", "./../secret", "up/secret", "undionly.kpxe", "ramdisk/initrd", abs + "/secret",
		"/" + abs + "/secret", `..\secret`, `ramdisk\..\..\secret`, `\..\secret`, "..%2fsecret", "%2e%2e/secret", "%2e%2e%2fsecret", "..%5csecret", "..%252fsecret",
		"..%c0%afsecret", "snponly.efi/../../secret", "snponly.efi%00.txt", "grub/../../secret", "grub/machine-x86_64/../../../secret", "grub/grub.cfg/../../../secret",
		"socle.db", "../socle.db", "../keyring", "../admin-token", "/etc/passwd", "etc/passwd", "up", ".", "..", "ramdisk", "other/.hidden/", "file:///etc/passwd"}
	leaks := func(by, name, said, got string) {
		t.Helper()
		for _, text := range []string{said, got} {
			text = strings.ReplaceAll(text, name, "") // clients repeat what they were told to ask
			if strings.Contains(text, secret) || strings.Contains(text, "root:") || strings.Contains(text, "SQLite") || !strings.Contains(name, abs) && strings.Contains(text, abs) {
				t.Errorf("%s asking for %q got %.100q, and says %.300q", by, name, got, said)
			}
		}
	}
	for _, name := range names {
		said, got := b.run("atftp", "--get", "-r", name, "-l", "OUT", host, port)
		leaks("atftp", name, said, got)
		said, got = b.run("tftp", "-m", "binary", host, port, "-c", "get", name, "OUT")
		leaks("tftp-hpa", name, said, got)
		said, got = b.run("curl", "-sS", "--path-as-is", "-o", "OUT", "tftp://"+b.tftp+"/"+strings.ReplaceAll(name, `\`, "%5c"))
		leaks("curl by TFTP", name, said, got)
		said, got = b.run("curl", "-sSL", "--path-as-is", "-o", "OUT", "http://"+b.http+"/boot/files/"+name)
		leaks("curl by HTTP", name, said, got)
		leaks("a request by hand", name, "", b.raw("GET /boot/files/"+name+" HTTP/1.0\r\n\r\n"))
	}
	// What no client's command line can say.
	for _, name := range []string{"snponly.efi\x00/../../secret", "../secret\x00octet", "\x00../secret"} {
		leaks("a datagram by hand", name, "", b.datagram("\x00\x01"+name+"\x00octet\x00"))
		leaks("a request by hand", name, "", b.raw("GET /boot/files/"+name+" HTTP/1.0\r\n\r\n"))
	}
}

func (b *bootServers) raw(request string) string {
	b.t.Helper()
	c, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(b.t.Context(), "tcp", b.http)
	must(b.t, err)
	defer c.Close()
	must(b.t, c.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = c.Write([]byte(request))
	must(b.t, err)
	var all bytes.Buffer
	_, err = all.ReadFrom(c)
	must(b.t, err)
	return all.String()
}

// datagram returns the answer to one, from whatever port it comes.
func (b *bootServers) datagram(request string) string {
	b.t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(b.t, err)
	defer c.Close()
	_, err = c.WriteToUDPAddrPort([]byte(request), netip.MustParseAddrPort(b.tftp))
	must(b.t, err)
	must(b.t, c.SetReadDeadline(time.Now().Add(30*time.Second)))
	buf := make([]byte, 2048)
	n, _, err := c.ReadFromUDPAddrPort(buf)
	must(b.t, err)
	return string(buf[:n])
}

// TestTFTPRulesHold: what the configuration says of a client's blocks and windows is what it gets.
func TestTFTPRulesHold(t *testing.T) {
	b := serveBoots(t, config.TFTPRule{MAC: "52:54:00:00:00:0b", Block: 1024, Why: "of this test"}, config.TFTPRule{File: ".kpxe", Block: 512, Window: 1},
		config.TFTPRule{MAC: "52:54:00", Block: 8192, Window: 4})
	b.put("snponly.efi", "loader")
	b.put("undionly.kpxe", "loader")
	const options = "\x00octet\x00blksize\x0016384\x00windowsize\x0016\x00"
	for _, tc := range []struct {
		mac, file     string
		block, window int
	}{
		{"52:54:00:00:00:0b", "snponly.efi", 1024, 16},
		{"52:54:00:00:00:0b", "undionly.kpxe", 1024, 16}, // the first that fits holds
		{"52:54:00:00:00:0c", "undionly.kpxe", 512, 1},
		{"52:54:00:00:00:0c", "snponly.efi", 8192, 4},
		{"00:15:5d:00:00:0c", "snponly.efi", 16384, 16}, // no rule: the loopback carries that in one packet
	} {
		b.mac = tc.mac
		want := fmt.Sprintf("\x00\x06blksize\x00%d\x00windowsize\x00%d\x00", tc.block, tc.window)
		if got := b.datagram("\x00\x01" + tc.file + options); got != want {
			t.Errorf("%s asking for %s gets %q, not %q", tc.mac, tc.file, got, want)
		}
	}
}
