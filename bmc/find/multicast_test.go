package find

import (
	"context"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"socle/internal/secret"
	"socle/lab/redfish/redfishtest"
)

// network makes an interface of the test's own, with addresses.
func network(t *testing.T, name string, addrs ...string) *net.Interface {
	t.Helper()
	lines := []string{"link add " + name + " type veth peer name " + name + "-peer", "link set " + name + "-peer up", "link set " + name + " up"}
	for _, a := range addrs {
		lines = append(lines, "addr add "+a+" dev "+name)
	}
	for _, line := range lines {
		if out, err := exec.CommandContext(t.Context(), "ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", line, err, out)
		}
	}
	f, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestAsk: services that tell of themselves are found by both ways, at their own ports, and others on the same network
// are not.
func TestAsk(t *testing.T) {
	f := network(t, "bmcs", "198.18.77.1/24", "198.18.77.11/24", "198.18.77.12/24", "198.18.77.13/24")
	specs := redfishtest.Specs(3, nil, "admin", secret.New("s3cret-Pa55"))
	for i, at := range []string{"198.18.77.11:443", "198.18.77.12:8443", "198.18.77.13:443"} {
		specs[i].Address = netip.MustParseAddrPort(at)
	}
	fleet, err := redfishtest.Start(specs)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	want := map[netip.AddrPort]string{}
	var ends []<-chan struct{}
	for i, m := range fleet.Members[:2] { // the third one is switched off for it
		done, err := m.BMC.Announce(ctx, f, specs[i].Address)
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, done)
		want[specs[i].Address] = strings.ToLower(m.VM.Describe().UUID)
	}
	t.Cleanup(func() {
		cancel()
		for _, done := range ends {
			<-done
		}
		if err := fleet.Close(); err != nil {
			t.Error(err)
		}
	})
	for by, how := range map[string][2]bool{"ssdp": {true, false}, "mdns": {false, true}} {
		got := map[netip.AddrPort]string{}
		err := Ask(t.Context(), f.Name, how[0], how[1], Options{AskWait: time.Second}, func(s Service) {
			if got[s.At] = s.UUID; s.By != by {
				t.Errorf("%s: found by %s", by, s.By)
			}
		})
		if err != nil || len(got) != len(want) {
			t.Errorf("%s: found %v, want %v; %v", by, got, want, err)
		}
		for at, uuid := range want {
			if got[at] != uuid {
				t.Errorf("%s: %s has the UUID %q, want %q", by, at, got[at], uuid)
			}
		}
	}
	var ports []uint16
	err = Scan(t.Context(), []netip.Addr{specs[1].Address.Addr()}, Options{PingWait: 50 * time.Millisecond, Ports: map[netip.Addr]uint16{specs[1].Address.Addr(): 8443}}, func(f Found) {
		if f.Redfish != nil {
			ports = append(ports, f.Port)
		}
	})
	if err != nil || !slices.Equal(ports, []uint16{8443}) {
		t.Errorf("its root is read at ports %v, %v", ports, err)
	}
	if err := Ask(t.Context(), "nosuch0", true, true, Options{}, func(Service) {}); err == nil || !strings.Contains(err.Error(), "nosuch0") {
		t.Errorf("an interface that is not there: %v", err)
	}
}

func FuzzSSDP(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nST: urn:dmtf-org:service:redfish-rest:1:6\r\nUSN: uuid:AB-1::urn:dmtf-org:service:redfish-rest:1:6\r\nAL: https://198.18.1.11:8443/redfish/v1/\r\n\r\n"))
	f.Add(ssdpQuestion.packet)
	f.Add([]byte("HTTP/1.1 200 OK\r\nST: urn:dmtf-org:service:redfish-rest:1\r\nAL: http://x:0/\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) { checkAnswer(t, ssdpAnswer, b) })
}

func FuzzMDNS(f *testing.F) {
	q, err := mdnsQuestion()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(q.packet)
	f.Add([]byte("\x50\xc1\x84\x00\x00\x00\x00\x01\x00\x00\x00\x00\x08_redfish\x04_tcp\x05local\x00\x00\x0c\x00\x01\x00\x00\x00\x0a\x00\x05\x02n1\xc0\x0c"))
	f.Fuzz(func(t *testing.T, b []byte) { checkAnswer(t, mdnsAnswer, b) })
}

func checkAnswer(t *testing.T, answer func([]byte) (uint16, string, bool), b []byte) {
	port, uuid, ok := answer(b)
	if ok && port == 0 || !utf8.ValidString(uuid) || len(uuid) > maxWord || strings.ContainsAny(uuid, "\n\x1b") {
		t.Errorf("port %d, UUID %q, %v", port, uuid, ok)
	}
}
