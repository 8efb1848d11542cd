package dhcp

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/insomniacslk/dhcp/dhcpv4"
)

// samples are datagrams as clients and relays send them, and broken ones.
func samples(t testing.TB) [][]byte {
	whole := packet(t, discover, macA, opt(93, 0, 7), opt(97, make([]byte, 17)...), opt(55, 1, 3, 6, 67), opt(60, []byte("PXEClient:Arch:00007")...),
		giaddr("198.19.0.1"), opt(82, 1, 4, 'e', 't', 'h', '0', 2, 2, 'r', '1'), opt(116)).packet.ToBytes()
	short := packet(t, req, macB, wants("198.18.0.9"), server("198.18.0.1")).packet.ToBytes()
	twice := bytes.Clone(whole)
	copy(twice[atOptions:], []byte{12, 1, 'a', 12, 1, 'b'})
	named := bytes.Clone(short)
	copy(named[atSname:], "somebody")
	return [][]byte{whole, short, twice, named, whole[:atOptions], whole[:atOptions+5], whole[:100], {}, short[:len(short)-60]}
}

// FuzzDecode: what decode reads, the library reads too, and the same; what is written of it is the same too.
func FuzzDecode(f *testing.F) {
	for _, b := range samples(f) {
		f.Add(b)
	}
	var p dhcpv4.DHCPv4 // used again and again, as in the server
	f.Fuzz(func(t *testing.T, b []byte) {
		want, err := dhcpv4.FromBytes(b)
		if !decode(b, &p) {
			return
		}
		if err != nil {
			t.Fatalf("decoded what the library refuses: %v", err)
		}
		if diff := cmp.Diff(want, &p); diff != "" {
			t.Fatalf("decoded (-library +here):\n%s", diff)
		}
		if diff := cmp.Diff(want.ToBytes(), encode(nil, &p)); diff != "" {
			t.Fatalf("encoded (-library +here):\n%s", diff)
		}
		if g, ok := peek(b); ok && (g.kind != want.MessageType() || !bytes.Equal(g.mac, want.ClientHWAddr) || g.relayPort != nil && !bytes.Equal(g.relayPort, want.Options[82])) {
			t.Fatalf("peek saw %+v in %s", g, want.Summary())
		}
	})
}

func TestDecodeTakesWhatClientsSend(t *testing.T) {
	for i, b := range samples(t) {
		var p dhcpv4.DHCPv4
		if usual := i < 2; decode(b, &p) != usual {
			t.Errorf("sample %d: usual is %t", i, !usual)
		}
	}
}

// TestEncode compares with the library what no request has: long options, long names, none at all.
func TestEncode(t *testing.T) {
	long := dhcpv4.DHCPv4{OpCode: dhcpv4.OpcodeBootReply, BootFileName: string(bytes.Repeat([]byte{'f'}, 200)), ServerHostName: string(bytes.Repeat([]byte{'s'}, 64)),
		Options: dhcpv4.Options{43: make([]byte, 600), 82: {1, 1, 1}, 90: {}, 0: {1}, 255: {2}, 67: make([]byte, 255), 121: make([]byte, 256)}}
	for i, p := range []*dhcpv4.DHCPv4{&long, {}, {Options: dhcpv4.Options{82: {1}}}} {
		before := []byte("kept")
		if got := encode(bytes.Clone(before), p); !bytes.Equal(got, append(before, p.ToBytes()...)) {
			t.Errorf("packet %d: %x", i, got)
		}
	}
}

func TestPeekNamesTheRelayPort(t *testing.T) {
	g, ok := peek(samples(t)[0])
	if !ok || g.kind != discover || !bytes.Equal(g.relay, []byte{198, 19, 0, 1}) || !bytes.HasPrefix(g.relayPort, []byte{1, 4, 'e', 't', 'h', '0'}) {
		t.Errorf("%+v, %t", g, ok)
	}
	for _, b := range [][]byte{samples(t)[4], samples(t)[6], nil} {
		if _, ok := peek(b); ok {
			t.Errorf("%d bytes without a message type were taken", len(b))
		}
	}
}
