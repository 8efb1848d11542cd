package probe

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"socle/dhcp"
	"socle/internal/nettest"
	"socle/inventory"
)

const asServer = "SOCLE_PROBE_TEST_SERVER"

// TestMain moves the test into a network namespace of its own, or is the server that a test started.
func TestMain(m *testing.M) {
	if server := os.Getenv(asServer); server != "" {
		ourselves(server)
		return
	}
	nettest.Isolate("the probe")
	os.Exit(m.Run())
}

type noLeases struct{}

func (noLeases) Leases(context.Context) ([]inventory.Lease, error) { return nil, nil }
func (noLeases) SaveLeases(context.Context, []inventory.Lease) ([]inventory.Lease, error) {
	return nil, nil
}
func (noLeases) LeaseChanges(context.Context, int64) ([]inventory.Lease, int64, error) {
	return nil, 0, nil
}

type nobody struct{}

func (nobody) Host(string) (dhcp.Host, bool) { return dhcp.Host{}, false }

// ourselves runs Socle's own DHCP server on srv0 until it is told to stop.
func ourselves(addr string) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	own := netip.MustParseAddr(addr)
	s, err := dhcp.New(dhcp.Options{Subnets: []inventory.Subnet{{Name: "prov", Interface: "srv0", Prefix: netip.PrefixFrom(own, 24).Masked(),
		PoolFirst: netip.MustParseAddr("198.18.0.100"), PoolLast: netip.MustParseAddr("198.18.0.150")}},
		View: nobody{}, Leases: noLeases{}, BootURL: "http://" + addr + ":8080"})
	if err == nil {
		err = s.Serve(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run1(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// lan is a bridge with the probe's interface p0; servers are plugged in, each in a namespace of its own.
type lan struct{ t *testing.T }

func newLAN(t *testing.T) *lan {
	t.Helper()
	run1(t, "ip", "link", "add", "lan0", "type", "bridge")
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", "lan0").Run() })
	run1(t, "ip", "link", "add", "p0", "type", "veth", "peer", "name", "lan-p0")
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", "p0").Run() })
	run1(t, "ip", "addr", "add", "198.18.0.9/24", "dev", "p0")
	run1(t, "ip", "link", "set", "lan-p0", "master", "lan0", "up")
	run1(t, "ip", "link", "set", "lan0", "arp", "off", "up") // the bridge must not answer for p0, whose host it shares
	run1(t, "ip", "link", "set", "p0", "up")
	return &lan{t: t}
}

// log is what a server says.
type log struct {
	mu   sync.Mutex
	b    bytes.Buffer
	news chan struct{}
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.news <- struct{}{}:
	default:
	}
	return l.b.Write(b)
}

func (l *log) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// plug starts a server with an interface srv0 on the network, and waits until it says that it is ready, or,
// with an empty ready, until port 67 is taken in its namespace. It returns the MAC of srv0.
func (l *lan) plug(addr, ready string, env []string, argv ...string) (mac string) {
	l.t.Helper()
	pid := nettest.Namespace(l.t)
	in := func(args ...string) string {
		return run1(l.t, "nsenter", append([]string{"-t", pid, "-n"}, args...)...)
	}
	port := "lan-" + pid
	run1(l.t, "ip", "link", "add", port, "type", "veth", "peer", "name", "srv0", "netns", pid)
	run1(l.t, "ip", "link", "set", port, "master", "lan0", "up")
	in("ip", "addr", "add", addr+"/24", "dev", "srv0")
	in("ip", "link", "set", "srv0", "up")
	said := &log{news: make(chan struct{}, 1)}
	cmd := exec.Command("nsenter", append([]string{"-t", pid, "-n"}, argv...)...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), env...), said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if l.t.Failed() {
			l.t.Logf("%s said:\n%s", argv[0], said.text())
		}
	})
	for end := time.Now().Add(20 * time.Second); ; {
		if ready != "" && strings.Contains(said.text(), ready) || ready == "" && strings.Contains(in("cat", "/proc/net/udp"), ":0043 ") {
			return strings.Fields(in("ip", "-br", "link", "show", "srv0"))[2]
		}
		if time.Now().After(end) {
			l.t.Fatalf("%s is not ready after 20 s", argv[0])
		}
		select {
		case <-said.news:
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (l *lan) dnsmasq(addr string, args ...string) string {
	dir := l.t.TempDir()
	return l.plug(addr, "DHCP, ", nil, append([]string{"dnsmasq", "--keep-in-foreground", "--log-facility=-", "--port=0", "--no-ping", "--conf-file=/dev/null",
		"--interface=srv0", "--user=root", "--pid-file=" + filepath.Join(dir, "pid"), "--dhcp-leasefile=" + filepath.Join(dir, "leases")}, args...)...)
}

func (l *lan) dhcpd(addr string) string {
	dir := l.t.TempDir()
	conf, leases := filepath.Join(dir, "conf"), filepath.Join(dir, "leases")
	for path, text := range map[string]string{conf: "ddns-update-style none; ping-check false;\nsubnet 198.18.0.0 netmask 255.255.255.0 { range 198.18.0.210 198.18.0.220; next-server " + addr + "; filename \"pxelinux.0\"; }\n", leases: ""} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			l.t.Fatal(err)
		}
	}
	return l.plug(addr, "", nil, "dhcpd", "-4", "-f", "-d", "-cf", conf, "-lf", leases, "-pf", filepath.Join(dir, "pid"), "-user", "root", "-group", "root", "srv0")
}

func (l *lan) socle(addr string) string {
	exe, err := os.Readlink("/proc/self/exe") // os.Executable says what was executed: this very link
	if err != nil {
		l.t.Fatal(err)
	}
	return l.plug(addr, "", []string{asServer + "=" + addr}, exe)
}
