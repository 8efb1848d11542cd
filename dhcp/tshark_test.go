package dhcp

import (
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/insomniacslk/dhcp/dhcpv4"

	"socle/inventory"
)

// pcap writes replies as a capture of IP packets, as they would leave.
func pcap(t *testing.T, answers []answer) (file string) {
	t.Helper()
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	for _, v := range []uint32{4<<16 | 2, 0, 0, 65535, 101} { // version 2.4, no snapping, raw IP
		b = le.AppendUint32(b, v)
	}
	b[4], b[6] = 2, 4
	for _, a := range answers {
		wire := a.reply.ToBytes()
		n := len(wire) + 28
		for _, v := range []uint32{0, 0, uint32(n), uint32(n)} {
			b = le.AppendUint32(b, v)
		}
		from, to := a.from.As4(), a.to.Addr().As4()
		b = append(b, 0x45, 0, byte(n>>8), byte(n), 0, 0, 0, 0, 64, 17, 0, 0)
		b = append(append(b, from[:]...), to[:]...)
		b = binary.BigEndian.AppendUint16(b, serverPort)
		b = binary.BigEndian.AppendUint16(b, a.to.Port())
		b = append(b, byte((n-20)>>8), byte(n-20), 0, 0)
		b = append(b, wire...)
	}
	file = filepath.Join(t.TempDir(), "pcap")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestRepliesAsTsharkReadsThem has a foreign decoder read one reply of each kind: their options come in
// order, the relay's last, and nothing is malformed.
func TestRepliesAsTsharkReadsThem(t *testing.T) {
	class := func(s string) dhcpv4.Modifier { return dhcpv4.WithOption(dhcpv4.OptClassIdentifier(s)) }
	few := mods(dhcpv4.WithRequestedOptions(dhcpv4.OptionSubnetMask, dhcpv4.OptionBootfileName))
	pxe := append(few[:1:1], class("PXEClient:Arch:00007:UNDI:003016"), opt(93, 0, 7), opt(94, 1, 3, 16), opt(97, guidA...), opt(61, guidA...))
	relayed := append(mods(giaddr("198.18.0.50"), behind("eth1/7", "\x00\xff")), pxe...)
	full := func(t *testing.T) *handler { return newHandler(t, hosts{macA: {Name: "hv01"}}) }
	beside := func(t *testing.T) *handler {
		return with(t, hosts{}, inventory.Subnet{Name: "prov", Interface: "prov0", Mode: inventory.SubnetProxy, Prefix: cidr("198.18.0.0/24"), Server: ip("198.18.0.1")})
	}
	on4011 := onProv
	on4011.Port, on4011.Peer = pxePort, netip.MustParseAddrPort("198.18.0.201:4011")
	var answers []answer
	var want []string
	for _, tc := range []struct {
		handler func(*testing.T) *handler
		link    Link
		kind    dhcpv4.MessageType
		mods    []dhcpv4.Modifier
		want    string
	}{
		{full, onProv, discover, few, "2 198.18.0.100 1,3,6,51,53,54,58,59,0"},
		{full, onProv, discover, pxe, "2 198.18.0.100 1,3,6,43,51,53,54,58,59,60,61,66,67,93,94,97,0"},
		{full, onProv, discover, relayed, "2 198.18.0.100 1,3,6,43,51,53,54,58,59,60,61,66,67,93,94,97,82,0"},
		{full, onProv, discover, append(mods(class("HTTPClient:Arch:00016"), opt(93, 0, 16)), few...), "2 198.18.0.100 1,3,6,51,53,54,58,59,60,66,67,93,0"},
		{full, onProv, discover, append(mods(class("PXEClient"), opt(77, []byte("iPXE")...)), few...), "2 198.18.0.100 1,3,6,51,53,54,58,59,66,67,175,0"},
		{full, onProv, discover, nil, "2 198.18.0.100 1,3,6,12,15,42,51,53,54,58,59,0"}, // who asks for nothing gets all
		{full, onProv, req, append(mods(wants("198.18.0.100"), server("198.18.0.1")), few...), "5 198.18.0.100 1,3,6,51,53,54,58,59,0"},
		{full, onProv, req, append(mods(wants("10.0.0.1")), relayed...), "6 0.0.0.0 53,54,56,61,93,94,97,82,0"},
		{full, onProv, dhcpv4.MessageTypeInform, append(mods(ciaddr("198.18.0.77")), few...), "5 0.0.0.0 1,3,6,53,54,0"},
		{beside, onProv, discover, relayed, "2 0.0.0.0 43,53,54,60,61,66,67,93,94,97,82,0"},
		{beside, on4011, req, append(mods(ciaddr("198.18.0.201"), opt(43, 71, 4, 0, 3, 0, 0, 255)), pxe...), "5 0.0.0.0 43,53,54,60,61,66,67,93,94,97,0"},
	} {
		a := tc.handler(t).handle(packet(t, tc.kind, macA, tc.mods...), tc.link, t0)
		if a.reply == nil {
			t.Fatalf("no reply %q: %s", tc.want, a.why)
		}
		if y := a.reply.YourIPAddr; !y.IsUnspecified() {
			a.reply.YourIPAddr = []byte{198, 18, 0, 100}
		}
		answers, want = append(answers, a), append(want, tc.want)
	}
	if d := cmp.Diff(want, dissect(t, pcap(t, answers))); d != "" {
		t.Errorf("replies (-want +got):\n%s", d)
	}
}
