package radv

import (
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/ipv6"

	"socle/internal/nettest"
	"socle/inventory"
)

// TestMain moves the whole test process into a network namespace of its own.
func TestMain(m *testing.M) {
	nettest.Isolate("router advertisements")
	os.Exit(m.Run())
}

// peer makes a pair of interfaces, rack0 here and cli0 in a namespace of its own, where it runs commands.
func peer(t *testing.T) (in func(name string, args ...string) string) {
	t.Helper()
	pid := nettest.Namespace(t)
	in = nettest.In(t, pid)
	nettest.Run(t, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
	in("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
	nettest.Run(t, "ip", "link", "add", "rack0", "type", "veth", "peer", "name", "cli0", "address", "52:54:00:00:00:0a", "netns", pid)
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", "rack0").Run() })
	in("ip", "link", "set", "cli0", "up")
	nettest.Run(t, "ip", "link", "set", "rack0", "up")
	in("sh", "-c", "until ip -6 addr show dev cli0 scope link -tentative | grep -q fe80; do sleep 0.02; done")
	return in
}

func subnet() inventory.Subnet6 {
	return inventory.Subnet6{Name: "prov", Interface: "rack0", Prefix: netip.MustParsePrefix("2001:db8:1::/64"), Advertise: true,
		Server: netip.MustParseAddr("2001:db8:1::1"), DNS: []netip.Addr{netip.MustParseAddr("2001:db8:1::53")}, Domain: "rack.example"}
}

func serve(t *testing.T, subnets ...inventory.Subnet6) (stop func()) {
	t.Helper()
	s := New(Options{Subnets: subnets, Recheck: 50 * time.Millisecond, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	return nettest.Background(t, s.Serve)
}

// The words of rdisc6 are those of a program that knows nothing of ours.
func TestRdisc6(t *testing.T) {
	in := peer(t)
	serve(t, subnet())
	out := in("rdisc6", "-1", "-r", "5", "-w", "4000", "cli0")
	for _, want := range []string{"Hop limit                 :           64", "Stateful address conf.    :          Yes", "Stateful other conf.      :          Yes",
		"Router lifetime           :            0", "Prefix                   : 2001:db8:1::/64", "On-link                 :          Yes",
		"Autonomous address conf.:           No", "Recursive DNS server     : 2001:db8:1::53", "rack.example", "Source link-layer address: "} {
		if !strings.Contains(out, want) {
			t.Errorf("rdisc6 does not say %q:\n%s", want, out)
		}
	}
}

// A Linux host learns the prefix; it gets neither a default route nor an address of its own making, unless the
// subnet says so.
func TestKernelTakesIt(t *testing.T) {
	in := peer(t)
	stop := serve(t, subnet())
	in("sh", "-c", "n=0; until ip -6 route show dev cli0 | grep -q 2001:db8:1::/64; do n=$((n+1)); [ $n -lt 500 ] || exit 1; sleep 0.02; done")
	if out := in("ip", "-6", "route", "show", "default"); out != "" {
		t.Errorf("there is a default route: %s", out)
	}
	if out := in("ip", "-6", "addr", "show", "dev", "cli0", "scope", "global"); out != "" {
		t.Errorf("there is an address: %s", out)
	}
	stop()
	s := subnet()
	s.Router, s.Autonomous = true, true
	stop = serve(t, s)
	in("sh", "-c", "n=0; until ip -6 route show default | grep -q cli0 && ip -6 addr show dev cli0 | grep -q 2001:db8:1:0:5054:ff:fe00:a/64; do n=$((n+1)); [ $n -lt 500 ] || exit 1; sleep 0.02; done")
	stop()
	in("sh", "-c", "n=0; while ip -6 route show default | grep -q cli0; do n=$((n+1)); [ $n -lt 500 ] || exit 1; sleep 0.02; done")
}

func TestSilentUnlessTold(t *testing.T) {
	s := subnet()
	s.Advertise = false
	if names := New(Options{Subnets: []inventory.Subnet6{s}}).Interfaces(); len(names) != 0 {
		t.Errorf("it advertises on %v", names)
	}
}

func TestWaitsForItsInterface(t *testing.T) {
	serve(t, subnet())
	in := peer(t)
	in("sh", "-c", "n=0; until ip -6 route show dev cli0 | grep -q 2001:db8:1::/64; do n=$((n+1)); [ $n -lt 500 ] || exit 1; sleep 0.02; done")
}

func TestSolicits(t *testing.T) {
	rs := []byte{133, 0, 0, 0, 0, 0, 0, 0}
	good := &ipv6.ControlMessage{HopLimit: 255}
	for _, tc := range []struct {
		name string
		b    []byte
		cm   *ipv6.ControlMessage
		from string
		want bool
	}{
		{"good", rs, good, "fe80::1", true},
		{"good, from a host without an address", rs, good, "::", true},
		{"from another network", rs, &ipv6.ControlMessage{HopLimit: 64}, "fe80::1", false},
		{"hop limit unknown", rs, nil, "fe80::1", false},
		{"from a global address", rs, good, "2001:db8::1", false},
		{"short", rs[:7], good, "fe80::1", false},
		{"empty", nil, good, "fe80::1", false},
		{"code", []byte{133, 1, 0, 0, 0, 0, 0, 0}, good, "fe80::1", false},
		{"another message", []byte{134, 0, 0, 0, 0, 0, 0, 0}, good, "fe80::1", false},
	} {
		if got := solicits(tc.b, tc.cm, &net.IPAddr{IP: net.ParseIP(tc.from)}); got != tc.want {
			t.Errorf("%s: %t", tc.name, got)
		}
	}
}

func TestAnswersAreApart(t *testing.T) {
	now := time.Now()
	l := &link{last: now.Add(-time.Second)}
	if d := l.answerIn(now, 100*time.Millisecond); d != 2*time.Second {
		t.Errorf("one second after the last advertisement the next one comes in %s", d)
	}
	l.last = now.Add(-time.Hour)
	if d := l.answerIn(now, 100*time.Millisecond); d != 100*time.Millisecond {
		t.Errorf("after an hour the next one comes in %s", d)
	}
	l.sent = 1
	if d := l.pause(); d > initialInterval {
		t.Errorf("the second advertisement comes in %s", d)
	}
	l.sent = 100
	if d := l.pause(); d < minInterval || d > maxInterval {
		t.Errorf("a later advertisement comes in %s", d)
	}
}

func TestSeveralSubnetsOfALink(t *testing.T) {
	a, b := subnet(), subnet()
	b.Prefix, b.Router, b.Autonomous, b.DNS, b.Domain = netip.MustParsePrefix("2001:db8:2::/80"), true, true, nil, ""
	ra := advertisement([]inventory.Subnet6{a, b}, net.HardwareAddr{2, 0, 0, 0, 0, 1}, false)
	if ra.RouterLifetime != routerLifetime || len(ra.Options) != 5 {
		t.Errorf("advertisement %+v", ra)
	}
	if last := advertisement([]inventory.Subnet6{a, b}, nil, true); last.RouterLifetime != 0 {
		t.Errorf("the last advertisement still names a router: %+v", last)
	}
}
