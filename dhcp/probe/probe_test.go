package probe

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func probe(t *testing.T, o Options) Report {
	t.Helper()
	o.Iface = "p0"
	if o.Wait == 0 {
		o.Wait = 2 * time.Second
	}
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r Report) server(t *testing.T, mac string) Server {
	t.Helper()
	for _, s := range r.Servers {
		if s.MAC == mac {
			return s
		}
	}
	t.Fatalf("no server has MAC %s: %+v", mac, r.Servers)
	return Server{}
}

func (s Server) wants(t *testing.T, ip string, kinds []Kind, offers ...string) {
	t.Helper()
	if s.IP.String() != ip || !slices.Equal(s.Kinds, kinds) {
		t.Errorf("server %+v, want %s with kinds %v", s, ip, kinds)
	}
	all := strings.Join(s.Offers, "\n")
	for _, o := range offers {
		if !strings.Contains(all, o) {
			t.Errorf("%s does not offer %q:\n%s", ip, o, all)
		}
	}
}

func TestNobodyAnswers(t *testing.T) {
	newLAN(t)
	r := probe(t, Options{Wait: 300 * time.Millisecond})
	if len(r.Servers) != 0 || len(r.Warnings) != 0 || len(r.Frames) != 8 {
		t.Errorf("on an empty network: %+v, %d frames", r.Servers, len(r.Frames))
	}
}

func TestThreeServersOfThreeMakers(t *testing.T) {
	l := newLAN(t)
	ours := l.socle("198.18.0.1")
	masq := l.dnsmasq("198.18.0.2", "--dhcp-range=198.18.0.230,198.18.0.240", "--dhcp-match=set:efi,option:client-arch,7",
		"--dhcp-boot=tag:!efi,undionly.kpxe", "--dhcp-boot=tag:efi,bootx64.efi")
	isc := l.dhcpd("198.18.0.3")
	r := probe(t, Options{})
	r.server(t, ours).wants(t, "198.18.0.1", []Kind{Full}, "OFFER to a plain client: address 198.18.0.1", "OFFER to a BIOS PXE: address",
		"boot file undionly.kpxe, from 198.18.0.1", "boot file snponly.efi", "boot file http://198.18.0.1:8080/")
	r.server(t, masq).wants(t, "198.18.0.2", []Kind{Full}, "OFFER to a UEFI PXE: address 198.18.0.2", "boot file bootx64.efi, from 198.18.0.2", "boot file undionly.kpxe")
	r.server(t, isc).wants(t, "198.18.0.3", []Kind{Full}, "OFFER to a plain client: address 198.18.0.2", "boot file pxelinux.0, from 198.18.0.3")
	if !strings.Contains(strings.Join(r.Warnings, "\n"), "3 servers give addresses") {
		t.Errorf("warnings: %q", r.Warnings)
	}
	r = probe(t, Options{Allowed: []netip.Addr{netip.MustParseAddr("198.18.0.1"), netip.MustParseAddr("198.18.0.3")}})
	if all := strings.Join(r.Warnings, "\n"); !strings.Contains(all, "198.18.0.2 (MAC "+masq+") answers and is not meant") || strings.Contains(all, "198.18.0.3 (") {
		t.Errorf("warnings with two allowed: %q", r.Warnings)
	}
}

func TestProxyIsToldFromFull(t *testing.T) {
	l := newLAN(t)
	proxy := l.dnsmasq("198.18.0.4", "--dhcp-range=198.18.0.0,proxy", "--pxe-service=x86PC,Install,undionly", "--pxe-service=x86-64_EFI,Install,snponly.efi")
	l.dnsmasq("198.18.0.2", "--dhcp-range=198.18.0.230,198.18.0.240")
	r := probe(t, Options{Wait: 3 * time.Second})
	s := r.server(t, proxy)
	if s.IP.String() != "198.18.0.4" || !slices.Contains(s.Kinds, Proxy) || slices.Contains(s.Kinds, Full) {
		t.Errorf("the proxy is %+v", s)
	}
	if !slices.Contains(s.Kinds, Boot) {
		t.Errorf("its boot service on port 4011 was not found: %+v", s)
	}
	if !strings.Contains(strings.Join(r.Warnings, "\n"), "2 servers answer: one that gives addresses and others that add boot files") {
		t.Errorf("warnings: %q", r.Warnings)
	}
}

