package dhcp

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socle/dhcp/dhcptest"
	"socle/internal/nettest"
	"socle/inventory"
)

// provOptions are of a server on interface prov0, with 198.18.0.1/24.
func provOptions(l Leases, e *dhcptest.Evidence, view View) Options {
	return Options{Subnets: []inventory.Subnet{{Name: "prov", Interface: "prov0", Prefix: netip.MustParsePrefix("198.18.0.0/24"),
		Gateway: ip("198.18.0.1"), Domain: "rack.example", DNS: []netip.Addr{ip("198.18.0.1")},
		PoolFirst: ip("198.18.0.100"), PoolLast: ip("198.18.0.200"), LeaseTime: time.Hour}},
		View: view, Leases: l, Recorder: e, BootURL: "http://198.18.0.1:8080", Recheck: 100 * time.Millisecond}
}

// script writes a client's script, which puts what the client learned into a file and sets the address.
func script(t *testing.T, dir string) (path, out string) {
	t.Helper()
	path, out = filepath.Join(dir, "script"), filepath.Join(dir, "out")
	text := "#!/bin/sh\n{ echo \"event=$1$reason\"; env | grep -E '^(ip|subnet|router|dns|domain|hostname|lease|serverid|siaddr|boot_?file|tftp|new_[a-z_]*)='; } >> " + out + "\n" +
		"[ -n \"$ip\" ] && ip addr replace $ip/24 dev $interface\n" +
		"[ -n \"$new_ip_address\" ] && ip addr replace $new_ip_address/24 dev $interface\nexit 0\n"
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path, out
}

