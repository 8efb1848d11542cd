package why

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socle/inventory"
	"socle/pxe"
)

const (
	soon   = 10 * time.Second
	script = "/boot/script.ipxe?mac=" + nic + "&platform=pcbios&arch=i386"
	kernel = "/boot/files/ramdisk/vmlinuz"
	initrd = "/boot/files/ramdisk/initrd"
)

// all is a pool that is large enough.
func all(t *testing.T) *room { return newRoom(t, "198.18.0.100", "198.18.0.200") }

func TestSilent(t *testing.T) {
	r := all(t)
	r.plug(nic)
	r.power()
	r.wantVerdict(soon, "silent", "has sent nothing since")
}

// TestOtherServer: dhclient is told to reject ours, as happens by chance when another server is faster.
func TestOtherServer(t *testing.T) {
	r := all(t)
	rogue, c := r.plug(other), r.plug(nic)
	rogue.sh("ip addr add 198.18.0.66/24 dev eth0")
	rogue.start("exec dnsmasq -k --port=0 --no-ping --conf-file=/dev/null --user=root --pid-file=$PWD/pid --interface=eth0 --dhcp-leasefile=$PWD/l --dhcp-range=198.18.0.230,198.18.0.240")
	conf := "reject " + own + ";\nsend vendor-class-identifier \"PXEClient:Arch:00000:UNDI:002001\";\n"
	r.must(os.WriteFile(filepath.Join(c.dir, "conf"), []byte(conf), 0o600))
	r.power()
	c.start("exec >$PWD/dhclient.log 2>&1; exec dhclient -4 -d -1 -cf $PWD/conf -lf $PWD/leases -pf $PWD/pid -sf /bin/true eth0")
	r.wantVerdict(20*time.Second, "other-server", "198.18.0.66 (MAC "+other+")")
}

// TestAnswersLost: the switch passes on what the machine sends, and not what it is sent.
func TestAnswersLost(t *testing.T) {
	r := all(t)
	c := r.plug(nic)
	c.deafen()
	r.power()
	c.dhcp(asBIOS)
	r.wantVerdict(soon, "answers-lost", "3 times")
}

func TestNoAddress(t *testing.T) {
	r := newRoom(t, "198.18.0.100", "198.18.0.100")
	first, c := r.plug(other), r.plug(nic)
	first.dhcp(asPlain)
	r.power()
	c.dhcp(asUEFI)
	r.wantVerdict(soon, "no-address", "none free")
}

// relayed puts a machine behind a relay whose network the test chooses, and starts ISC's dhcrelay there.
func (r *room) relayed(net, flags string) (relay *machine, client *machine, restart func(flags string)) {
	r.t.Helper()
	relay, client = r.plug(other), r.plug(nic)
	sh(r.t, "ip link set "+client.port+" nomaster; ip link set "+client.port+" netns "+relay.pid)
	relay.sh(fmt.Sprintf("ip addr add 198.18.0.2/24 dev eth0; ip addr add %s/24 dev %s; ip link set %s up; sysctl -qw net.ipv4.ip_forward=1", net, client.port, client.port))
	stop := func() {}
	restart = func(flags string) {
		stop()
		stop = relay.start("exec dhcrelay -4 -d " + flags + " -iu eth0 -id " + client.port + " " + own)
	}
	restart(flags)
	return relay, client, restart
}

func TestNoSubnet(t *testing.T) {
	r := all(t)
	_, c, _ := r.relayed("10.9.9.1", "")
	r.power()
	c.dhcp(asUEFI)
	r.wantVerdict(soon, "no-subnet", "relay 10.9.9.1")
}

// TestRelayWithoutPort: the relay named its port once and does not any more.
func TestRelayWithoutPort(t *testing.T) {
	r := all(t)
	_, c, restart := r.relayed("10.9.9.1", "-a")
	c.dhcp(asUEFI)
	r.power()
	restart("")
	c.dhcp(asUEFI)
	r.wantVerdict(soon, "relay-no-port", "10.9.9.1", c.port)
}

func TestNoLoader(t *testing.T) {
	r := all(t)
	r.power()
	r.plug(nic).dhcp(asUEFI32)
	r.wantVerdict(soon, "no-loader", "32-bit UEFI")
}

func TestToldDisk(t *testing.T) {
	r := all(t)
	r.wants = inventory.BootDisk
	r.power()
	r.plug(nic).dhcp(asUEFI)
	r.wantVerdict(soon, "told-disk", "boots its own disk")
}

// TestConflict: somebody else has the address already, and answers the client's ARP probe.
func TestConflict(t *testing.T) {
	r := newRoom(t, "198.18.0.100", "198.18.0.100")
	r.plug(other).sh("ip addr add 198.18.0.100/24 dev eth0")
	c := r.plug(nic)
	r.power()
	c.try("udhcpc -i eth0 -f -n -q -t 2 -T 1 -A 1 -a -s /bin/true " + asBIOS)
	r.wantVerdict(soon, "address-conflict", "198.18.0.100")
}

func TestLeaseNotStored(t *testing.T) {
	r := all(t)
	c := r.plug(nic)
	r.leases.set(true)
	r.power()
	c.dhcp(asBIOS)
	r.wantVerdict(soon, "lease-not-stored", "could not be stored")
}

