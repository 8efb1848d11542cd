package dhcp6

import (
	"bufio"
	"errors"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"socle/dhcp/dhcptest"
	"socle/internal/nettest"
	"socle/inventory"
)

// script writes a script for dhclient, which puts what the client learned into a file.
func script(t *testing.T) (path, out string) {
	t.Helper()
	dir := t.TempDir()
	path, out = filepath.Join(dir, "script"), filepath.Join(dir, "out")
	text := "#!/bin/sh\n{ echo \"event=$reason\"; env | grep -E '^new_'; } >> " + out + "\nexit 0\n"
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path, out
}

// learned waits up to 20 s for a client's script to say everything that is wanted.
func learned(t *testing.T, out string, want ...string) {
	t.Helper()
	for range 1000 {
		if b, _ := os.ReadFile(out); dhcptest.HasAll(string(b), want) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	b, _ := os.ReadFile(out)
	t.Errorf("the client did not learn all of %q:\n%s", want, b)
}

func TestDhclient(t *testing.T) {
	in := peer(t, "prov0", "cli0", macA, "2001:db8:1::1/64")
	e, l := dhcptest.NewEvidence(t), &dhcptest.Leases{}
	opt := provOptions(l, e, hosts{macA: {Machine: "m1", Boot: inventory.BootRamdisk}})
	opt.Subnets[0].Reservations = []inventory.Reservation6{{MAC: macA, Addr: ip("2001:db8:1::10")}}
	serve(t, opt)
	sh, out := script(t)
	dir := t.TempDir()
	in("dhclient", "-6", "-1", "-v", "-D", "LL", "-cf", "/dev/null", "-lf", dir+"/leases", "-pf", dir+"/pid", "-sf", sh, "cli0")
	learned(t, out, "event=BOUND6", "new_ip6_address=2001:db8:1::10", "new_dhcp6_name_servers=2001:db8:1::53", "new_dhcp6_domain_search=rack.example")
	e.Await(time.Second, macA, "SOLICIT", "ADVERTISE 2001:db8:1::10")
	e.Await(time.Second, macA, "REQUEST", "REPLY 2001:db8:1::10")
	if v, ok := l.Lease("2001:db8:1::10"); !ok || v.MAC != macA || v.Machine != "m1" {
		t.Errorf("stored: %+v", v)
	}
	in("dhclient", "-6", "-r", "-v", "-cf", "/dev/null", "-lf", dir+"/leases", "-pf", dir+"/pid", "-sf", sh, "cli0")
	e.Await(5*time.Second, macA, "RELEASE", "2001:db8:1::10 released")
}

// capture records what is sent on prov0 until the returned function is called, which gives it to tshark: an
// independent program has to understand every packet.
func capture(t *testing.T) (decode func() string) {
	t.Helper()
	return captureOf(t, "udp port 546 or udp port 547")
}

func captureOf(t *testing.T, filter string) (decode func() string) {
	t.Helper()
	dir := t.TempDir()
	file := dir + "/pcap"
	cmd := exec.Command("tcpdump", "-U", "--immediate-mode", "-i", "prov0", "-w", file, filter)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	words, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for sc := bufio.NewScanner(words); sc.Scan(); {
		if strings.Contains(sc.Text(), "listening on prov0") {
			break
		}
	}
	read := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("tshark", append([]string{"-n", "-r", file}, args...)...).Output() // it warns of root elsewhere
		if err != nil {
			t.Fatalf("tshark %s: %v", args, err)
		}
		return string(out)
	}
	return func() string {
		t.Helper()
		_ = cmd.Process.Signal(syscall.SIGINT)
		_, _ = io.Copy(io.Discard, words)
		_ = cmd.Wait()
		if bad := read("-Y", "_ws.malformed || _ws.expert.severity >= \"Warning\""); bad != "" {
			t.Errorf("tshark complains:\n%s", bad)
		}
		return read("-V", "-O", "dhcpv6,icmpv6")
	}
}

