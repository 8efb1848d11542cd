package boot

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

func TestFamilyOfAServer(t *testing.T) {
	for server, want := range map[string]int{
		"https://[2001:db8::1]:8443": 6, "https://198.18.0.1:8443": 4, "https://[::ffff:198.18.0.1]:8443": 4, "https://[fe80::1%25eth0]:8443": 6,
		"https://socle.example:8443": 0, "": 4, "https://[": 4,
	} {
		if got := familyOf(hostOf(server)); got != want {
			t.Errorf("%q: %d, want %d", server, got, want)
		}
	}
}

// TestServerByName gives the agent the name of a server, and networks where it is reached by IPv6 or by IPv4 only.
// dnsmasq is the name server there, and the DHCP server of IPv4.
func TestServerByName(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	r := newRoom(t, "2001:db8:1::1/64", "2001:db8:1::53/64", "192.0.2.1/24")
	r.socle(server6{Advertise: true})
	dns := r.start(nil, "dnsmasq", "--conf-file=/dev/null", "--keep-in-foreground", "--log-facility=-", "--no-resolv", "--no-hosts", "--interface=server-nic", "--bind-dynamic", "--user=root",
		"--local=/example/", "--host-record=six.example,2001:db8:1::1", "--host-record=four.example,192.0.2.1", "--host-record=far.example,2001:db8:9::1",
		"--dhcp-range=192.0.2.10,192.0.2.20,1h", "--dhcp-leasefile="+r.dir+"/dnsmasq", "--pid-file="+r.dir+"/pid")
	dns.await(t, 10*time.Second, 1, "started")
	for _, tc := range []struct{ server, address, resolv, err string }{
		{"https://six.example:8443", "2001:db8:1::1:", "nameserver 2001:db8:1::53\n", ""},
		{"https://four.example:8443", "192.0.2.", "nameserver 192.0.2.1\n", ""},
		{"https://none.example:8443", "", "", "looking up the server none.example: "},
		{"https://[2001:db8:1::1]:8443", "2001:db8:1::1:", "nameserver 2001:db8:1::53\n", ""},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		got, err := configure(ctx, "agent-nic", Wanted{Server: tc.server}, r.names(), logger(t))
		b, _ := os.ReadFile(r.resolv())
		if (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) || !strings.HasPrefix(got, tc.address) || !strings.Contains(string(b), tc.resolv) {
			t.Errorf("%s: got %q, error %v, resolv.conf %q", tc.server, got, err, b)
		}
		cancel()
		released(t)
	}
	n := r.names()
	n.learn(4, []net.IP{net.IPv4(192, 0, 2, 1)})
	if err := n.reaches(t.Context(), "six.example", []int{4}); err == nil || !strings.Contains(err.Error(), "has no address but [2001:db8:1::1]") {
		t.Errorf("a server that has IPv6 only is reached by IPv4: %v", err)
	}
}

// released waits until no DHCPv6 client is left here.
func released(t *testing.T) {
	t.Helper()
	for range 250 {
		b, err := os.ReadFile("/proc/self/net/udp6")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(b), ":0222 ") {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Fatal("a DHCPv6 client still runs")
}
