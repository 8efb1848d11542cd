package probe

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"socle/hardware"
)

// LLDP (IEEE 802.1AB-2016): the ethertype and where it is sent.
const lldpType = 0x88cc

var lldpGroup = net.HardwareAddr{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e}

// ErrLLDP says that a frame is no LLDP frame as the standard has it.
var ErrLLDP = errors.New("not a valid LLDP frame")

// Types of TLVs (clause 8.4).
const (
	tlvEnd        = 0
	tlvChassisID  = 1
	tlvPortID     = 2
	tlvTTL        = 3
	tlvPortDesc   = 4
	tlvSystemName = 5
)

// ParseLLDP reads a whole Ethernet frame, with or without one VLAN tag.
func ParseLLDP(frame []byte) (hardware.Neighbor, error) {
	var n hardware.Neighbor
	if len(frame) < 14 {
		return n, fmt.Errorf("%w: %d bytes", ErrLLDP, len(frame))
	}
	kind, rest := uint16(frame[12])<<8|uint16(frame[13]), frame[14:]
	if kind == 0x8100 && len(rest) >= 4 {
		kind, rest = uint16(rest[2])<<8|uint16(rest[3]), rest[4:]
	}
	if kind != lldpType {
		return n, fmt.Errorf("%w: ethertype %#04x", ErrLLDP, kind)
	}
	seen := map[byte]bool{}
	for len(rest) >= 2 {
		head := uint16(rest[0])<<8 | uint16(rest[1])
		t, length := byte(head>>9), int(head&0x1ff)
		if rest = rest[2:]; length > len(rest) {
			return n, fmt.Errorf("%w: TLV %d says %d bytes, %d are left", ErrLLDP, t, length, len(rest))
		}
		value := rest[:length]
		rest = rest[length:]
		if t == tlvEnd {
			break
		}
		if t <= tlvSystemName && seen[t] {
			return n, fmt.Errorf("%w: TLV %d appears twice", ErrLLDP, t)
		}
		seen[t] = true
		switch t {
		case tlvChassisID:
			n.ChassisID = lldpID(value, 4, 5)
		case tlvPortID:
			n.PortID = lldpID(value, 3, 4)
		case tlvTTL:
			if length >= 2 {
				n.TTL = int(value[0])<<8 | int(value[1])
			}
		case tlvPortDesc:
			n.PortDesc = Clean(string(value))
		case tlvSystemName:
			n.SystemName = Clean(string(value))
		}
	}
	if !seen[tlvChassisID] || !seen[tlvPortID] || !seen[tlvTTL] {
		return n, fmt.Errorf("%w: chassis, port or time to live is missing", ErrLLDP)
	}
	return n, nil
}

// lldpID renders a chassis or port identifier by its subtype: a MAC, a network address, or a text.
func lldpID(v []byte, mac, network byte) string {
	if len(v) < 2 {
		return ""
	}
	subtype, v := v[0], v[1:]
	switch {
	case subtype == mac && len(v) == 6:
		return net.HardwareAddr(v).String()
	case subtype == network && (v[0] == 1 && len(v) == 5 || v[0] == 2 && len(v) == 17):
		if a, ok := netip.AddrFromSlice(v[1:]); ok {
			return a.String()
		}
	}
	if s := string(v); strings.ToValidUTF8(s, "") == s {
		return Clean(s)
	}
	return Clean(hex.EncodeToString(v))
}
