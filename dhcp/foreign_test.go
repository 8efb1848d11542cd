package dhcp

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"socle/dhcp/dhcptest"
	"socle/internal/nettest"
	"socle/inventory"
)

// The clients, testers and relays here are of people who never saw this server.

func TestDhcpcd(t *testing.T) {
	in := peer(t, "prov0", "cli0", "198.18.0.1/24")
	in("ip", "link", "set", "cli0", "address", macA)
	e, l := dhcptest.NewEvidence(t), &dhcptest.Leases{}
	serve(t, provOptions(l, e, hosts{macA: {Machine: "m1", Name: "hv01"}}))
	replies := capture(t, "prov0")
	dir := t.TempDir()
	sh, out := script(t, dir)
	conf := filepath.Join(dir, "conf")
	text := "duid\nvendorclassid rack\noption domain_name_servers, domain_name, host_name, ntp_servers\nipv4only\nnoipv4ll\nscript " + sh + "\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// Its client identifier is a DUID (RFC 4361), kept in folders of the namespace's own.
	in("unshare", "-m", "sh", "-ec", "mount --make-rprivate /; mkdir -p /var/lib/dhcpcd /run/dhcpcd; mount -t tmpfs tmpfs /var/lib/dhcpcd; mount -t tmpfs tmpfs /run/dhcpcd; "+
		"exec dhcpcd -4 -1 -t 15 -A -f "+conf+" cli0")
	learned(t, out, "event=BOUND", "new_ip_address=198.18.0.", "new_subnet_cidr=24", "new_domain_name=rack.example", "new_host_name=hv01", "new_dhcp_lease_time=3600")
	e.Await(5*time.Second, macA, "DISCOVER", "OFFER 198.18.0.")
	e.Await(5*time.Second, macA, "REQUEST", "ACK 198.18.0.")
	decoded(t, replies(), "2 198.18.0.1", "5 198.18.0.1")
}

// TestNetworkd runs systemd-networkd in a namespace of its own, with folders of its own.
func TestNetworkd(t *testing.T) {
	in := peer(t, "prov0", "cli0", "198.18.0.1/24")
	in("ip", "link", "set", "cli0", "address", macB)
	e, l := dhcptest.NewEvidence(t), &dhcptest.Leases{}
	serve(t, provOptions(l, e, hosts{macB: {Machine: "m2", Addr: ip("198.18.0.20")}}))
	replies := capture(t, "prov0")
	// It waits for udev unless /sys cannot be written, as in a container.
	sh := `mount --make-rprivate / && mount -t sysfs -o ro sysfs /sys && mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/network &&
		printf '[Match]\nName=cli0\n[Network]\nDHCP=ipv4\nIPv6AcceptRA=no\nLinkLocalAddressing=no\n[DHCPv4]\nRapidCommit=no\nClientIdentifier=duid\n' >/run/systemd/network/1.network &&
		{ /lib/systemd/systemd-networkd & } && n=0 && until ip -4 addr show cli0 | grep -q 198.18.0.20/24; do n=$((n+1)); [ $n -lt 100 ] || exit 1; sleep 0.2; done && kill $!`
	in("unshare", "-m", "sh", "-c", sh)
	e.Await(time.Second, macB, "REQUEST", "ACK 198.18.0.20")
	decoded(t, replies(), "2 198.18.0.20", "5 198.18.0.20")
}

// TestPerfdhcp is Kea's tester: it counts what it got for what it sent, and checks the answers.
func TestPerfdhcp(t *testing.T) {
	in := peer(t, "prov0", "cli0", "198.18.0.1/24")
	in("ip", "addr", "add", "198.18.0.2/24", "dev", "cli0")
	e, l := dhcptest.NewEvidence(t), &dhcptest.Leases{}
	opt := provOptions(l, e, hosts{})
	serve(t, opt)
	replies := capture(t, "prov0")
	out := in("perfdhcp", "-4", "-l", "cli0", "-R", "50", "-n", "50", "-r", "25", "-u", "-W", "2000000", "198.18.0.1")
	for _, exchange := range []string{"DISCOVER-OFFER", "REQUEST-ACK"} {
		m := regexp.MustCompile(`(?s)Statistics for: ` + exchange + `.*?sent packets: (\d+)\s+received packets: (\d+)\s+drops: (-?\d+)`).FindStringSubmatch(out)
		if m == nil || m[1] != m[2] || m[1] == "0" {
			t.Errorf("%s: %q\n%s", exchange, m, out)
		}
	}
	if st := len(replies()); st < 100 {
		t.Errorf("tshark saw %d replies", st)
	}
}

