package dhcp6

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

// kind is a message type (RFC 8415 section 7.3).
type kind byte

const (
	kindSolicit            kind = 1
	kindAdvertise          kind = 2
	kindRequest            kind = 3
	kindConfirm            kind = 4
	kindRenew              kind = 5
	kindRebind             kind = 6
	kindReply              kind = 7
	kindRelease            kind = 8
	kindDecline            kind = 9
	kindInformationRequest kind = 11
	kindRelayForward       kind = 12
	kindRelayReply         kind = 13
)

var kindNames = map[kind]string{kindSolicit: "SOLICIT", kindAdvertise: "ADVERTISE", kindRequest: "REQUEST", kindConfirm: "CONFIRM",
	kindRenew: "RENEW", kindRebind: "REBIND", kindReply: "REPLY", kindRelease: "RELEASE", kindDecline: "DECLINE",
	kindInformationRequest: "INFORMATION-REQUEST", kindRelayForward: "RELAY-FORWARD", kindRelayReply: "RELAY-REPLY"}

func (k kind) String() string {
	if s, ok := kindNames[k]; ok {
		return s
	}
	return fmt.Sprintf("message %d", byte(k))
}

// Option codes (RFC 8415 section 21; 23 and 24: RFC 3646; 56: RFC 5908; 59 to 62: RFC 5970; 79: RFC 6939;
// 135: RFC 8357).
const (
	optClientID     = 1
	optServerID     = 2
	optIANA         = 3
	optIATA         = 4
	optIAAddr       = 5
	optORO          = 6
	optPreference   = 7
	optRelayMessage = 9
	optStatus       = 13
	optRapidCommit  = 14
	optUserClass    = 15
	optVendorClass  = 16
	optInterfaceID  = 18
	optDNS          = 23
	optDomainList   = 24
	optIAPD         = 25
	optNTP          = 56
	optBootFile     = 59
	optClientArch   = 61
	optNII          = 62
	optLinkLayer    = 79
	optRelayPort    = 135
)

// status is a status code (RFC 8415 section 21.13).
type status uint16

const (
	statusSuccess       status = 0
	statusNoAddrsAvail  status = 2
	statusNoBinding     status = 3
	statusNotOnLink     status = 4
	statusUseMulticast  status = 5
	statusNoPrefixAvail status = 6
)

// Bounds of what is read of one packet: an honest one stays far below them.
const (
	maxOptions = 128
	maxHops    = 8 // RFC 8415 section 7.6, HOP_COUNT_LIMIT
	maxIAs     = 16
	maxAddrs   = 16 // in an IA
	maxDUID    = 130
)

type option struct {
	code uint16
	data []byte
}

type options []option

var errTruncated = errors.New("the packet ends within an option")

// parseOptions reads options; their data stay in b.
func parseOptions(b []byte) (options, error) {
	var out options
	for len(b) > 0 {
		if len(b) < 4 {
			return nil, errTruncated
		}
		n := int(binary.BigEndian.Uint16(b[2:]))
		if len(b) < 4+n {
			return nil, errTruncated
		}
		if len(out) == maxOptions {
			return nil, fmt.Errorf("more than %d options", maxOptions)
		}
		out = append(out, option{binary.BigEndian.Uint16(b), b[4 : 4+n : 4+n]})
		b = b[4+n:]
	}
	return out, nil
}

// get is the first option of a code.
func (o options) get(code uint16) (data []byte, ok bool) {
	for _, v := range o {
		if v.code == code {
			return v.data, true
		}
	}
	return nil, false
}

func (o options) has(code uint16) bool { _, ok := o.get(code); return ok }

func appendOption(b []byte, code uint16, data []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, code)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	return append(b, data...)
}

func appendStatus(b []byte, s status, text string) []byte {
	return appendOption(b, optStatus, append(binary.BigEndian.AppendUint16(nil, uint16(s)), text...))
}

// hop is one relay's envelope (RFC 8415 section 9).
type hop struct {
	count      byte
	link, peer netip.Addr
	opts       options
}

// message is a client's packet, with the relays that it came through, the one next to us first.
type message struct {
	kind kind
	xid  [3]byte
	opts options
	hops []hop
}

// parseMessage reads a datagram. Foreign bytes end in an error, never in a panic; what it returns refers to b.
func parseMessage(b []byte) (message, error) {
	var m message
	for {
		if len(b) < 4 {
			return message{}, errors.New("the packet is shorter than a header")
		}
		if m.kind = kind(b[0]); m.kind != kindRelayForward {
			break
		}
		if len(b) < 34 {
			return message{}, errors.New("the packet is shorter than a relay's header")
		}
		if len(m.hops) == maxHops {
			return message{}, fmt.Errorf("more than %d relays", maxHops)
		}
		h := hop{count: b[1], link: netip.AddrFrom16([16]byte(b[2:18])), peer: netip.AddrFrom16([16]byte(b[18:34]))}
		var err error
		if h.opts, err = parseOptions(b[34:]); err != nil {
			return message{}, err
		}
		inner, ok := h.opts.get(optRelayMessage)
		if !ok {
			return message{}, errors.New("a relay's packet holds no message")
		}
		m.hops = append(m.hops, h)
		b = inner
	}
	m.xid = [3]byte(b[1:4])
	opts, err := parseOptions(b[4:])
	m.opts = opts
	return m, err
}

// wrap puts a reply into the envelopes of the relays that its request came through (RFC 8415 section 19.3).
func wrap(reply []byte, hops []hop) []byte {
	for i := len(hops) - 1; i >= 0; i-- {
		h := hops[i]
		b := make([]byte, 0, 34+8+len(reply)+32)
		b = append(b, byte(kindRelayReply), h.count)
		b = append(b, h.link.AsSlice()...)
		b = append(b, h.peer.AsSlice()...)
		for _, code := range []uint16{optInterfaceID, optRelayPort} {
			if v, ok := h.opts.get(code); ok {
				b = appendOption(b, code, v)
			}
		}
		reply = appendOption(b, optRelayMessage, reply)
	}
	return reply
}
