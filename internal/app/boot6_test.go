package app

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"socle/internal/config"
)

func get(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	must(t, err)
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	return string(body)
}

// A machine is sent to the addresses of the family, and the subnet, that it comes from.
func TestBootOfBothFamilies(t *testing.T) {
	c := config.Default()
	c.DataDir, c.Services = t.TempDir(), []string{"api", "boot"}
	_, port, err := net.SplitHostPort(freeAddr(t))
	must(t, err)
	c.Listen, c.Boot.Listen = freeAddr(t), ":"+port
	_, apiPort, err := net.SplitHostPort(c.Listen)
	must(t, err)
	c.Subnets = []config.Subnet{{Name: "four", Interface: "none0", Server: netip.MustParseAddr("198.18.0.1"), Prefix: netip.MustParsePrefix("198.18.0.0/24")}}
	c.Subnets6 = []config.Subnet6{
		{Name: "six", Interface: "none0", Server: netip.MustParseAddr("2001:db8:1::1"), Prefix: netip.MustParsePrefix("2001:db8:1::/64")},
		{Name: "loopback", Interface: "none0", Server: netip.MustParseAddr("2001:db8:2::1"), Prefix: netip.MustParsePrefix("::1/128")},
	}
	serve(t, c)
	for host, want := range map[string]string{"127.0.0.1": "198.18.0.1", "[::1]": "[2001:db8:2::1]"} {
		base := "http://" + host + ":" + port
		if s := get(t, base+"/boot/start.ipxe"); !strings.Contains(s, "http://"+want+":"+port+"/boot/script.ipxe") {
			t.Errorf("start script for %s:\n%s", host, s)
		}
		s := get(t, base+"/boot/script.ipxe?mac=52:54:00:00:00:0a&platform=efi&arch=x86_64&serial=SN1")
		if !strings.Contains(s, "socle.server=https://"+want+":"+apiPort) || !strings.Contains(s, "http://"+want+":"+port+"/boot/files/") {
			t.Errorf("script for %s:\n%s", host, s)
		}
	}
	conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", c.Listen) //nolint:gosec // the names are looked at
	must(t, err)
	defer conn.Close()
	cert := conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
	for _, host := range []string{"198.18.0.1", "2001:db8:1::1", "2001:db8:2::1"} {
		if err := cert.VerifyHostname(host); err != nil {
			t.Errorf("the certificate: %v", err)
		}
	}
}

func TestDUIDStays(t *testing.T) {
	file := filepath.Join(t.TempDir(), "duid")
	id, err := serverDUID(file)
	must(t, err)
	again, err := serverDUID(file)
	must(t, err)
	if !bytes.Equal(id, again) || len(id) != 18 || id[1] != 4 {
		t.Errorf("first %x, then %x", id, again)
	}
	other, err := serverDUID(file + "2")
	must(t, err)
	if bytes.Equal(id, other) {
		t.Error("two servers have one identifier")
	}
	must(t, os.WriteFile(file, []byte("0004"), 0o600))
	if _, err := serverDUID(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a broken file: %v", err)
	}
}
