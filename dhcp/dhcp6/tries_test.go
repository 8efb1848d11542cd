package dhcp6

import (
	"strings"
	"testing"

	"socle/inventory"
)

// tried is a View that knows what was tried to boot a card.
type tried struct {
	hosts
	net inventory.NetBoot
}

func (v tried) NetBoot(mac string) inventory.NetBoot {
	if mac != macA {
		return inventory.NetBoot{}
	}
	return v.net
}

// TestFailedWaysAreLeft: who failed to boot by one way is sent the next, as with IPv4.
func TestFailedWaysAreLeft(t *testing.T) {
	once := func(paths ...inventory.BootPath) (n inventory.NetBoot) {
		for _, p := range paths {
			n.Tries = append(n.Tries, inventory.BootTry{Path: p, Count: 1})
		}
		return n
	}
	for _, tc := range []struct {
		name, class string
		arch        uint16
		net         inventory.NetBoot
		file        string
		room        inventory.BootPath
	}{
		{"PXE, never tried", "PXEClient", 7, once(), "/snponly.efi", ""},
		{"PXE, tried once", "PXEClient", 7, once(inventory.PathTFTP), "/ipxe.efi", ""},
		{"PXE, tried by both builds of iPXE", "PXEClient", 7, once(inventory.PathTFTP, inventory.PathDrivers), "/shimx64.efi", ""},
		{"HTTP, never tried", "HTTPClient", 16, once(), "/boot/files/snponly.efi", ""},
		{"HTTP, tried once", "HTTPClient", 16, once(inventory.PathHTTP), "", inventory.PathRoom},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t, func(o *Options) { o.View, o.BootTries = tried{hosts{macA: {Machine: "m1"}}, tc.net}, 1 })
			m := b.ask(linkA, msg(kindSolicit, duidLLA).ia(1).class(tc.class, tc.arch))
			if got := m.Options.BootFileURL(); !strings.HasSuffix(got, tc.file) || (got == "") != (tc.file == "") || b.out.saw.path != tc.room {
				t.Errorf("sent to %q, making room for %q (%s)", got, b.out.saw.path, b.out.why)
			}
		})
	}
}
