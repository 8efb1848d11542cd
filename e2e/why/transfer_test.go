package why

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// begin fetches a file by TFTP with small blocks, and returns when the first byte has come; then the client is frozen,
// as one is whose power or cable is gone.
func (m *machine) begin(file string) {
	m.t.Helper()
	cmd := m.command("exec curl -sSN --max-time 120 --tftp-no-options tftp://" + own + "/" + file)
	out, err := cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); _ = cmd.Wait() })
	if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
		m.t.Fatalf("the transfer of %s does not begin: %v", file, err)
	}
	// Nobody reads the rest, so that the client waits at its full pipe before it is stopped: it cannot get to its end.
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGSTOP); err != nil {
		m.t.Fatal(err)
	}
}

func TestTFTPStalls(t *testing.T) {
	r := all(t)
	c := r.plug(nic)
	r.power()
	c.dhcp(asUEFI)
	c.begin("snponly.efi")
	r.wantVerdict(30*time.Second, "tftp-stalled", "snponly.efi", "stopped acknowledging")
}

// TestTFTPBusy: eight transfers of one address run, and a ninth is asked for.
func TestTFTPBusy(t *testing.T) {
	r := all(t)
	c := r.plug(nic)
	r.power()
	c.dhcp(asUEFI)
	for range 8 {
		c.begin("snponly.efi")
	}
	if out := c.try("atftp --get -r snponly.efi -l got " + own + " 69"); !strings.Contains(out, "busy") && !strings.Contains(out, "too many") {
		t.Errorf("the ninth client is told: %s", out)
	}
	r.wantVerdict(soon, "tftp-busy", "snponly.efi")
}

// TestUnreadable: the server's disk gives errors; here, a file that is a link to itself.
func TestUnreadable(t *testing.T) {
	r := all(t)
	c := r.plug(nic)
	for _, name := range []string{"snponly.efi", "vmlinuz"} {
		r.must(os.Symlink(name, filepath.Join(r.files, name)))
	}
	r.power()
	c.dhcp(asUEFI)
	c.tftp("snponly.efi")
	r.wantVerdict(soon, "file-unreadable", "snponly.efi")
	c.dhcp(asIPXE)
	for _, path := range []string{"/boot/start.ipxe", script, kernel} {
		c.get(path)
	}
	r.wantVerdict(soon, "file-unreadable", "vmlinuz")
}

// TestLoaderNoAddress: the switch port blocks after the loader has reset the card.
func TestLoaderNoAddress(t *testing.T) {
	r := all(t)
	c := r.plug(nic)
	r.power()
	c.dhcp(asBIOS)
	c.tftp("undionly.kpxe")
	c.deafen()
	c.dhcp(asIPXE)
	r.wantVerdict(soon, "loader-no-address", "3 times")
}

func TestHTTPNever(t *testing.T) {
	r := all(t)
	r.power()
	r.plug(nic).dhcp(asHTTP)
	r.wantVerdict(soon, "http-never", bootURL+"/boot/files/snponly.efi")
}

// TestHTTPS meets the boot HTTPS as firmware does that does not trust its certificate, that is too old, that speaks no
// TLS, that hangs up, and that does everything right.
func TestHTTPS(t *testing.T) {
	n := subnet("198.18.0.100", "198.18.0.200")
	n.HTTPS = true
	r := furnish(t, n)
	c := r.plug(nic)
	url := secureURL + "/boot/machine.efi?mac=" + strings.ReplaceAll(nic, ":", "%3A")
	r.power()
	c.dhcp(asHTTP)
	r.wantVerdict(soon, "http-never", url)
	c.try("curl -sS -m 20 -o got '" + url + "'")
	r.wantVerdict(soon, "https-distrusted", "unknown certificate authority")
	c.try("curl -sS -m 20 -k --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0 -o got '" + url + "'")
	r.wantVerdict(soon, "https-mismatch", "it speaks TLS 1.1, TLS 1.0 only")
	c.try("curl -sS -m 20 -k --tls-max 1.2 --ciphers ECDHE-ECDSA-AES128-GCM-SHA256 -o got '" + url + "'")
	r.wantVerdict(soon, "https-mismatch", "cipher")
	c.try("curl -sS -m 20 -o got '" + strings.Replace(url, "https", "http", 1) + "'")
	r.wantVerdict(soon, "https-mismatch", "does not look like a TLS handshake")
	c.try("bash -c 'exec 3<>/dev/tcp/" + own + "/8444; exec 3>&-'")
	r.wantVerdict(soon, "https-broken", "EOF")
	c.try(fmt.Sprintf("curl -sS -m 20 --cacert '%s' -o got '%s'", filepath.Join(r.files, "boot-ca.crt"), secureURL+"/boot/files/none.efi"))
	r.wantVerdict(soon, "no-such-file", "none.efi")
}

// TestHTTPSOfOthers: who has no lease leaves nothing that could be mistaken for a machine's.
func TestHTTPSOfOthers(t *testing.T) {
	r := all(t)
	c := r.plug(other)
	c.sh("ip addr add 198.18.0.77/24 dev eth0")
	c.try("curl -sS -m 20 -o got '" + secureURL + "/boot/start.ipxe'")
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.lines {
		if e.Kind == "handshake" {
			t.Errorf("evidence of nobody: %+v", e)
		}
	}
}