func TestNmap(t *testing.T) {
	in := peer(t, "prov0", "cli0", "198.18.0.1/24")
	e, l := dhcptest.NewEvidence(t), &dhcptest.Leases{}
	serve(t, provOptions(l, e, hosts{}))
	replies := capture(t, "prov0")
	in("ip", "addr", "add", "198.18.0.2/24", "dev", "cli0") // it leaves out interfaces without an address
	out := in("nmap", "-n", "--script", "broadcast-dhcp-discover", "-e", "cli0", "--script-args", "broadcast-dhcp-discover.timeout=5")
	for _, want := range []string{"IP Offered: 198.18.0.1", "DHCP Message Type: DHCPOFFER", "Server Identifier: 198.18.0.1", "Subnet Mask: 255.255.255.0", "Router: 198.18.0.1",
		"Domain Name Server: 198.18.0.1", "IP Address Lease Time: "} {
		if !strings.Contains(out, want) {
			t.Errorf("nmap does not say %q:\n%s", want, out)
		}
	}
	out = in("nmap", "-n", "-Pn", "-sU", "-p", "67", "--script", "dhcp-discover", "198.18.0.1") // an INFORM
	for _, want := range []string{"DHCP Message Type: DHCPACK", "Server Identifier: 198.18.0.1", "Subnet Mask: 255.255.255.0", "Router: 198.18.0.1"} {
		if !strings.Contains(out, want) {
			t.Errorf("nmap does not say %q:\n%s", want, out)
		}
	}
	decoded(t, replies(), "2 198.18.0.1", "5 0.0.0.0")
}

// behindRelay makes a client namespace behind a relay namespace, and a server whose subnet "far" keeps one
// address for the relay's interface.
func behindRelay(t *testing.T, far inventory.Subnet) (relay, client func(string, ...string) string, e *dhcptest.Evidence) {
	t.Helper()
	relay = peer(t, "prov0", "cli0", "198.18.0.1/24")
	relay("ip", "addr", "add", "198.18.0.50/24", "dev", "cli0")
	pid, client := namespace(t)
	relay("ip", "link", "add", "far0", "type", "veth", "peer", "name", "end0", "netns", pid)
	relay("ip", "addr", "add", "198.19.0.1/24", "dev", "far0")
	relay("ip", "link", "set", "far0", "up")
	relay("sysctl", "-qw", "net.ipv4.ip_forward=1")
	client("ip", "link", "set", "end0", "up")
	nettest.Run(t, "ip", "route", "add", "198.19.0.0/24", "via", "198.18.0.50")
	e = dhcptest.NewEvidence(t)
	opt := provOptions(&dhcptest.Leases{}, e, hosts{})
	far.Name, far.Prefix, far.Gateway = "far", netip.MustParsePrefix("198.19.0.0/24"), ip("198.19.0.1")
	opt.Subnets = append(opt.Subnets, far)
	serve(t, opt)
	return relay, client, e
}

// TestDhcrelayPort lets ISC's relay say the port: the address is kept for that, whoever is behind it.
func TestDhcrelayPort(t *testing.T) {
	relay, client, e := behindRelay(t, inventory.Subnet{Mode: inventory.SubnetReservations,
		Reservations: []inventory.Reservation{{Address: ip("198.19.0.44"), CircuitID: "far0", Hostname: "slot44"}}})
	replies := capture(t, "prov0")
	dir := t.TempDir()
	relay("dhcrelay", "-4", "-a", "-m", "discard", "-iu", "cli0", "-id", "far0", "-pf", dir+"/relay.pid", "198.18.0.1")
	sh, out := script(t, dir)
	client("ip", "link", "set", "end0", "address", macA)
	client("udhcpc", "-i", "end0", "-b", "-t", "5", "-T", "1", "-s", sh, "-p", dir+"/pid", "-O", "hostname")
	learned(t, out, "event=bound", "ip=198.19.0.44", "hostname=slot44", "router=198.19.0.1")
	client("ip", "route", "add", "default", "via", "198.19.0.1")
	signal(t, "USR2", dir+"/pid") // who comes next would have to wait for the lease's end
	e.Await(5*time.Second, macA, "RELEASE", "198.19.0.44 is free again")
	signal(t, "TERM", dir+"/pid")
	client("ip", "addr", "flush", "dev", "end0")
	client("ip", "link", "set", "end0", "address", macB)
	client("udhcpc", "-i", "end0", "-f", "-n", "-q", "-t", "5", "-T", "1", "-s", sh)
	e.Await(5*time.Second, macB, "ACK 198.19.0.44")
	decoded(t, replies(), "2 198.19.0.44", "5 198.19.0.44")
}

func TestDnsmasqRelay(t *testing.T) {
	relay, client, e := behindRelay(t, inventory.Subnet{PoolFirst: ip("198.19.0.10"), PoolLast: ip("198.19.0.20")})
	replies := capture(t, "prov0")
	dir := t.TempDir()
	relay("dnsmasq", "--conf-file=/dev/null", "--port=0", "--user=root", "--dhcp-relay=198.19.0.1,198.18.0.1", "--pid-file="+dir+"/relay.pid")
	sh, out := script(t, dir)
	client("udhcpc", "-i", "end0", "-f", "-n", "-q", "-t", "5", "-T", "1", "-s", sh)
	learned(t, out, "event=bound", "ip=198.19.0.", "router=198.19.0.1", "serverid=198.18.0.1")
	e.Await(5*time.Second, "REQUEST", "relay=198.19.0.1", "ACK 198.19.0.")
	decoded(t, replies(), "2 198.19.0.", "5 198.19.0.")
}