// learned waits up to 5 s for a client's script to say everything that is wanted.
func learned(t *testing.T, out string, want ...string) {
	t.Helper()
	for range 250 {
		if b, _ := os.ReadFile(out); dhcptest.HasAll(string(b), want) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	b, _ := os.ReadFile(out)
	t.Errorf("the client did not learn all of %q:\n%s", want, b)
}

// signal sends a signal to the process of a pid file, which a daemon that goes to the background is about to
// write, or to write anew.
func signal(t *testing.T, name, pidFile string) {
	t.Helper()
	nettest.Run(t, "sh", "-c", "n=0; until kill -"+name+" $(cat "+pidFile+") 2>/dev/null; do n=$((n+1)); [ $n -lt 250 ] || exit 1; sleep 0.02; done")
}

func macOf(t *testing.T, in func(string, ...string) string, name string) string {
	t.Helper()
	return strings.Fields(in("ip", "-br", "link", "show", name))[2]
}

func TestUdhcpc(t *testing.T) {
	in := peer(t, "prov0", "cli0", "198.18.1.1/24", "198.18.0.1/24") // the right address is not the first
	in("ip", "link", "set", "cli0", "address", macA)
	e, l := dhcptest.NewEvidence(t), &dhcptest.Leases{}
	serve(t, provOptions(l, e, hosts{macA: {Machine: "m1", Name: "hv01", Addr: ip("198.18.0.10"), Boot: inventory.BootRamdisk}}))
	replies := capture(t, "prov0")
	sh, out := script(t, t.TempDir())
	in("udhcpc", "-i", "cli0", "-f", "-n", "-q", "-t", "5", "-T", "1", "-s", sh, "-V", "PXEClient:Arch:00007:UNDI:003016", "-x", "0x5d:0007",
		"-O", "bootfile", "-O", "tftp", "-O", "hostname", "-O", "domain")
	learned(t, out, "ip=198.18.0.10", "subnet=255.255.255.0", "router=198.18.0.1", "dns=198.18.0.1", "domain=rack.example", "hostname=hv01",
		"lease=3600", "serverid=198.18.0.1", "siaddr=198.18.0.1", "bootfile=snponly.efi", "boot_file=snponly.efi", "tftp=198.18.0.1")
	e.Await(time.Second, macA, "DISCOVER", "OFFER 198.18.0.10")
	e.Await(time.Second, macA, "REQUEST", "ACK 198.18.0.10", "snponly.efi")
	if v, ok := l.Lease("198.18.0.10"); !ok || v.MAC != macA || v.Machine != "m1" {
		t.Errorf("stored: %+v", v)
	}
	decoded(t, replies(), "2 198.18.0.10 ", "5 198.18.0.10 ")
}

func TestUdhcpcRenewsAndReleases(t *testing.T) {
	in := peer(t, "prov0", "cli0", "198.18.0.1/24")
	e, l := dhcptest.NewEvidence(t), &dhcptest.Leases{}
	serve(t, provOptions(l, e, hosts{}))
	dir := t.TempDir()
	sh, out := script(t, dir)
	pid := filepath.Join(dir, "pid")
	in("udhcpc", "-i", "cli0", "-b", "-t", "5", "-T", "1", "-s", sh, "-p", pid, "-R")
	e.Await(10*time.Second, "REQUEST", "ACK 198.18.0.")
	addr := strings.Fields(in("ip", "-br", "-4", "addr", "show", "cli0"))[2]
	addr, _, _ = strings.Cut(addr, "/")
	signal(t, "USR1", pid)
	e.Await(10*time.Second, "REQUEST ciaddr="+addr, "ACK "+addr)
	learned(t, out, "event=renew")
	signal(t, "USR2", pid)
	e.Await(10*time.Second, "RELEASE", "free again")
	learned(t, out, "event=deconfig")
	e.Await(5*time.Second, "RELEASE")
	for range 100 {
		if v, _ := l.Lease(addr); v.Expires.Before(time.Now()) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("the released lease still runs in the store")
}

// TestDecline lets somebody else answer ARP for the address that is reserved for a client: it declines, and
// gets another one.
func TestDecline(t *testing.T) {
	in := peer(t, "prov0", "cli0", "198.18.0.1/24", "198.18.0.10/24")
	in("ip", "link", "set", "cli0", "address", macA)
	e, l := dhcptest.NewEvidence(t), &dhcptest.Leases{}
	serve(t, provOptions(l, e, hosts{macA: {Addr: ip("198.18.0.10")}}))
	replies := capture(t, "prov0")
	sh, out := script(t, t.TempDir())
	in("udhcpc", "-i", "cli0", "-f", "-n", "-q", "-t", "5", "-T", "1", "-A", "1", "-a", "-s", sh)
	e.Await(time.Second, "DECLINE", "198.18.0.10 is in use by somebody else")
	learned(t, out, "event=bound", "ip=198.18.0.1")
	if v, ok := l.Lease("198.18.0.10"); !ok || v.MAC != "" || time.Until(v.Expires) < 9*time.Minute {
		t.Errorf("the declined address is stored as %+v", v)
	}
	if b, _ := os.ReadFile(out); strings.Contains(string(b), "ip=198.18.0.10\n") {
		t.Errorf("the client has the address all the same:\n%s", b)
	}
	decoded(t, replies(), "2 198.18.0.10 ", "5 198.18.0.1")
}

func TestDhclient(t *testing.T) {
	in := peer(t, "prov0", "cli0", "198.18.0.1/24")
	in("ip", "link", "set", "cli0", "address", macB)
	e, l := dhcptest.NewEvidence(t), &dhcptest.Leases{}
	serve(t, provOptions(l, e, hosts{macB: {Name: "st01"}}))
	replies := capture(t, "prov0")
	dir := t.TempDir()
	sh, out := script(t, dir)
	conf := filepath.Join(dir, "conf")
	if err := os.WriteFile(conf, []byte("request subnet-mask, routers, host-name, domain-name;\nretry 1; timeout 10; initial-interval 1;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dhclient := func(args ...string) string {
		return in("dhclient", append([]string{"-4", "-v", "-cf", conf, "-lf", filepath.Join(dir, "leases"), "-pf", filepath.Join(dir, "pid"), "-sf", sh}, append(args, "cli0")...)...)
	}
	dhclient("-1")
	learned(t, out, "event=BOUND", "new_ip_address=198.18.0.", "new_host_name=st01", "new_dhcp_lease_time=3600", "new_dhcp_server_identifier=198.18.0.1")
	e.Await(time.Second, macB, "DISCOVER", "OFFER")
	signal(t, "KILL", filepath.Join(dir, "pid"))
	before := len(e.All())
	dhclient("-1") // it remembers its lease: INIT-REBOOT
	learned(t, out, "event=REBOOT")
	if lines := e.All()[before:]; !strings.Contains(strings.Join(lines, "\n"), "REQUEST for=198.18.0.") || strings.Contains(strings.Join(lines, "\n"), "DISCOVER") {
		t.Errorf("not an init-reboot: %q", lines)
	}
	dhclient("-r")
	e.Await(5*time.Second, macB, "RELEASE", "free again")
	decoded(t, replies(), "2 198.18.0.1", "5 198.18.0.1")
}

func TestNoAckWhileTheStoreIsAway(t *testing.T) {
	in := peer(t, "prov0", "cli0", "198.18.0.1/24")
	e, l := dhcptest.NewEvidence(t), &dhcptest.Leases{}
	s := serve(t, provOptions(l, e, hosts{}))
	l.Fail(errors.New("connection refused"))
	sh, out := script(t, t.TempDir())
	done := make(chan string)
	go func() {
		defer close(done)
		e.Await(10*time.Second, "REQUEST", "no answer: the lease cannot be stored")
		if b, _ := os.ReadFile(out); strings.Contains(string(b), "ip=198.18") {
			t.Error("the client has an address that is not stored")
		}
		l.Fail(nil)
	}()
	in("udhcpc", "-i", "cli0", "-f", "-n", "-q", "-t", "10", "-T", "1", "-s", sh) // it asks again until it is answered
	<-done
	learned(t, out, "event=bound", "ip=198.18.0.")
	if st := s.Stats(); st.Withheld == 0 || st.Answered == 0 || st.Leases != 1 {
		t.Errorf("stats: %+v", st)
	}
	addr := in("sh", "-c", "ip -br -4 addr show cli0")
	addr, _, _ = strings.Cut(strings.Fields(addr)[2], "/")
	if mac, ok := s.Holder(ip(addr)); !ok || mac != macOf(t, in, "cli0") {
		t.Errorf("holder of %s: %s", addr, mac)
	}
}

func TestSecondServerIsRefused(t *testing.T) {
	peer(t, "prov0", "cli0", "198.18.0.1/24")
	serve(t, provOptions(&dhcptest.Leases{}, dhcptest.NewEvidence(t), hosts{}))
	s, err := New(provOptions(&dhcptest.Leases{}, dhcptest.NewEvidence(t), hosts{}))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(t.Context()); err == nil || !strings.Contains(err.Error(), "another DHCP server has port 67") {
		t.Errorf("the second server: %v", err)
	}
}

func TestInterfaceComesLateAndAgain(t *testing.T) {
	e := dhcptest.NewEvidence(t)
	opt := provOptions(&dhcptest.Leases{}, e, hosts{})
	s, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	for _, mac := range []string{macA, macB} { // the second round is another interface of the same name
		t.Run(mac, func(t *testing.T) {
			in := peer(t, "prov0", "cli0", "198.18.0.1/24")
			in("ip", "link", "set", "cli0", "address", mac)
			sh, out := script(t, t.TempDir())
			in("udhcpc", "-i", "cli0", "-f", "-n", "-q", "-t", "10", "-T", "1", "-s", sh)
			learned(t, out, "ip=198.18.0.")
			e.Await(time.Second, mac, "ACK")
		})
	}
}

func TestServerThatCannotLoadWaits(t *testing.T) {
	peer(t, "prov0", "cli0", "198.18.0.1/24")
	l := &dhcptest.Leases{}
	l.Fail(errors.New("away"))
	s, err := New(provOptions(l, dhcptest.NewEvidence(t), hosts{}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	time.Sleep(50 * time.Millisecond)
	l.Fail(nil)
	waitListening(t)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestRelay puts ISC's dhcrelay between udhcpc and the server: the client gets an address of its own subnet,
// the relay its option 82 back (it drops replies without), and the renewal comes past the relay.
func TestRelay(t *testing.T) {
	relay := peer(t, "prov0", "cli0", "198.18.0.1/24")
	relay("ip", "addr", "add", "198.18.0.50/24", "dev", "cli0")
	pid, client := namespace(t)
	relay("ip", "link", "add", "far0", "type", "veth", "peer", "name", "end0", "netns", pid)
	relay("ip", "addr", "add", "198.19.0.1/24", "dev", "far0")
	relay("ip", "link", "set", "far0", "up")
	relay("sysctl", "-qw", "net.ipv4.ip_forward=1")
	client("ip", "link", "set", "end0", "up")
	nettest.Run(t, "ip", "route", "add", "198.19.0.0/24", "via", "198.18.0.50")
	e, l := dhcptest.NewEvidence(t), &dhcptest.Leases{}
	opt := provOptions(l, e, hosts{})
	opt.Subnets = append(opt.Subnets, inventory.Subnet{Name: "far", Prefix: netip.MustParsePrefix("198.19.0.0/24"), Gateway: ip("198.19.0.1"),
		PoolFirst: ip("198.19.0.10"), PoolLast: ip("198.19.0.20")})
	serve(t, opt)
	replies := capture(t, "prov0")
	dir := t.TempDir()
	relay("dhcrelay", "-4", "-a", "-m", "discard", "-iu", "cli0", "-id", "far0", "-pf", dir+"/relay.pid", "198.18.0.1")
	sh, out := script(t, dir)
	client("udhcpc", "-i", "end0", "-b", "-t", "5", "-T", "1", "-s", sh, "-p", dir+"/pid")
	learned(t, out, "event=bound", "ip=198.19.0.", "router=198.19.0.1", "serverid=198.18.0.1")
	e.Await(5*time.Second, "REQUEST", "relay=198.19.0.1", "ACK 198.19.0.")
	client("ip", "route", "add", "default", "via", "198.19.0.1")
	signal(t, "USR1", dir+"/pid")
	e.Await(5*time.Second, "REQUEST ciaddr=198.19.0.", "ACK 198.19.0.")
	learned(t, out, "event=renew")
	decoded(t, replies(), "2 198.19.0.", "5 198.19.0.")
}
