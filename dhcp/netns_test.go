package dhcp

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"socle/internal/nettest"
	"socle/internal/pgtest"
	"socle/inventory"
)

// TestMain moves the whole test process into a network namespace of its own, so that real servers and
// clients of DHCP meet nothing of the host. It ends with the process; nothing is left behind.
func TestMain(m *testing.M) {
	if url := os.Getenv(childURL); url != "" {
		serveAsChild(url)
	}
	nettest.Isolate("DHCP")
	pgtest.Main(m)
}

// run runs a command to its end and fails the test with its output when it fails.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
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
	return pid, in
}

// peer makes a pair of interfaces: host here with the addresses, client in a namespace of its own. It
// returns a function that runs a command there.
func peer(t *testing.T, host, client string, addrs ...string) func(name string, args ...string) string {
	t.Helper()
	pid, in := namespace(t)
	run(t, "ip", "link", "add", host, "type", "veth", "peer", "name", client, "netns", pid)
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", host).Run() })
	for _, a := range addrs {
		run(t, "ip", "addr", "add", a, "dev", host)
	}
	run(t, "ip", "link", "set", host, "up")
	in("ip", "link", "set", client, "up")
	return in
}

// memory keeps leases, and fails when told to.
type memory struct {
	mu     sync.Mutex
	byAddr map[string]inventory.Lease
	err    error
	calls  int
}

// LeaseChanges knows of no other servers.
func (m *memory) LeaseChanges(_ context.Context, after int64) (out []inventory.Lease, mark int64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.byAddr {
		if after < 0 {
			out = append(out, l)
		}
	}
	return out, 0, m.err
}

func (m *memory) SaveLeases(_ context.Context, leases []inventory.Lease) (lost []inventory.Lease, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	if m.err != nil {
		return nil, m.err
	}
	if m.byAddr == nil {
		m.byAddr = map[string]inventory.Lease{}
	}
	for _, l := range leases {
		if e, ok := m.byAddr[l.Addr.String()]; ok && e.MAC != l.MAC && e.Expires.After(l.Starts) {
			lost = append(lost, e)
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

// hosts is a View.
type hosts map[string]Host

func (h hosts) Host(mac string) (Host, bool) { v, ok := h[mac]; return v, ok }

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
	deadline := time.After(limit)
	for {
		for _, l := range e.all() {
			if hasAll(l, texts) {
				return
			}
		}
		select {
		case <-e.news:
		case <-deadline:
			e.t.Fatalf("no evidence with %q after %s; there is:\n%s", texts, limit, strings.Join(e.all(), "\n"))
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

// serve runs a server for the test's time.
func serve(t *testing.T, opt Options) *Server {
	t.Helper()
	s, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serving: %v", err)
		}
	})
	waitListening(t)
	return s
}

// waitListening waits until the kernel shows a socket on port 67.
func waitListening(t *testing.T) {
	t.Helper()
	for range 100 {
		f, err := os.Open("/proc/self/net/udp")
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for sc := bufio.NewScanner(f); sc.Scan(); {
			found = found || strings.Contains(sc.Text(), "00000000:0043 ")
		}
		_ = f.Close()
		if found {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the server does not listen after 2 s")
}
