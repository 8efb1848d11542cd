//go:build e2e

package dhcp

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socle/dhcp/dhcptest"
	"socle/internal/nettest"
	"socle/inventory"
	"socle/pxe"
)

// foreignServer is a DHCP server that is not ours. It gives the addresses from 198.18.0.50 to 198.18.0.60 and knows
// nothing of booting; asPXE makes it say that it is a PXE server, and name our host, but no file.
type foreignServer func(t *testing.T, in func(name string, args ...string) string, asPXE bool)

func dnsmasq(t *testing.T, in func(string, ...string) string, asPXE bool) {
	dir := t.TempDir()
	args := []string{"--conf-file=/dev/null", "--port=0", "--interface=eth0", "--bind-interfaces", "--user=root", "--no-ping",
		"--dhcp-range=198.18.0.50,198.18.0.60,1h", "--dhcp-authoritative", "--log-dhcp", "--dhcp-leasefile=" + dir + "/leases", "--pid-file=" + dir + "/pid"}
	if asPXE {
		args = append(args, "--dhcp-option-force=60,PXEClient", "--dhcp-boot=,,198.18.0.1")
	}
	in("dnsmasq", args...)
}

func iscDHCPd(t *testing.T, in func(string, ...string) string, asPXE bool) {
	dir := t.TempDir()
	conf := "authoritative; ping-check false; default-lease-time 3600;\nsubnet 198.18.0.0 netmask 255.255.255.0 { range 198.18.0.50 198.18.0.60; }\n"
	if asPXE {
		conf += "option vendor-class-identifier \"PXEClient\";\nnext-server 198.18.0.1;\n"
	}
	for name, text := range map[string]string{"conf": conf, "leases": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in("dhcpd", "-4", "-cf", dir+"/conf", "-lf", dir+"/leases", "-pf", dir+"/pid", "eth0") // goes to the background when it listens
}

// besideForeign is a rack where a server that is not ours, in a namespace of its own, gives the addresses.
func besideForeign(t *testing.T, dir string, start foreignServer, asPXE bool) *rack {
	t.Helper()
	proxied := inventory.Subnet{Name: "prov", Interface: "netboot-br", Mode: inventory.SubnetProxy, Prefix: cidr("198.18.0.0/24"), Server: ip("198.18.0.1")}
	r := newRackOf(t, proxied, dir, 0, hosts{}, toRamdisk)
	pid, in := namespace(t)
	nettest.Run(t, "ip", "link", "add", "netboot-dns", "type", "veth", "peer", "name", "eth0", "netns", pid)
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", "netboot-dns").Run() })
	nettest.Run(t, "ip", "link", "set", "netboot-dns", "master", "netboot-br", "up")
	in("ip", "addr", "add", "198.18.0.2/24", "dev", "eth0")
	in("ip", "link", "set", "eth0", "up")
	start(t, in, asPXE)
	return r
}

// booted checks that the ramdisk was reached with an address of the other server, and nothing was given here.
func booted(t *testing.T, r *rack) {
	t.Helper()
	r.Await(time.Second, "dhcp", guestMAC, "REQUEST", "the client takes 198.18.0.", "from 198.18.0.2")
	r.Await(time.Second, "http", guestMAC, "from 198.18.0.", "script ramdisk")
	for _, l := range r.All() {
		if strings.Contains(l, "OFFER 198.") || strings.Contains(l, "ACK 198.") {
			t.Errorf("an address was given: %s", l)
		}
	}
}

// deciding puts a decision before the usual one; it says no when it has none.
func deciding(r *rack, first func(c *pxe.Client) (pxe.Decision, bool)) {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	r.server.h.decide = func(c pxe.Client, w pxe.Wanted) pxe.Decision {
		if d, ok := first(&c); ok {
			return d
		}
		return pxe.Decide(c, w)
	}
}

// TestProxyE2E boots beside servers of other people: addresses from there, boot files from here.
func TestProxyE2E(t *testing.T) {
	dir := dhcptest.Ramdisk(t)
	for name, start := range map[string]foreignServer{"dnsmasq": dnsmasq, "ISC dhcpd": iscDHCPd} {
		t.Run(name, func(t *testing.T) {
			bootBeside(t, func(t *testing.T, asPXE bool) *rack { return besideForeign(t, dir, start, asPXE) })
		})
	}
}

func bootBeside(t *testing.T, beside func(t *testing.T, asPXE bool) *rack) {
	t.Run("BIOS iPXE in the ROM", func(t *testing.T) {
		r := beside(t, false)
		awaitText(t, qemu(t, bios...), 5*time.Minute, "RAMDISK RUNS")
		booted(t, r)
		r.Await(time.Second, "dhcp", guestMAC, "proxy OFFER file=http://198.18.0.1:8080/boot/start.ipxe")
	})
	t.Run("BIOS undionly by TFTP", func(t *testing.T) {
		r := beside(t, false)
		// QEMU's ROM is iPXE itself; treat it as the firmware of a board until it has loaded ours.
		deciding(r, func(c *pxe.Client) (pxe.Decision, bool) {
			c.IPXE = c.IPXE && strings.Contains(strings.Join(r.All(), "\n"), "undionly.kpxe\" from")
			return pxe.Decision{}, false
		})
		awaitText(t, qemu(t, bios...), 5*time.Minute, "RAMDISK RUNS")
		booted(t, r)
		r.Await(time.Second, "tftp", guestMAC, "undionly.kpxe", " bytes")
	})
	t.Run("UEFI snponly by TFTP", func(t *testing.T) {
		r := beside(t, false)
		awaitText(t, qemu(t, uefi(t)...), 10*time.Minute, "RAMDISK RUNS")
		booted(t, r)
		r.Await(time.Second, "tftp", guestMAC, "snponly.efi", " bytes")
	})
	t.Run("UEFI HTTP boot", func(t *testing.T) {
		r := beside(t, false)
		awaitText(t, qemu(t, uefi(t, "-fw_cfg", noPXEv4)...), 10*time.Minute, "RAMDISK RUNS")
		booted(t, r)
		r.Await(time.Second, "dhcp", guestMAC, "HTTPClient", "proxy OFFER file=http://198.18.0.1:8080/boot/files/snponly.efi")
		r.Await(time.Second, "http", guestMAC, "snponly.efi", "200")
	})
	t.Run("UEFI asks port 4011", func(t *testing.T) {
		// The other server says "PXEClient" and sends to us for the rest, and we make no offers: the firmware
		// then has nothing but port 4011.
		r := beside(t, true)
		deciding(r, func(c *pxe.Client) (pxe.Decision, bool) {
			return pxe.Decision{Action: pxe.ActNothing, Why: "no offers today"}, !c.Addr.IsValid()
		})
		qemu(t, uefi(t)...)
		r.Await(10*time.Minute, "dhcp", guestMAC, "proxy ACK file=snponly.efi")
		r.Await(5*time.Minute, "tftp", guestMAC, "snponly.efi", " bytes")
	})
}
