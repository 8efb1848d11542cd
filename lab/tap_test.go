package lab

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// plugIn attaches to a tap as QEMU does and prints the frames that a server's card would get, one a line in
// hexadecimal, until it is killed. It is run by the test binary inside a rack's namespace, see TestMain.
func plugIn(tap string, out io.Writer) error {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	ifr, err := unix.NewIfreq(tap)
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr); err != nil {
		return fmt.Errorf("attaching to %s: %w", tap, err)
	}
	buf := make([]byte, 4096)
	for {
		n, err := unix.Read(fd, buf)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, hex.EncodeToString(buf[:n])); err != nil {
			return err
		}
	}
}

// lldp lets tcpdump, which knows the protocol, read what a server's card is sent.
func lldp(t *testing.T, s Spec, server, system, port string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ip", "netns", "exec", s.Interface(),
		"tcpdump", "-nvi", tapName(server, 0), "-c", "1", "ether", "proto", "0x88cc").CombinedOutput()
	if err != nil {
		t.Fatalf("tcpdump: %v: %s", err, out)
	}
	for _, want := range []string{"System Name TLV (5), length 6: " + system, "Interface Name (5): " + port, "TTL 20s", MAC(system, 0)} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not in what tcpdump reads:\n%s", want, out)
		}
	}
}

func TestLLDPReachesTheCard(t *testing.T) {
	s, dir := testSpec(t, "labt10", 76), t.TempDir()
	up(t, s, dir)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "ip", "netns", "exec", s.Interface(), exe, "lab", "plug-in", tapName("hv01", 0))
	var got bytes.Buffer
	cmd.Stdout, cmd.Stderr = &got, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lldp(t, s, "hv01", "leaf-a", "swp1")
	time.Sleep(200 * time.Millisecond) // the frame that tcpdump saw is being handed to the card
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if !strings.Contains(got.String(), "0180c200000e") || !strings.Contains(got.String(), hex.EncodeToString([]byte("leaf-a"))) {
		t.Errorf("the card got no LLDP:\n%s", got.String())
	}
	if strings.Contains(got.String(), hex.EncodeToString([]byte("leaf-b"))) {
		t.Errorf("the card got another port's LLDP:\n%s", got.String())
	}
}
