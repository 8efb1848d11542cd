package why

import (
	"encoding/hex"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"socle/inventory"
)

// dhclient runs ISC's client with a configuration and, where there is one, the lease that it had when it ran last.
func (m *machine) dhclient(conf, lease string) {
	m.t.Helper()
	for name, text := range map[string]string{"conf": conf, "leases": lease} {
		if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o600); err != nil {
			m.t.Fatal(err)
		}
	}
	m.start("exec >$PWD/dhclient.log 2>&1; exec dhclient -4 -d -1 -cf $PWD/conf -lf $PWD/leases -pf $PWD/pid -sf /bin/true eth0")
}

// oldLease is a lease as dhclient keeps it, which it asks for again when it starts (INIT-REBOOT).
func oldLease(addr string) string {
	return "lease {\n  interface \"eth0\";\n  fixed-address " + addr + ";\n  option subnet-mask 255.255.255.0;\n  option dhcp-lease-time 86400;\n" +
		"  option dhcp-server-identifier 198.18.0.9;\n  renew never;\n  rebind never;\n  expire never;\n}\n"
}

// TestOfferWaits: nmap asks who is there, and takes nothing.
func TestOfferWaits(t *testing.T) {
	r := all(t)
	r.wants = inventory.BootDisk // what does not say that it is firmware is taken for the system on the disk
	c := r.plug(nic)
	r.power()
	c.sh("ip addr add 198.18.0.250/24 dev eth0")
	c.sh("nmap -e eth0 --script broadcast-dhcp-discover --script-args broadcast-dhcp-discover.mac=52:54:00:00:00:0a,broadcast-dhcp-discover.timeout=2")
	r.wantVerdict(soon, "offer-waits", "198.18.0.")
}

// TestSystemUp: the client of an installed Debian asks, and the machine is to boot its disk.
func TestSystemUp(t *testing.T) {
	r := all(t)
	r.wants = inventory.BootDisk
	c := r.plug(nic)
	r.power()
	c.dhclient("", "")
	r.wantVerdict(20*time.Second, "system-up", "installed system")
}

// TestNotServed: the subnet behind a relay is off, serves reservations only, or has pools for others.
func TestNotServed(t *testing.T) {
	behind := inventory.Subnet{Name: "rack2", Prefix: netip.MustParsePrefix("10.9.9.0/24"), LeaseTime: time.Hour}
	off, reserved, others := behind, behind, behind
	off.Mode, reserved.Mode = inventory.SubnetOff, inventory.SubnetReservations
	others.Pools = []inventory.Pool{{First: netip.MustParseAddr("10.9.9.10"), Last: netip.MustParseAddr("10.9.9.20"), Match: inventory.ClientRule{Arch: []uint16{0}}}}
	for _, v := range []struct {
		name string
		net  inventory.Subnet
		says string
	}{{"off", off, "DHCP is off"}, {"reservations", reserved, "only clients with a reservation"}, {"pools", others, "no pool of subnet rack2 is for this client"}} {
		t.Run(v.name, func(t *testing.T) {
			r := furnish(t, subnet("198.18.0.100", "198.18.0.200"), v.net)
			_, c, _ := r.relayed("10.9.9.1", "")
			r.power()
			c.dhcp(asUEFI)
			r.wantVerdict(soon, "not-served", v.says)
		})
	}
}

// TestDHCPSilent: the interface has lost its address.
func TestDHCPSilent(t *testing.T) {
	r := all(t)
	c := r.plug(nic)
	sh(t, "ip addr flush dev prov0")
	r.awaitServing("[]")
	r.power()
	c.dhcp(asUEFI)
	r.wantVerdict(soon, "dhcp-silent", "prov0 has no IPv4 address")
}

// TestOldLease: a system insists on the lease that it had elsewhere, and gets over it by itself.
func TestOldLease(t *testing.T) {
	r := all(t)
	c := r.plug(nic)
	r.wants = inventory.BootDisk
	r.power()
	c.dhclient("timeout 60; reboot 5;", oldLease("198.18.0.150"))
	r.wantVerdict(soon, "dhcp-silent", "no lease of this client is known")
	r.wantVerdict(40*time.Second, "system-up")
}

// TestAddressRefused: the client names another class when it asks for the address than when it looked for a server, and the
// pools are told apart by class.
func TestAddressRefused(t *testing.T) {
	n := subnet("198.18.0.100", "198.18.0.200")
	n.Pools = []inventory.Pool{{First: netip.MustParseAddr("198.18.0.10"), Last: netip.MustParseAddr("198.18.0.20"), Match: inventory.ClientRule{VendorClass: "PXEClient:Arch:00000:UNDI:002001"}}}
	r := furnish(t, n)
	c := r.plug(nic)
	r.power()
	// The message's type, 1 for DISCOVER and 3 for REQUEST, chooses a letter.
	// When nothing comes of it, it tries again soon and not in minutes: two refusals must have been heard.
	c.dhclient("timeout 10; retry 2; initial-interval 1; backoff-cutoff 2; send vendor-class-identifier = concat(\"PXEClient:Arch:00000:UNDI:00200\", substring(\"01x2\", extract-int(config-option dhcp-message-type, 8), 1));\n", "")
	r.wantVerdict(2*time.Minute, "address-refused", "not for this client")
}

// TestNotSent: a firewall of the server drops what DHCP sends.
func TestNotSent(t *testing.T) {
	r := all(t)
	c := r.plug(nic)
	sh(t, "nft 'table ip mute { chain out { type filter hook output priority 0; udp sport 67 drop; }; }'")
	t.Cleanup(func() { r.must(exec.Command("nft", "delete", "table", "ip", "mute").Run()) })
	r.power()
	c.dhcp("-B " + asBIOS)
	r.wantVerdict(soon, "not-sent", "operation not permitted")
}

// TestTooMany: the client asks without a pause, as packets do that go round in a loop.
func TestTooMany(t *testing.T) {
	r := all(t)
	c := r.plug(nic)
	r.power()
	c.sh("ip addr add 198.18.0.250/24 dev eth0")
	c.try("perfdhcp -4 -i -r 500 -p 2 -R 1 -b mac=" + nic + " -o 60," + hex.EncodeToString([]byte("PXEClient:Arch:00000:UNDI:002001")) + " -l eth0 -W 1")
	r.wantVerdict(soon, "too-many", "its MAC sends too many requests")
}

// TestUnclear: a system that has its address by hand asks for settings (DHCPINFORM), which says nothing of a boot.
func TestUnclear(t *testing.T) {
	r := all(t)
	c := r.plug(nic)
	c.sh("ip addr add 198.18.0.50/24 dev eth0")
	c.try("nmap -sU -p 67 -n --script dhcp-discover " + own)
	r.wantVerdict(soon, "unclear", "asked for settings only")
}
