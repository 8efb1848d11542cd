package dhcp

import "net/netip"

// Sub-options of option 82.
const (
	subCircuitID     = 1  // RFC 3046
	subRemoteID      = 2  // RFC 3046
	subLinkSelection = 5  // RFC 3527
	subFlags         = 10 // RFC 5010
	subServerID      = 11 // RFC 5107
)

// relayInfo is what a relay says of a request (option 82). The slices are parts of the packet.
type relayInfo struct {
	circuit, remote []byte     // nil: not said
	link            netip.Addr // whose client it is, when that is not told by giaddr
	server          netip.Addr // whom clients take the relay for: the server identifier to use
	flagged         bool       // the next is said
	unicast         bool       // the relay got the request by unicast
}

// readRelay reads option 82 up to where it is cut.
func readRelay(b []byte) (r relayInfo) {
	for len(b) >= 2 {
		code, n := b[0], int(b[1])
		if n > len(b)-2 {
			break
		}
		v := b[2 : 2+n : 2+n]
		b = b[2+n:]
		switch code {
		case subCircuitID:
			r.circuit = v
		case subRemoteID:
			r.remote = v
		case subLinkSelection:
			r.link = addr4(v)
		case subServerID:
			r.server = addr4(v)
		case subFlags:
			r.flagged = n == 1
			r.unicast = n == 1 && v[0]&0x80 != 0
		}
	}
	return r
}
