//go:build e2e

package lab

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// discover waits for a DHCP request (UDP port 67) of a card on the host's end of the cable.
func discover(t *testing.T, iface, mac string, within time.Duration) {
	t.Helper()
	link, err := net.InterfaceByName(iface)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0x0008 /* ETH_P_IP in network order */)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: 0x0008, Ifindex: link.Index}); err != nil {
		t.Fatal(err)
	}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1}); err != nil {
		t.Fatal(err)
	}
	want, err := net.ParseMAC(mac)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2048)
	for end := time.Now().Add(within); time.Now().Before(end); {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err != nil || n < 42 {
			continue
		}
		if f := buf[:n]; bytes.Equal(f[6:12], want) && f[23] == unix.IPPROTO_UDP && f[36] == 0 && f[37] == 67 {
			return
		}
	}
	t.Fatalf("no DHCP request of %s on %s within %s", mac, iface, within)
}

// consoleAfter is the part of a console log from the last occurrence of a mark on.
func consoleAfter(t *testing.T, file, mark string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	i := strings.LastIndex(string(text), mark)
	if i < 0 {
		t.Fatalf("%q is not in %s", mark, file)
	}
	return string(text)[i:]
}

func TestFirmwareBootsFromTheNetworkWhenToldE2E(t *testing.T) {
	s, dir := testSpec(t, "labe1", 80), t.TempDir()
	up(t, s, dir)

	t.Run("bios", func(t *testing.T) {
		log := ConsoleLog(dir, s.Name, "hv01")
		ipmitool(t, s, "chassis", "bootdev", "pxe")
		ipmitool(t, s, "power", "on")
		discover(t, s.Interface(), s.Servers[0].NICs[0].MAC, 3*time.Minute)
		if text := consoleAfter(t, log, "SeaBIOS (version"); strings.Contains(text, "Booting from Hard Disk") || !strings.Contains(text, "Booting from ROM") {
			t.Errorf("after power on, the network was not tried first:\n%q", text)
		}
		// A reset, too: SeaBIOS answers it with more resets, over which the override must not be lost.
		ipmitool(t, s, "chassis", "bootdev", "pxe")
		ipmitool(t, s, "power", "reset")
		time.Sleep(time.Second)
		discover(t, s.Interface(), s.Servers[0].NICs[0].MAC, 3*time.Minute)
		if text := consoleAfter(t, log, "SeaBIOS (version"); strings.Contains(text, "Booting from Hard Disk") || !strings.Contains(text, "Booting from ROM") {
			t.Errorf("after reset, the network was not tried first:\n%q", text)
		}
		// Once is once: the next boot tries the disk first.
		time.Sleep(settle + time.Second)
		ipmitool(t, s, "power", "reset")
		eventually(t, "the disk is tried", 2*time.Minute, func() bool {
			return strings.Contains(consoleAfter(t, log, "SeaBIOS (version"), "Booting from Hard Disk")
		})
		ipmitool(t, s, "power", "off")
	})

	t.Run("uefi", func(t *testing.T) {
		const system = "/redfish/v1/Systems/1"
		b := s.Servers[1].BMC
		for _, do := range []struct{ method, path, body string }{
			{http.MethodPatch, system, `{"Boot":{"BootSourceOverrideEnabled":"Once","BootSourceOverrideTarget":"Pxe"}}`},
			{http.MethodPost, system + "/Actions/ComputerSystem.Reset", `{"ResetType":"On"}`},
		} {
			if code, got := redfishDo(t, b, do.method, do.path, do.body); code/100 != 2 {
				t.Fatalf("%s %s: %d %v", do.method, do.path, code, got)
			}
		}
		lldp(t, s, "st01", "leaf-b", "swp1")
		discover(t, s.Interface(), s.Servers[1].NICs[0].MAC, 4*time.Minute)
		if text := consoleAfter(t, ConsoleLog(dir, s.Name, "st01"), "power on"); !strings.Contains(text, "PXE over IPv4") {
			t.Errorf("no PXE on the console:\n%q", text)
		}
	})
}
