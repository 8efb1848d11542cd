package dhcp6

import (
	"strings"
	"testing"
	"time"

	"socle/dhcp/dhcptest"
	"socle/dhcp/radv"
	"socle/internal/nettest"
	"socle/inventory"
)

// TestNetworkd runs systemd-networkd in a namespace of its own, with folders of its own. Nothing tells it to ask
// DHCPv6 but the router advertisement (RFC 4861 section 4.2, flag M), and nothing but that which prefix is on its link.
func TestNetworkd(t *testing.T) {
	for _, tc := range []struct{ name, rapid, given string }{
		{"four messages", "no", "REQUEST"},
		{"rapid commit", "yes", "SOLICIT"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pid, in := peerOf(t, "prov0", "cli0", macA, "2001:db8:1::1/64")
			e, l := dhcptest.NewEvidence(t), &dhcptest.Leases{}
			opt := provOptions(l, e, hosts{macA: {Machine: "m1"}})
			opt.Subnets[0].Reservations = []inventory.Reservation6{{MAC: macA, Addr: ip("2001:db8:1::10")}}
			opt.Subnets[0].Advertise = true
			shorten(serve(t, opt), 12*time.Second) // to be renewed after 4.5 s
			decode := captureOf(t, "icmp6 or udp port 546 or udp port 547")
			nettest.Background(t, radv.New(radv.Options{Subnets: opt.Subnets, Recheck: 200 * time.Millisecond}).Serve)
			// It waits for udev unless /sys cannot be written, as in a container.
			sh := `mount --make-rprivate / && mount -t sysfs -o ro sysfs /sys && mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/network &&
				printf '[Match]\nName=cli0\n[Network]\nDHCP=no\nIPv6AcceptRA=yes\n[DHCPv6]\nDUIDType=link-layer\nRapidCommit=` + tc.rapid + `\n' >/run/systemd/network/1.network &&
				exec /lib/systemd/systemd-networkd`
			daemon(t, pid, "unshare", "-m", "sh", "-c", sh)
			e.Await(15*time.Second, macA, tc.given, "REPLY 2001:db8:1::10")
			if v, ok := l.Lease("2001:db8:1::10"); !ok || v.MAC != macA || v.Machine != "m1" {
				t.Errorf("stored: %+v", v)
			}
			in("sh", "-c", "n=0; until ip -6 addr show dev cli0 dynamic | grep -q '2001:db8:1::10/128'; do n=$((n+1)); [ $n -lt 250 ] || exit 1; sleep 0.02; done")
			if routes := in("ip", "-6", "route", "show", "dev", "cli0"); !strings.Contains(routes, "2001:db8:1::/64 proto ra") || strings.Contains(routes, "default") {
				t.Errorf("the advertisement gave a prefix and no router, the client has:\n%s", routes)
			}
			got := decode()
			for _, want := range []string{"Router Advertisement (134)", "Managed address configuration: Set"} {
				if !strings.Contains(got, want) {
					t.Errorf("tshark does not see %q:\n%s", want, got)
				}
			}
			if tc.rapid == "yes" {
				return
			}
			// Its timers are 10 s late at will: with a lease as short as this one it may let T1 pass and ask at T2.
			e.AwaitLine(15*time.Second, "a RENEW or a REBIND that is answered", func(line string) bool {
				return strings.Contains(line, "RENEW for=2001:db8:1::10 -> REPLY 2001:db8:1::10") || strings.Contains(line, "REBIND for=2001:db8:1::10 -> REPLY 2001:db8:1::10")
			})
		})
	}
}

// shorten makes the leases of a server shorter than a configuration may.
func shorten(s *Server, lease time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.h.books {
		b.subnet.LeaseTime = lease
	}
}
