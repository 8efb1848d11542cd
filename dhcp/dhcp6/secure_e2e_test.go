//go:build e2e

package dhcp6

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"socle/dhcp/dhcptest"
	"socle/inventory"
)

// TestSecureBootE2E takes the signed way on a network that has IPv6 only: firmware that enforces Secure Boot, Debian's
// shim, Debian's GRUB, Debian's kernel, each by TFTP. The firmware gives its address back before GRUB uses it.
func TestSecureBootE2E(t *testing.T) {
	dir := dhcptest.Ramdisk(t)
	work := t.TempDir()
	dhcptest.Shell(t, work, `chmod 777 .
		nsenter -t `+strconv.Itoa(os.Getppid())+` -n apt-get download -q shim-signed grub-efi-amd64-signed
		for deb in *.deb; do dpkg-deb -x $deb .; done
		cp usr/lib/shim/shimx64.efi.signed `+dir+`/shimx64.efi
		cp usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed `+dir+`/grubx64.efi`)
	before := inventory.NetBoot{Tries: []inventory.BootTry{{Path: inventory.PathTFTP, Count: 2}, {Path: inventory.PathDrivers, Count: 2}}}
	e, _ := serveRack(t, dir, tried{hosts{macA: {Machine: "m1"}}, before})
	defer func() {
		if t.Failed() || testing.Verbose() {
			t.Logf("evidence:\n%s", strings.Join(e.All(), "\n"))
		}
	}()
	console := qemuOf(t, "q35,smm=on", "OVMF_CODE_4M.ms.fd", "OVMF_VARS_4M.ms.fd", "-global", "driver=cfi.pflash01,property=secure,value=on", "-fw_cfg", noPXEv4)
	awaitText(t, console, 10*time.Minute, "RAMDISK RUNS", "BOOTIF=01-52-54-00-00-00-0a", "socle.server=https://[2001:db8:1::1]:8443")
	for _, file := range []string{"shimx64.efi", "grubx64.efi", "grub.cfg", "ramdisk/vmlinuz", "ramdisk/initrd"} {
		e.Await(time.Second, "tftp", macA, file)
	}
}