// TestThroughARelay asks as a relay does; the answers come to the relay's port.
func TestThroughARelay(t *testing.T) {
	l := newLAN(t)
	ours := l.socle("198.18.0.1")
	r := probe(t, Options{Relay: netip.MustParseAddr("198.18.0.9")})
	r.server(t, ours).wants(t, "198.18.0.1", []Kind{Full}, "boot file snponly.efi")
	for _, a := range r.Answers {
		if !strings.Contains(a.Decoded, "198.18.0.9") {
			t.Errorf("the answer does not name the relay:\n%s", a.Decoded)
		}
	}
	if _, err := Run(t.Context(), Options{Iface: "p0", Relay: netip.MustParseAddr("10.0.0.1")}); !errors.Is(err, ErrInterface) {
		t.Errorf("a relay address that is not here: %v", err)
	}
}

// TestCaptureIsReadByAnother lets tcpdump read the capture: it checks the checksums as well.
func TestCaptureIsReadByAnother(t *testing.T) {
	l := newLAN(t)
	l.dnsmasq("198.18.0.2", "--dhcp-range=198.18.0.230,198.18.0.240")
	r := probe(t, Options{})
	path := filepath.Join(t.TempDir(), "probe.pcap")
	var b bytes.Buffer
	if err := r.WritePcap(&b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "tcpdump", "-r", path, "-vvn").CombinedOutput()
	if err != nil {
		t.Fatalf("tcpdump: %v\n%s", err, out)
	}
	text := string(out)
	for _, s := range []string{"BOOTP/DHCP, Request", "BOOTP/DHCP, Reply", "PXEClient:Arch:00007:UNDI:003016", "HTTPClient:Arch:00016", "Server-ID", "Your-IP 198.18.0.2"} {
		if !strings.Contains(text, s) {
			t.Errorf("tcpdump does not read %q:\n%s", s, text)
		}
	}
	sent := 0
	for block := range strings.SplitSeq(text, " IP (tos") {
		if strings.Contains(block, "0.0.0.0.68 > 255.255.255.255.67") {
			if sent++; strings.Contains(block, "bad") || !strings.Contains(block, "udp sum ok") {
				t.Errorf("tcpdump finds a wrong checksum:\n%s", block)
			}
		}
	}
	if sent != 8 {
		t.Errorf("%d questions are in the capture, want 8", sent)
	}
}

func TestNeighbour(t *testing.T) {
	l := newLAN(t)
	mac := l.dnsmasq("198.18.0.2", "--dhcp-range=198.18.0.230,198.18.0.240")
	if got, err := Neighbour(t.Context(), "p0", netip.MustParseAddr("198.18.0.2")); err != nil || got != mac {
		t.Errorf("198.18.0.2 is at %s, %v; want %s", got, err, mac)
	}
	if got, err := Neighbour(t.Context(), "p0", netip.MustParseAddr("198.18.0.3")); !errors.Is(err, ErrSilent) {
		t.Errorf("198.18.0.3 is at %s, %v", got, err)
	}
}

func TestWrongInterfaces(t *testing.T) {
	newLAN(t)
	run1(t, "ip", "link", "set", "p0", "down")
	for name, want := range map[string]string{"nothing0": "does not exist", "lo": "no Ethernet", "p0": "is down"} {
		if _, err := Run(t.Context(), Options{Iface: name}); !errors.Is(err, ErrInterface) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	d := datagram{from: [6]byte{2, 0, 0, 0, 0, 1}, to: broadcastMAC, src: netip.MustParseAddrPort("0.0.0.0:68"), dst: netip.MustParseAddrPort("255.255.255.255:67"),
		payload: discover(Clients()[1], 7, [6]byte{2, 0, 0, 0, 0, 1}, netip.Addr{})}
	f.Add(d.frame())
	f.Add([]byte{})
	f.Add(arpRequest([6]byte{2, 0, 0, 0, 0, 1}, netip.Addr{}, netip.MustParseAddr("198.18.0.1")))
	f.Add(append(make([]byte, 12), 8, 0, 0x4f))
	f.Fuzz(func(t *testing.T, b []byte) {
		arpSender(b, netip.MustParseAddr("198.18.0.1"))
		d, ok := parse(b)
		if !ok {
			return
		}
		again, ok := parse(d.frame())
		if !ok || again.src != d.src || again.dst != d.dst || !bytes.Equal(again.payload, d.payload) {
			t.Errorf("%v became %v", d, again)
		}
		if p, err := readReply(d.payload); err == nil {
			a := newAnswer(&question{}, d, p, b)
			if strings.ContainsAny(a.BootFile+a.Class, "\x1b\n") || strings.Contains(a.Decoded, "\x1b") {
				t.Errorf("an answer steers the terminal: %+v", a)
			}
		}
	})
}
