package dhcp

import (
	"encoding/binary"
	"net"
	"slices"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"
)

// The fixed part of a packet (RFC 2131 section 2), then the magic cookie, then options.
const (
	atFlags   = 10
	atCiaddr  = 12
	atYiaddr  = 16
	atSiaddr  = 20
	atGiaddr  = 24
	atChaddr  = 28
	atSname   = 44
	atFile    = 108
	atCookie  = 236
	atOptions = 240
	minPacket = 300 // some relays drop shorter ones (RFC 951)
)

const cookie = 0x63825363

// decode reads a datagram of the usual shape into p, whose fields then point into b, without allocating. It
// tells whether it did; what is not usual (an option twice, names or options in the header, a strange end) is left to the
// library, which stays the judge of what a packet means: a fuzz test compares the two.
func decode(b []byte, p *dhcpv4.DHCPv4) bool {
	if len(b) < atOptions || b[2] > 16 || b[atSname] != 0 || b[atFile] != 0 || binary.BigEndian.Uint32(b[atCookie:]) != cookie {
		return false
	}
	options := p.Options
	if options == nil {
		options = make(dhcpv4.Options, 16)
	}
	clear(options)
	*p = dhcpv4.DHCPv4{
		OpCode: dhcpv4.OpcodeType(b[0]), HWType: iana.HWType(b[1]), HopCount: b[3], TransactionID: dhcpv4.TransactionID(b[4:8]),
		NumSeconds: binary.BigEndian.Uint16(b[8:]), Flags: binary.BigEndian.Uint16(b[atFlags:]),
		ClientIPAddr: net.IP(field(b, atCiaddr, 4)), YourIPAddr: net.IP(field(b, atYiaddr, 4)),
		ServerIPAddr: net.IP(field(b, atSiaddr, 4)), GatewayIPAddr: net.IP(field(b, atGiaddr, 4)),
		ClientHWAddr: net.HardwareAddr(field(b, atChaddr, int(b[2]))), Options: options,
	}
	for i := atOptions; i < len(b); {
		code := b[i]
		i++
		switch code {
		case dhcpv4.OptionPad.Code():
			continue
		case dhcpv4.OptionEnd.Code():
			return true
		}
		if i >= len(b) || i+1+int(b[i]) > len(b) || code == dhcpv4.OptionOptionOverload.Code() {
			return false
		}
		if _, twice := options[code]; twice {
			return false
		}
		var value []byte // nil when empty, as the library has it
		if n := int(b[i]); n > 0 {
			value = field(b, i+1, n)
		}
		options[code] = value
		i += 1 + int(b[i])
	}
	return false
}

// field is a part of b that cannot be appended over its end.
func field(b []byte, at, n int) []byte { return b[at : at+n : at+n] }

// encode appends a packet to b, byte for byte as the library writes it.
func encode(b []byte, p *dhcpv4.DHCPv4) []byte {
	begin := len(b)
	b = slices.Grow(b, 2*minPacket)[:begin+atOptions]
	h := b[begin:]
	clear(h)
	h[0], h[1], h[2], h[3] = byte(p.OpCode), byte(p.HWType), byte(len(p.ClientHWAddr)), p.HopCount
	copy(h[4:8], p.TransactionID[:])
	binary.BigEndian.PutUint16(h[8:], p.NumSeconds)
	binary.BigEndian.PutUint16(h[atFlags:], p.Flags)
	copy(h[atCiaddr:atYiaddr], p.ClientIPAddr.To4())
	copy(h[atYiaddr:atSiaddr], p.YourIPAddr.To4())
	copy(h[atSiaddr:atGiaddr], p.ServerIPAddr.To4())
	copy(h[atGiaddr:atChaddr], p.GatewayIPAddr.To4())
	copy(h[atChaddr:atSname], p.ClientHWAddr)
	copy(h[atSname:atFile-1], p.ServerHostName)
	copy(h[atFile:atCookie-1], p.BootFileName)
	binary.BigEndian.PutUint32(h[atCookie:], cookie)
	b = appendOptions(b, p.Options)
	b = append(b, dhcpv4.OptionEnd.Code())
	for len(b)-begin < minPacket {
		b = append(b, dhcpv4.OptionPad.Code())
	}
	return b
}

// appendOptions writes options in the order of their codes, that of the relay last (RFC 3046 section 2.1),
// and long ones in pieces (RFC 3396).
func appendOptions(b []byte, options dhcpv4.Options) []byte {
	var room [64]uint8
	codes := room[:0]
	for c := range options {
		codes = append(codes, c)
	}
	relay := dhcpv4.OptionRelayAgentInformation.Code()
	slices.SortFunc(codes, func(x, y uint8) int {
		if (x == relay) != (y == relay) {
			if x == relay {
				return 1
			}
			return -1
		}
		return int(x) - int(y)
	})
	for _, c := range codes {
		if c == dhcpv4.OptionPad.Code() || c == dhcpv4.OptionEnd.Code() {
			continue
		}
		for v := options[c]; ; {
			n := min(len(v), 255)
			b = append(append(b, c, byte(n)), v[:n]...)
			if v = v[n:]; len(v) == 0 {
				break
			}
		}
	}
	return b
}

// glance is what is to be known of a datagram before it gets a place in the queue.
type glance struct {
	kind dhcpv4.MessageType
	mac  []byte
	// relay and relayPort, its option 82, together name the switch port that the client hangs on; relayPort is
	// nil when the relay does not say.
	relay, relayPort []byte
}

// peek looks at a datagram; ok is false when it is no request of a client.
func peek(b []byte) (g glance, ok bool) {
	if len(b) < atOptions || dhcpv4.OpcodeType(b[0]) != dhcpv4.OpcodeBootRequest || b[2] != 6 || binary.BigEndian.Uint32(b[atCookie:]) != cookie {
		return g, false
	}
	g.mac, g.relay = b[atChaddr:atChaddr+6], b[atGiaddr:atChaddr]
	for i := atOptions; i < len(b); {
		code := b[i]
		i++
		if code == dhcpv4.OptionPad.Code() {
			continue
		}
		if code == dhcpv4.OptionEnd.Code() || i >= len(b) || i+1+int(b[i]) > len(b) {
			break
		}
		value := b[i+1 : i+1+int(b[i])]
		switch code {
		case dhcpv4.OptionDHCPMessageType.Code():
			if len(value) == 1 {
				g.kind = dhcpv4.MessageType(value[0])
			}
		case dhcpv4.OptionRelayAgentInformation.Code():
			if namesCircuit(value) {
				g.relayPort = value
			}
		}
		i += 1 + len(value)
	}
	return g, g.kind != dhcpv4.MessageTypeNone
}

// namesCircuit tells whether option 82 has a circuit ID (RFC 3046 section 3.1), and so tells ports apart.
func namesCircuit(b []byte) bool {
	for len(b) >= 2 {
		if b[0] == 1 {
			return true
		}
		b = b[min(2+int(b[1]), len(b)):]
	}
	return false
}