func TestTsharkReadsTheReplies(t *testing.T) {
	in := peer(t, "prov0", "cli0", macA, "2001:db8:1::1/64")
	e := dhcptest.NewEvidence(t)
	serve(t, provOptions(&dhcptest.Leases{}, e, hosts{}))
	decode := capture(t)
	sh, _ := script(t)
	dir := t.TempDir()
	conf := dir + "/conf"
	text := "send dhcp6.client-arch-type 00:10;\nsend dhcp6.vendor-class 00:00:01:57:00:0a:48:54:54:50:43:6c:69:65:6e:74;\n" +
		"also request dhcp6.bootfile-url;\n"
	if err := os.WriteFile(conf, []byte("option dhcp6.client-arch-type code 61 = string;\noption dhcp6.vendor-class code 16 = string;\noption dhcp6.bootfile-url code 59 = text;\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	in("dhclient", "-6", "-1", "-D", "LL", "-cf", conf, "-lf", dir+"/leases", "-pf", dir+"/pid", "-sf", sh, "cli0")
	e.Await(5*time.Second, macA, "REQUEST", "REPLY", "url=http://[2001:db8:1::1]:8080/boot/files/snponly.efi")
	in("dhclient", "-6", "-r", "-cf", conf, "-lf", dir+"/leases", "-pf", dir+"/pid", "-sf", sh, "cli0")
	e.Await(5*time.Second, macA, "RELEASE", "released")
	got := decode()
	for _, want := range []string{"Message type: Advertise (2)", "Message type: Reply (7)", "Boot File URL",
		"HTTPClient", "Pref-value: 255", "DNS server address: 2001:db8:1::53", "Status Code: Success (0)", "IPv6 address: 2001:db8:1::1:"} {
		if !strings.Contains(got, want) {
			t.Errorf("tshark does not see %q:\n%s", want, got)
		}
	}
}

func TestDhcpcd(t *testing.T) {
	in := peer(t, "prov0", "cli0", macA, "2001:db8:1::1/64")
	e := dhcptest.NewEvidence(t)
	serve(t, provOptions(&dhcptest.Leases{}, e, hosts{}))
	dir := t.TempDir()
	text := "duid\nnoipv6rs\ninterface cli0\n  ia_na 1\n"
	if err := os.WriteFile(dir+"/conf", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// It keeps its leases in a folder that cannot be chosen: here in one that nobody used before.
	in("unshare", "-m", "sh", "-ec", "mount --make-rprivate /; mkdir -p /var/lib/dhcpcd /run/dhcpcd; mount -t tmpfs tmpfs /var/lib/dhcpcd; mount -t tmpfs tmpfs /run/dhcpcd; "+
		"exec dhcpcd -6 -1 -B -t 20 -f "+dir+"/conf -c /bin/true cli0")
	e.Await(time.Second, macA, "REQUEST", "REPLY 2001:db8:1::1:")
	if out := in("ip", "-6", "addr", "show", "dev", "cli0"); !strings.Contains(out, "2001:db8:1::1:") {
		t.Errorf("the client has no address:\n%s", out)
	}
}

// perfdhcp makes hundreds of clients behind one address and checks that each gets what was offered to it.
func TestPerfdhcp(t *testing.T) {
	in := peer(t, "prov0", "cli0", macA, "2001:db8:1::1/64")
	s := serve(t, provOptions(&dhcptest.Leases{}, nil, hosts{}))
	out := in("perfdhcp", "-6", "-l", "cli0", "-r", "100", "-n", "200", "-R", "200", "-W", "500000")
	t.Log(out)
	if n := strings.Count(out, "drops: 0"); n < 2 {
		t.Errorf("exchanges were lost:\n%s", out)
	}
	if st := s.Stats(); st.Leases < 190 || st.Malformed > 0 {
		t.Errorf("after 200 clients: %+v", st)
	}
}

// dhcrelay stands between the client and the server, on networks of their own.
func TestDhcrelay(t *testing.T) {
	relay := peer(t, "prov0", "up0", macB, "2001:db8:1::1/64")
	clientPID, in := namespace(t)
	relay("ip", "link", "add", "down0", "type", "veth", "peer", "name", "cli0", "address", macA, "netns", clientPID)
	relay("ip", "addr", "add", "2001:db8:9::2/64", "dev", "down0", "nodad")
	relay("ip", "addr", "add", "2001:db8:1::2/64", "dev", "up0", "nodad")
	relay("ip", "link", "set", "down0", "up")
	in("ip", "link", "set", "cli0", "up")
	in("sh", "-c", "until ip -6 addr show dev cli0 scope link -tentative | grep -q fe80; do sleep 0.02; done")
	nettest.Run(t, "ip", "route", "add", "2001:db8:9::/64", "via", "2001:db8:1::2")
	e := dhcptest.NewEvidence(t)
	opt := provOptions(&dhcptest.Leases{}, e, hosts{})
	far := opt.Subnets[0]
	far.Name, far.Prefix, far.PoolFirst, far.PoolLast = "far", netip.MustParsePrefix("2001:db8:9::/64"), ip("2001:db8:9::100"), ip("2001:db8:9::1ff")
	opt.Subnets = append(opt.Subnets, far)
	serve(t, opt)
	relay("dhcrelay", "-6", "--no-pid", "-I", "-l", "down0", "-u", "2001:db8:1::1%up0") // goes to the background when it listens
	sh, out := script(t)
	dir := t.TempDir()
	in("dhclient", "-6", "-1", "-D", "LL", "-cf", "/dev/null", "-lf", dir+"/leases", "-pf", dir+"/pid", "-sf", sh, "cli0")
	learned(t, out, "event=BOUND6", "new_ip6_address=2001:db8:9::1")
	e.Await(time.Second, macA, "REQUEST", "relay=2001:db8:9::2", "REPLY 2001:db8:9::1")
}

// Without a database no client gets an address.
func TestNoReplyWithoutTheDatabase(t *testing.T) {
	in := peer(t, "prov0", "cli0", macA, "2001:db8:1::1/64")
	e, l := dhcptest.NewEvidence(t), &dhcptest.Leases{}
	serve(t, provOptions(l, e, hosts{}))
	l.Fail(errors.New("database is away"))
	sh, out := script(t)
	dir := t.TempDir()
	in("dhclient", "-6", "-nw", "-D", "LL", "-cf", "/dev/null", "-lf", dir+"/leases", "-pf", dir+"/pid", "-sf", sh, "cli0")
	e.Await(10*time.Second, macA, "REQUEST", "no answer: the lease cannot be stored")
	l.Fail(nil)
	learned(t, out, "event=BOUND6")
}
