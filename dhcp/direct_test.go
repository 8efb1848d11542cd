package dhcp

import (
	"fmt"
	"strings"
	"testing"

	"socle/dhcp/dhcptest"
	"socle/internal/nettest"
)

// TestBroadcastFlag: a client that sets the flag gets broadcasts, any other one frames to its MAC (RFC 2131 section
// 4.1). udhcpc checks the sums of what it gets; tshark does so too.
func TestBroadcastFlag(t *testing.T) {
	for _, tc := range []struct{ flag, frame, addr string }{
		{"", macA, "198.18.0.10"},
		{"-B", "ff:ff:ff:ff:ff:ff", "255.255.255.255"},
	} {
		t.Run(tc.addr, func(t *testing.T) {
			in := peer(t, "prov0", "cli0", "198.18.1.1/24", "198.18.0.1/24") // the right address is not the first
			in("ip", "link", "set", "cli0", "address", macA)
			e := dhcptest.NewEvidence(t)
			serve(t, provOptions(&dhcptest.Leases{}, e, hosts{macA: {Machine: "m1", Name: "hv01", Addr: ip("198.18.0.10")}}))
			end := record(t, "prov0")
			sh, out := script(t, t.TempDir())
			args := []string{"-i", "cli0", "-f", "-n", "-q", "-t", "5", "-T", "1", "-s", sh}
			if tc.flag != "" {
				args = append(args, tc.flag)
			}
			in("udhcpc", args...)
			learned(t, out, "ip=198.18.0.10", "serverid=198.18.0.1")
			got := strings.Fields(nettest.Run(t, "sh", "-c", "tshark -n -r "+end()+" -o ip.check_checksum:TRUE -Y 'dhcp.type == 2' -T fields -E separator=';'"+
				" -e dhcp.option.dhcp -e eth.dst -e ip.src -e ip.dst -e udp.srcport -e udp.dstport -e ip.checksum.status 2>/dev/null"))
			for i, kind := range []int{2, 5} {
				want := fmt.Sprintf("%d;%s;198.18.0.1;%s;67;68;1", kind, tc.frame, tc.addr)
				if i >= len(got) || got[i] != want {
					t.Errorf("replies %q, want %s", got, want)
				}
			}
		})
	}
}

// TestFrame: the receiver sums up all of a header, or a datagram, with its checksum, and gets all ones (RFC 1071).
func TestFrame(t *testing.T) {
	for n := range 64 {
		payload := make([]byte, n)
		for i := range payload {
			payload[i] = byte(n*31 + i*251)
		}
		b := frame(nil, [6]byte{0x52, 0x54}, [6]byte{2}, [4]byte{198, 18, 0, 1}, [4]byte{198, 18, 255, 254}, payload)
		ip, udp := b[etherLen:etherLen+ipLen], b[etherLen+ipLen:]
		if s := checksum(0, ip); s != 0xffff {
			t.Errorf("%d octets: the header sums up to %#x", n, s)
		}
		pseudo := append(append([]byte{}, ip[12:20]...), 0, 17, udp[4], udp[5])
		if s := checksum(uint32(checksum(0, pseudo)), udp); s != 0xffff {
			t.Errorf("%d octets: the datagram sums up to %#x", n, s)
		}
	}
}
