package dhcp6

import (
	"bufio"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

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

// run runs a command to its end and fails the test with its output when it fails.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// namespace makes a network namespace and returns the ID of the process that holds it, and a function that runs a
// command there.
func namespace(t *testing.T) (pid string, in func(name string, args ...string) string) {
	t.Helper()
	pid = nettest.Namespace(t)
	in = func(name string, args ...string) string {
		t.Helper()
		return run(t, "nsenter", append([]string{"-t", pid, "-n", name}, args...)...)
	}
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
	run(t, "ip", "link", "add", host, "type", "veth", "peer", "name", client, "address", mac, "netns", pid)
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", host).Run() })
	for _, a := range addrs {
		run(t, "ip", "addr", "add", a, "dev", host, "nodad")
	}
	run(t, "ip", "link", "set", host, "up")
	in("ip", "link", "set", client, "up")
	in("sh", "-c", "until ip -6 addr show dev "+client+" scope link -tentative | grep -q fe80; do sleep 0.02; done")
	return pid, in
}

// memory keeps leases, and fails when told to.
type memory struct {
	mu     sync.Mutex
	byAddr map[string]inventory.Lease
	err    error
	news   []inventory.Lease // of other servers, told once
}

func (m *memory) LeaseChanges(_ context.Context, after int64) (out []inventory.Lease, mark int64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if after < 0 {
		for _, l := range m.byAddr {
			out = append(out, l)
		}
	}
	out, m.news = append(out, m.news...), nil
	return out, 0, m.err
}

func (m *memory) SaveLeases(_ context.Context, leases []inventory.Lease) (lost []inventory.Lease, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return nil, m.err
	}
	if m.byAddr == nil {
		m.byAddr = map[string]inventory.Lease{}
	}
	for _, l := range leases {
		if held, ok := m.byAddr[l.Addr.String()]; ok && held.MAC != l.MAC && held.Expires.After(l.Starts) {
			lost = append(lost, held)
			continue
		}
		m.byAddr[l.Addr.String()] = l
	}
	return lost, nil
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

func (m *memory) lease(addr string) (inventory.Lease, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l, ok := m.byAddr[addr]
	return l, ok
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

// evidence collects what is recorded, and lets a test wait for a line of it.
type evidence struct {
	mu    sync.Mutex
	lines []string
	news  chan struct{}
	t     *testing.T
}

func newEvidence(t *testing.T) *evidence { return &evidence{news: make(chan struct{}, 1), t: t} }

func (e *evidence) Record(v inventory.Evidence) {
	e.mu.Lock()
	e.lines = append(e.lines, fmt.Sprintf("%s %s: %s -> %s", v.Source, v.MAC, v.Asked, v.Reply))
	e.mu.Unlock()
	select {
	case e.news <- struct{}{}:
	default:
	}
}

func (e *evidence) all() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.lines...)
}

// await waits until a line has all of the texts.
func (e *evidence) await(limit time.Duration, texts ...string) {
	e.t.Helper()
	e.awaitLine(limit, fmt.Sprintf("%q", texts), func(line string) bool { return hasAll(line, texts) })
}

func (e *evidence) awaitLine(limit time.Duration, what string, match func(line string) bool) {
	e.t.Helper()
	deadline := time.After(limit)
	for {
		for _, l := range e.all() {
			if match(l) {
				return
			}
		}
		select {
		case <-e.news:
		case <-deadline:
			e.t.Fatalf("no evidence with %s after %s; there is:\n%s", what, limit, strings.Join(e.all(), "\n"))
		}
	}
}

func hasAll(line string, texts []string) bool {
	for _, x := range texts {
		if !strings.Contains(line, x) {
			return false
		}
	}
	return true
}

const (
	macA = "52:54:00:00:00:0a"
	macB = "52:54:00:00:00:0b"
)

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

// provOptions are of a server on interface prov0, with 2001:db8:1::1/64.
func provOptions(l Leases, e *evidence, view View) Options {
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
	background(t, s.Serve)
	waitListening(t)
	return s
}

// background runs a server for the test's time.
func background(t *testing.T, serve func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serving: %v", err)
		}
	})
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
