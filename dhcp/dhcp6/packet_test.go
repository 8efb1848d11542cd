package dhcp6

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// packet builds a client's message by hand.
type packet struct{ b []byte }

var (
	duidLLA   = []byte{0, 3, 0, 1, 0x52, 0x54, 0, 0, 0, 0x0a} // DUID-LL of macA
	duidLLB   = []byte{0, 3, 0, 1, 0x52, 0x54, 0, 0, 0, 0x0b}
	duidUUIDA = []byte{0, 4, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0}
	duidEdk   = []byte{0, 4, 0x44, 0x33, 0x22, 0x11, 0x66, 0x55, 0x88, 0x77, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0} // the same machine
	linkA     = Link{Interface: "prov0", Source: netip.MustParseAddrPort("[fe80::5054:ff:fe00:a%prov0]:546")}
	linkB     = Link{Interface: "prov0", Source: netip.MustParseAddrPort("[fe80::5054:ff:fe00:b%prov0]:546")}
	linkC     = Link{Interface: "prov0", Source: netip.MustParseAddrPort("[fe80::1%prov0]:546")} // an address that tells no MAC
)

const uuidA = "11223344-5566-7788-99aa-bbccddeeff00"

func msg(k kind, duid []byte) *packet {
	p := &packet{[]byte{byte(k), 1, 2, 3}}
	if duid != nil {
		p.opt(optClientID, duid...)
	}
	return p
}

func (p *packet) opt(code uint16, data ...byte) *packet {
	p.b = appendOption(p.b, code, data)
	return p
}

func (p *packet) server(id []byte) *packet { return p.opt(optServerID, id...) }

func (p *packet) oro(codes ...uint16) *packet {
	var b []byte
	for _, c := range codes {
		b = binary.BigEndian.AppendUint16(b, c)
	}
	return p.opt(optORO, b...)
}

func (p *packet) ia(id uint32, addrs ...string) *packet {
	return p.assoc(optIANA, id, addrs...)
}

func (p *packet) assoc(code uint16, id uint32, addrs ...string) *packet {
	b := binary.BigEndian.AppendUint32(nil, id)
	if code != optIATA {
		b = append(b, make([]byte, 8)...)
	}
	for _, a := range addrs {
		b = appendAddr(b, netip.MustParseAddr(a), 0, 0)
	}
	return p.opt(code, b...)
}

// class adds a vendor class of Intel's enterprise number, as firmware does, and an architecture.
func (p *packet) class(text string, arch uint16) *packet {
	b := append(binary.BigEndian.AppendUint32(nil, 343), 0, byte(len(text)))
	p.opt(optVendorClass, append(b, text...)...)
	return p.opt(optClientArch, byte(arch>>8), byte(arch))
}

// relayed puts the message into a relay's envelope.
func (p *packet) relayed(link, peer string, opts ...byte) *packet {
	b := []byte{byte(kindRelayForward), 0}
	b = append(b, netip.MustParseAddr(link).AsSlice()...)
	b = append(b, netip.MustParseAddr(peer).AsSlice()...)
	b = append(b, opts...)
	return &packet{appendOption(b, optRelayMessage, p.b)}
}

// decoded is a reply as the library reads it, which nobody here wrote.
func decoded(t *testing.T, b []byte) *dhcpv6.Message {
	t.Helper()
	m, err := dhcpv6.MessageFromBytes(b)
	if err != nil {
		t.Fatalf("the library does not read the reply: %v\n%x", err, b)
	}
	return m
}

// addrs are the addresses of one association in a reply, and its status.
func assigned(t *testing.T, m *dhcpv6.Message, iaid uint32) (addrs []string, status string) {
	t.Helper()
	for _, i := range m.Options.IANA() {
		if binary.BigEndian.Uint32(i.IaId[:]) != iaid {
			continue
		}
		for _, a := range i.Options.Addresses() {
			text := a.IPv6Addr.String()
			if a.ValidLifetime == 0 {
				text += " gone"
			}
			addrs = append(addrs, text)
		}
		if s := i.Options.Status(); s != nil {
			status = s.StatusCode.String()
		}
		if i.T1 > i.T2 {
			t.Errorf("T1 %s is after T2 %s", i.T1, i.T2)
		}
		return addrs, status
	}
	t.Errorf("the reply has no association %d: %s", iaid, m.Summary())
	return nil, ""
}
