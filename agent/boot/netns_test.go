package boot

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"socle/dhcp/dhcp6"
	"socle/dhcp/radv"
	"socle/internal/nettest"
	"socle/inventory"
	"socle/inventory/store"
)

const dhcp6Child = "SOCLE_TEST_DHCP6"

func TestMain(m *testing.M) {
	if s := os.Getenv(dhcp6Child); s != "" {
		serveDHCP6(s)
		return
	}
	os.Exit(m.Run())
}

// inNamespace runs the test again as a process in a network namespace of its own; it needs root.
func inNamespace(t *testing.T) (inside bool) {
	t.Helper()
	if os.Getenv("SOCLE_TEST_NETNS") != "" {
		return true
	}
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "unshare", "--net", "--mount", os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "SOCLE_TEST_NETNS=1")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	return false
}

// room is the other end of the agent's cable: a network namespace with server-nic in it.
type room struct {
	t   *testing.T
	pid string
	dir string
}

// newRoom makes agent-nic here and server-nic there, with the addresses.
func newRoom(t *testing.T, addrs ...string) room {
	t.Helper()
	r := room{t: t, pid: nettest.Namespace(t), dir: t.TempDir()}
	nettest.Run(t, "ip", "link", "set", "lo", "up")
	nettest.Run(t, "ip", "link", "add", "agent-nic", "address", agentMAC, "type", "veth", "peer", "name", "server-nic", "netns", r.pid)
	nettest.Run(t, "ip", "link", "set", "agent-nic", "up")
	r.in("ip", "link", "set", "server-nic", "up")
	for _, a := range addrs {
		r.in("ip", "addr", "add", a, "dev", "server-nic", "nodad")
	}
	r.in("sh", "-c", "until ip -6 addr show dev server-nic scope link -tentative | grep -q fe80; do sleep 0.05; done")
	return r
}

const agentMAC = "52:54:00:00:00:0a"

func (r room) in(name string, args ...string) {
	r.t.Helper()
	nettest.Run(r.t, "nsenter", append([]string{"-t", r.pid, "-n", name}, args...)...)
}

// program is one that runs in the room, and what it said.
type program struct {
	cmd   *exec.Cmd
	mu    sync.Mutex
	lines []string
	more  chan struct{} // closed when it says more
	ended chan struct{}
}

// start runs a program until the test's end, or until it is killed.
func (r room) start(env []string, name string, args ...string) *program {
	r.t.Helper()
	p := &program{cmd: exec.Command("nsenter", append([]string{"-t", r.pid, "-n", name}, args...)...), more: make(chan struct{}), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	p.cmd.Stderr = p.cmd.Stdout
	if err := p.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		for sc := bufio.NewScanner(out); sc.Scan(); {
			p.mu.Lock()
			p.lines = append(p.lines, sc.Text())
			close(p.more)
			p.more = make(chan struct{})
			p.mu.Unlock()
		}
		_ = p.cmd.Wait()
	}()
	r.t.Cleanup(func() {
		p.kill()
		if r.t.Failed() {
			r.t.Logf("%s said:\n%s", name, strings.Join(p.lines, "\n"))
		}
	})
	return p
}

func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// await waits until the program has said n lines with all of the texts.
func (p *program) await(t *testing.T, limit time.Duration, n int, texts ...string) {
	t.Helper()
	deadline := time.After(limit)
	for {
		p.mu.Lock()
		found, more := 0, p.more
		for _, l := range p.lines {
			if hasAll(l, texts) {
				found++
			}
		}
		p.mu.Unlock()
		if found >= n {
			return
		}
		select {
		case <-more:
		case <-deadline:
			t.Fatalf("%d of %d lines with %q after %s", found, n, texts, limit)
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

// server6 says what a DHCPv6 server of ours does. Two with other names over one database are replicas.
type server6 struct {
	Name      byte
	Database  string
	Reserve   string // for the agent; empty: it gets one of the pool
	Advertise bool
}

// socle runs a DHCPv6 server of ours in the room; what it says is its boot evidence.
func (r room) socle(s server6) *program {
	r.t.Helper()
	s.Database = filepath.Join(r.dir, "leases.db")
	b, err := json.Marshal(s)
	if err != nil {
		r.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	return r.start([]string{dhcp6Child + "=" + string(b)}, self)
}

type (
	nobody  struct{}
	printer struct{}
)

func (nobody) Host(string) (dhcp6.Host, bool)       { return dhcp6.Host{}, false }
func (nobody) HostByUUID(string) (dhcp6.Host, bool) { return dhcp6.Host{}, false }
func (nobody) Active(netip.Addr) (string, bool)     { return "", false }

func (printer) Record(e inventory.Evidence) { fmt.Printf("%s %s -> %s\n", e.MAC, e.Asked, e.Reply) }

// serveDHCP6 is the process of a server, until it is killed.
func serveDHCP6(options string) {
	var o server6
	fail := func(err error) {
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	fail(json.Unmarshal([]byte(options), &o))
	ctx := context.Background()
	leases, err := store.Open(ctx, store.Options{URL: o.Database})
	fail(err)
	s6 := inventory.Subnet6{Name: "prov", Interface: "server-nic", Prefix: netip.MustParsePrefix("2001:db8:1::/64"), Server: netip.MustParseAddr("2001:db8:1::1"),
		DNS: []netip.Addr{netip.MustParseAddr("2001:db8:1::53")}, PoolFirst: netip.MustParseAddr("2001:db8:1::1:0"), PoolLast: netip.MustParseAddr("2001:db8:1::1:ffff"),
		LeaseTime: time.Minute, Advertise: o.Advertise}
	if o.Reserve != "" {
		s6.Reservations = []inventory.Reservation6{{MAC: agentMAC, Addr: netip.MustParseAddr(o.Reserve)}}
	}
	if o.Advertise {
		go func() { fail(radv.New(radv.Options{Subnets: []inventory.Subnet6{s6}}).Serve(ctx)) }()
	}
	s, err := dhcp6.New(dhcp6.Options{Subnets: []inventory.Subnet6{s6}, ServerID: append([]byte{0, 4, o.Name}, make([]byte, 15)...),
		View: nobody{}, Leases: leases, Recorder: printer{}, BootURL: func(netip.Addr) string { return "http://[2001:db8:1::1]:8080" }, Recheck: 100 * time.Millisecond})
	fail(err)
	fail(s.Serve(ctx))
}

// address is one of the agent's, as the kernel has it.
func address(t *testing.T, prefix string) (netlink.Addr, bool) {
	t.Helper()
	link, err := netlink.LinkByName("agent-nic")
	if err != nil {
		t.Fatal(err)
	}
	list, err := netlink.AddrList(link, netlink.FAMILY_V6)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		if strings.HasPrefix(a.IPNet.String(), prefix) {
			return a, true
		}
	}
	return netlink.Addr{}, false
}

func logger(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

func (r room) names() *resolver { return &resolver{file: r.resolv()} }
func (r room) resolv() string   { return filepath.Join(r.dir, "etc", "resolv.conf") }
