package tftp_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"socle/pxe/tftp"
)

// A client that somebody else wrote: the command that fetches a file from an address.
type foreign struct {
	name   string
	window int
	block  int // that has to be reported; 0: any
	argv   func(addr netip.AddrPort, name, to string) []string
}

func foreignClients() []foreign {
	atftp := func(options ...string) func(netip.AddrPort, string, string) []string {
		return func(a netip.AddrPort, name, to string) []string {
			argv := []string{"atftp", "--get", "-r", name, "-l", to}
			for _, o := range options {
				argv = append(argv, "--option", o)
			}
			return append(argv, a.Addr().String(), fmt.Sprint(a.Port()))
		}
	}
	curl := func(options ...string) func(netip.AddrPort, string, string) []string {
		return func(a netip.AddrPort, name, to string) []string {
			return append([]string{"curl", "-sS", "--max-time", "90", "-o", to, "tftp://" + a.String() + "/" + name}, options...)
		}
	}
	hpa := func(mode string) func(netip.AddrPort, string, string) []string {
		return func(a netip.AddrPort, name, to string) []string {
			family := "-4"
			if a.Addr().Is6() {
				family = "-6"
			}
			return []string{"tftp", family, "-m", mode, a.Addr().String(), fmt.Sprint(a.Port()), "-c", "get", name, to}
		}
	}
	return []foreign{
		{"tftp-hpa, plain (the library's part)", 1, 512, hpa("binary")},
		{"atftp, plain", 1, 512, atftp("disable blksize", "disable tsize")},
		{"atftp, blksize 1428", 1, 1428, atftp("blksize 1428")},
		{"atftp, all options", 16, 1428, atftp("blksize 1428", "windowsize 16", "tsize 0", "timeout 2")},
		{"atftp, windows of 512", 8, 512, atftp("windowsize 8")},
		{"curl", 1, 512, curl()}, // it always sends tsize, blksize and timeout
		{"curl, blocks of 1468", 1, 1468, curl("--tftp-blksize", "1468")},
		{"curl, no options", 1, 512, curl("--tftp-no-options")},
		{"busybox, blocks of 1428", 1, 1428, func(a netip.AddrPort, name, to string) []string {
			return []string{"busybox", "tftp", "-g", "-b", "1428", "-r", name, "-l", to, a.Addr().String(), fmt.Sprint(a.Port())}
		}},
	}
}

func TestForeignClients(t *testing.T) {
	content := files{"loader": pattern(990_688), "even": pattern(512 * 1428), "empty": {}, "one": pattern(1)} // even: the last block is empty, for both sizes
	addr, r := serve(t, tftp.Options{Open: content.open, Listen: ":0"})
	for _, c := range foreignClients() {
		for _, to := range []string{"127.0.0.1", "::1"} {
			for name, want := range content {
				t.Run(c.name+" "+to+" "+name, func(t *testing.T) {
					if name == "empty" && strings.HasPrefix(c.name, "curl") && strings.Contains(c.name, "blocks") {
						name = "one" // curl writes no file for nothing
						want = content[name]
					}
					path := filepath.Join(t.TempDir(), "out")
					argv := c.argv(netip.AddrPortFrom(netip.MustParseAddr(to), addr.Port()), name, path)
					out := run(t, false, argv[0], argv[1:]...)
					got, err := os.ReadFile(path)
					if err != nil && len(want) > 0 || !bytes.Equal(got, want) {
						t.Fatalf("%d of %d bytes: %v; it says: %s", len(got), len(want), err, out)
					}
					v := r.await(t, name, tftp.Complete)
					if v.Sent != int64(len(want)) || v.Size != v.Sent {
						t.Errorf("%+v", v)
					}
				})
			}
			if !agreed(r.list(), c) {
				t.Errorf("%s: no transfer had blocks of %d and windows of %d", c.name, c.block, c.window)
			}
		}
	}
}

func agreed(all []tftp.Transfer, c foreign) bool {
	for _, v := range all {
		if v.BlockSize == c.block && v.Window == c.window {
			return true
		}
	}
	return false
}

// atftp 0.8.0 ends a transfer with "unexpected OACK" when its first acknowledgement gets lost: the server has to repeat
// its OACK then, since it cannot know which of the two was lost (RFC 2347 has a lost one repeated like any packet of RFC
// 1350), and atftp takes the second one for an error. Captured on the client's side of a link that loses one packet in 15
// (C the client, S the server, seconds):
//
//	0.0000 C  RRQ loader octet tsize 0 timeout 2 blksize 1428 windowsize 16
//	0.0003 S  OACK tsize 60000 timeout 2 blksize 1428 windowsize 16
//	0.0004 C  ACK 0                    lost behind the capture
//	1.0100 S  OACK, the same again
//	1.0100 C  ERROR 0                  and nothing follows
//
// Patience does not help: with an OACK that was repeated after 2.25 s only, later than the time that both agreed on, atftp
// had not repeated its ACK 0 and failed the same, in 10 of 70 transfers. Nor is it the server: atftpd, whose OACK was
// repeated at 2.009 s, got the same ERROR from it. So atftp is run again when it says so, and only then.
func TestForeignClientsOverALossyLink(t *testing.T) {
	in := lossyLink(t, 50)
	content := files{"loader": pattern(300_000)}
	addr, r := serve(t, tftp.Options{Open: content.open, Listen: "198.18.9.1:0"})
	for _, c := range foreignClients() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "out")
			argv := c.argv(addr, "loader", path)
			out := in(false, argv[0], argv[1:]...)
			for range 10 {
				if !strings.Contains(out, "unexpected OACK") {
					break
				}
				out = in(false, argv[0], argv[1:]...)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content["loader"]) {
				t.Fatalf("%d of 300000 bytes: %v; it says: %s", len(got), err, out)
			}
		})
	}
	t.Cleanup(func() {
		var again int64
		own := false
		for _, v := range r.list() {
			again += v.Resent
			own = own || v.BlockSize > 512
		}
		if own && again == 0 {
			t.Error("nothing was sent again: the link was not lossy")
		}
	})
}

func TestNetascii(t *testing.T) {
	text := strings.Repeat("a line\nand a carriage return\r in one\n", 200)
	addr, r := serve(t, tftp.Options{Open: files{"text": []byte(text)}.open})
	for _, argv := range [][]string{
		{"tftp", "-m", "ascii", "127.0.0.1", fmt.Sprint(addr.Port()), "-c", "get", "text"},
		{"curl", "-sS", "--max-time", "20", "--use-ascii", "tftp://" + addr.String() + "/text;mode=netascii", "-o"},
	} {
		path := filepath.Join(t.TempDir(), "out")
		out := run(t, true, argv[0], append(argv[1:], path)...)
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if argv[0] == "curl" { // it keeps what is on the wire
			got = bytes.ReplaceAll(bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n")), []byte("\r\x00"), []byte("\r"))
		}
		if string(got) != text {
			t.Errorf("%s got %d bytes, not %d: %.60q", argv[0], len(got), len(text), got)
		}
	}
	if v := r.await(t, "text", tftp.Complete); v.Size != int64(len(text)+600) { // each "\n" becomes two bytes, "\r" too
		t.Errorf("%+v", v)
	}
}
