package dhcp6

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"socle/dhcp/dhcptest"
	"socle/internal/nettest"
	"socle/inventory"
)

// TestMain moves the whole test process into a network namespace of its own, so that real servers and
// clients of DHCP meet nothing of the host. It ends with the process; nothing is left behind.
func TestMain(m *testing.M) {
	nettest.Isolate("DHCPv6")
	// Duplicate address detection takes seconds, and nobody is on these networks but the test.
	if err := os.WriteFile("/proc/sys/net/ipv6/conf/default/accept_dad", []byte("0"), 0); err != nil {
		fmt.Fprintln(os.Stderr, "switching duplicate address detection off:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// namespace makes a network namespace and returns the ID of the process that holds it, and a function that runs a
// command there.
func namespace(t *testing.T) (pid string, in func(name string, args ...string) string) {
	t.Helper()
	pid = nettest.Namespace(t)
	in = nettest.In(t, pid)
	in("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
	return pid, in
}

// peer makes a pair of interfaces: host here with the addresses, client in a namespace of its own with a MAC. It
// returns a function that runs a command there.
func peer(t *testing.T, host, client, mac string, addrs ...string) func(name string, args ...string) string {
	t.Helper()
	_, in := peerOf(t, host, client, mac, addrs...)
	return in
}

func peerOf(t *testing.T, host, client, mac string, addrs ...string) (pid string, in func(name string, args ...string) string) {
	t.Helper()
	pid, in = namespace(t)
	nettest.Run(t, "ip", "link", "add", host, "type", "veth", "peer", "name", client, "address", mac, "netns", pid)
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", host).Run() })
	for _, a := range addrs {
		nettest.Run(t, "ip", "addr", "add", a, "dev", host, "nodad")
	}
	nettest.Run(t, "ip", "link", "set", host, "up")
	in("ip", "link", "set", client, "up")
	in("sh", "-c", "until ip -6 addr show dev "+client+" scope link -tentative | grep -q fe80; do sleep 0.02; done")
	return pid, in
}

// hosts is a View: by MAC, or by UUID.
type hosts map[string]Host

func (h hosts) Host(mac string) (Host, bool)        { v, ok := h[mac]; return v, ok }
func (h hosts) HostByUUID(uuid string) (Host, bool) { v, ok := h[uuid]; return v, ok }
func (h hosts) Active(addr netip.Addr) (string, bool) {
	for _, v := range h {
		if v.Addr == addr {
			return v.Machine, true
		}
	}
	return "", false
}

const (
	macA = "52:54:00:00:00:0a"
	macB = "52:54:00:00:00:0b"
)

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

// provOptions are of a server on interface prov0, with 2001:db8:1::1/64.
func provOptions(l Leases, e *dhcptest.Evidence, view View) Options {
	o := Options{Subnets: []inventory.Subnet6{{Name: "prov", Interface: "prov0", Prefix: netip.MustParsePrefix("2001:db8:1::/64"),
		Server: ip("2001:db8:1::1"), Domain: "rack.example", DNS: []netip.Addr{ip("2001:db8:1::53")}, NTP: []netip.Addr{ip("2001:db8:1::123")},
		PoolFirst: ip("2001:db8:1::1:0"), PoolLast: ip("2001:db8:1::1:ffff"), LeaseTime: time.Hour}},
		ServerID: []byte{0, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
		View:     view, Leases: l, BootURL: func(a netip.Addr) string { return "http://[" + a.String() + "]:8080" }, Recheck: 100 * time.Millisecond}
	if e != nil {
		o.Recorder = e
	}
	return o
}

// serve runs a server for the test's time.
func serve(t *testing.T, opt Options) *Server {
	t.Helper()
	s, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	nettest.Background(t, s.Serve)
	waitListening(t)
	return s
}

// daemon starts a program that stays in the foreground; stop asks it to end, and waits for that.
func daemon(t *testing.T, pid, name string, args ...string) (stop func()) {
	t.Helper()
	cmd := exec.Command("nsenter", append([]string{"-t", pid, "-n", name}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() })
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("%s says:\n%s", name, out.String())
		}
	})
	return stop
}

// waitListening waits until the kernel shows a socket on port 547.
func waitListening(t *testing.T) {
	t.Helper()
	for range 200 {
		f, err := os.Open("/proc/self/net/udp6")
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for sc := bufio.NewScanner(f); sc.Scan(); {
			found = found || strings.Contains(sc.Text(), ":0223 ")
		}
		_ = f.Close()
		if found {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the server does not listen after 4 s")
}
