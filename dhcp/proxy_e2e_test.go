//go:build e2e

package dhcp

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socle/inventory"
	"socle/pxe"
)

// foreignServer runs dnsmasq on the rack's bridge, in a namespace of its own: it gives addresses and knows
// nothing of booting.
func foreignServer(t *testing.T, more ...string) {
	t.Helper()
	pid, in := namespace(t)
	run(t, "ip", "link", "add", "netboot-dns", "type", "veth", "peer", "name", "eth0", "netns", pid)
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", "netboot-dns").Run() })
	run(t, "ip", "link", "set", "netboot-dns", "master", "netboot-br", "up")
	in("ip", "addr", "add", "198.18.0.2/24", "dev", "eth0")
	in("ip", "link", "set", "eth0", "up")
	in("dnsmasq", append(more, "--conf-file=/dev/null", "--port=0", "--interface=eth0", "--bind-interfaces", "--user=root", "--no-ping",
		"--dhcp-range=198.18.0.50,198.18.0.60,1h", "--dhcp-authoritative", "--log-dhcp",
		"--dhcp-leasefile="+filepath.Join(t.TempDir(), "leases"), "--pid-file="+filepath.Join(t.TempDir(), "pid"))...)
}

// TestProxyE2E boots beside dnsmasq: addresses from there, boot files from here.
func TestProxyE2E(t *testing.T) {
	dir := makeRamdisk(t)
	proxied := inventory.Subnet{Name: "prov", Interface: "netboot-br", Mode: inventory.SubnetProxy, Prefix: cidr("198.18.0.0/24"), Server: ip("198.18.0.1")}
	beside := func(t *testing.T, more ...string) *rack {
		r := newRackOf(t, proxied, dir, 0, hosts{}, toRamdisk)
		foreignServer(t, more...)
		return r
	}
	// booted checks that the ramdisk was reached with an address of the other server, and nothing was given here.
	booted := func(t *testing.T, r *rack) {
		t.Helper()
		r.await(time.Second, "dhcp", guestMAC, "REQUEST", "the client takes 198.18.0.5", "from 198.18.0.2")
		r.await(time.Second, "http", guestMAC, "from 198.18.0.5", "script ramdisk")
		for _, l := range r.all() {
			if strings.Contains(l, "OFFER 198.") || strings.Contains(l, "ACK 198.") {
				t.Errorf("an address was given: %s", l)
			}
		}
	}
	t.Run("BIOS iPXE in the ROM", func(t *testing.T) {
		r := beside(t)
		awaitText(t, qemu(t, bios...), 5*time.Minute, "RAMDISK RUNS")
		booted(t, r)
		r.await(time.Second, "dhcp", guestMAC, "proxy OFFER file=http://198.18.0.1:8080/boot/start.ipxe")
	})
	t.Run("BIOS undionly by TFTP", func(t *testing.T) {
		r := beside(t)
		// QEMU's ROM is iPXE itself; treat it as the firmware of a board until it has loaded ours.
		r.server.mu.Lock()
		r.server.h.decide = func(c pxe.Client, w pxe.Wanted) pxe.Decision {
			c.IPXE = c.IPXE && strings.Contains(strings.Join(r.all(), "\n"), "undionly.kpxe\" from")
			return pxe.Decide(c, w)
		}
		r.server.mu.Unlock()
		awaitText(t, qemu(t, bios...), 5*time.Minute, "RAMDISK RUNS")
		booted(t, r)
		r.await(time.Second, "tftp", guestMAC, "undionly.kpxe", " bytes")
	})
	t.Run("UEFI snponly by TFTP", func(t *testing.T) {
		r := beside(t)
		awaitText(t, qemu(t, uefi(t)...), 10*time.Minute, "RAMDISK RUNS")
		booted(t, r)
		r.await(time.Second, "tftp", guestMAC, "snponly.efi", " bytes")
	})
	t.Run("UEFI HTTP boot", func(t *testing.T) {
		r := beside(t)
		r.server.mu.Lock()
		r.server.h.decide = func(c pxe.Client, w pxe.Wanted) pxe.Decision {
			if c.Arch == pxe.ArchEFIX64 && !c.IPXE { // the firmware tries PXE first
				return pxe.Decision{Action: pxe.ActNothing, Why: "no PXE today"}
			}
			return pxe.Decide(c, w)
		}
		r.server.mu.Unlock()
		awaitText(t, qemu(t, uefi(t)...), 10*time.Minute, "RAMDISK RUNS")
		booted(t, r)
		r.await(time.Second, "dhcp", guestMAC, "HTTPClient", "proxy OFFER file=http://198.18.0.1:8080/boot/files/snponly.efi")
		r.await(time.Second, "http", guestMAC, "snponly.efi", "200")
	})
	t.Run("UEFI asks port 4011", func(t *testing.T) {
		// The other server says "PXEClient" and sends to us for the rest, and we make no offers: the firmware
		// then has nothing but port 4011.
		r := beside(t, "--dhcp-option-force=60,PXEClient", "--dhcp-boot=,,198.18.0.1")
		r.server.mu.Lock()
		r.server.h.decide = func(c pxe.Client, w pxe.Wanted) pxe.Decision {
			if !c.Addr.IsValid() {
				return pxe.Decision{Action: pxe.ActNothing, Why: "no offers today"}
			}
			return pxe.Decide(c, w)
		}
		r.server.mu.Unlock()
		qemu(t, uefi(t)...)
		r.await(10*time.Minute, "dhcp", guestMAC, "proxy ACK file=snponly.efi")
		r.await(5*time.Minute, "tftp", guestMAC, "snponly.efi", " bytes")
	})
}