// TestTwoCards: both cards are set to boot from the network, and neither hears an answer.
func TestTwoCards(t *testing.T) {
	r := all(t)
	r.power()
	for _, mac := range []string{nic, nic2} {
		m := r.plug(mac)
		m.deafen()
		m.dhcp(asBIOS)
	}
	r.wantVerdict(soon, "wrong-nic", "in turn", nic, nic2)
}

func TestWrongCard(t *testing.T) {
	r := all(t)
	one, two := r.plug(nic), r.plug(nic2)
	one.dhcp(asIPXE)
	one.get("/boot/start.ipxe")
	one.get(script)
	r.power()
	two.deafen()
	two.dhcp(asBIOS)
	r.wantVerdict(soon, "wrong-nic", nic2, nic)
}

func TestTFTPNever(t *testing.T) {
	r := all(t)
	r.power()
	r.plug(nic).dhcp(asUEFI)
	r.wantVerdict(soon, "tftp-never", "snponly.efi")
}

func TestNoSuchFile(t *testing.T) {
	r := all(t)
	c := r.plug(nic)
	r.power()
	c.dhcp(asBIOS)
	c.tftp("pxelinux.0")
	r.wantVerdict(soon, "no-such-file", `"pxelinux.0" by TFTP`)
}

func TestWrongLoader(t *testing.T) {
	r := all(t)
	c := r.plug(nic)
	r.power()
	c.dhcp(asBIOS)
	c.tftp("snponly.efi")
	r.wantVerdict(soon, "wrong-loader", "BIOS", "made for UEFI")
}

func TestLoaderSilentAndRefused(t *testing.T) {
	r := all(t)
	c := r.plug(nic)
	r.power()
	c.dhcp(asUEFI)
	c.tftp("snponly.efi")
	r.wantVerdict(soon, "loader-silent", "snponly.efi")
	c.dhcp(asUEFI)
	r.wantVerdict(soon, "secure-boot", "refused the file")
}

// TestScripts fetches what a loader fetches, step by step; at each the verdict says what is missing.
func TestScripts(t *testing.T) {
	r := all(t)
	c := r.plug(nic)
	r.put("vmlinuz", 1000)
	const size = 64 << 20 // more than both ends' sockets can hold: what the kernel has taken counts as sent
	r.put("initrd", size)
	r.power()
	c.dhcp(asIPXE)
	r.wantVerdict(soon, "no-script", "start.ipxe")
	c.get("/boot/start.ipxe")
	r.wantVerdict(soon, "start-only")
	c.get("/boot/script.ipxe")
	r.wantVerdict(soon, "script-anonymous")
	for _, step := range []struct {
		plan pxe.Plan
		err  error
		id   string
	}{{err: errors.New("database is away"), id: "script-unavailable"}, {err: pxe.ErrUnknown, id: "script-unknown"},
		{id: "script-nothing"}, {plan: pxe.Plan{Target: inventory.BootDisk}, id: "script-disk"},
		{plan: pxe.Plan{Target: inventory.BootRamdisk, Machine: "m1"}, id: "no-kernel"}} {
		r.mu.Lock()
		r.plan = func() (pxe.Plan, error) { return step.plan, step.err }
		r.mu.Unlock()
		c.get(script)
		r.wantVerdict(soon, step.id)
	}
	c.get(kernel)
	r.wantVerdict(soon, "kernel-only")
	c.get("/boot/files/ramdisk/initrd.old")
	r.wantVerdict(soon, "no-such-file", "by HTTP")
	c.try("curl -sS -m 1 --limit-rate 10k -o got '" + bootURL + initrd + "'")
	r.wantVerdict(soon, "download-broken", fmt.Sprint(size))
	c.get(initrd)
	r.wantVerdict(soon, "kernel-silent")
	c.deafen()
	c.dhcp(asAgent)
	r.wantVerdict(soon, "agent-no-lease", "times")
	c.heal()
	c.dhcp(asAgent)
	r.wantVerdict(soon, "agent-mute", "198.18.0.1")
}

// TestStranger asks for another machine's script from an address that a person has set.
func TestStranger(t *testing.T) {
	r := all(t)
	c := r.plug(nic)
	r.power()
	c.sh("ip addr add 198.18.0.77/24 dev eth0")
	c.get(script)
	r.wantVerdict(soon, "script-stranger", "198.18.0.77", nic)
}

// TestDiskInstead: the client of an installed Debian asks, and no firmware did.
func TestDiskInstead(t *testing.T) {
	r := all(t)
	c := r.plug(nic)
	r.power()
	c.start("exec >$PWD/dhclient.log 2>&1; exec dhclient -4 -d -1 -lf $PWD/leases -pf $PWD/pid -sf /bin/true eth0")
	r.wantVerdict(20*time.Second, "disk-instead", "did not ask for a network boot")
}

// TestLoop boots three times up to the last file, and each time begins anew.
func TestLoop(t *testing.T) {
	r := all(t)
	c := r.plug(nic)
	r.put("vmlinuz", 1000)
	r.put("initrd", 1000)
	r.power()
	for range 3 {
		c.dhcp(asBIOS)
		c.tftp("undionly.kpxe")
		c.dhcp(asIPXE)
		for _, path := range []string{"/boot/start.ipxe", script, kernel, initrd} {
			if out := c.get(path); strings.Contains(out, "curl:") {
				t.Fatal(out)
			}
		}
	}
	r.wantVerdict(soon, "boot-loop", "boot 3 in a row")
}
