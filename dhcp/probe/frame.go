package probe

import (
	"encoding/binary"
	"net/netip"
)

const bootPort = 4011 // of PXE boot services

var (
	broadcastMAC = [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	broadcastIP  = netip.AddrFrom4([4]byte{255, 255, 255, 255})
)

// datagram is a UDP datagram in its frame.
type datagram struct {
	from, to [6]byte // MACs
	src, dst netip.AddrPort
	payload  []byte
}

// Sizes of headers in bytes, and what marks IPv4 and UDP.
const (
	ethLen, ipLen, udpLen = 14, 20, 8
	etherIPv4             = 0x0800
	protoUDP              = 17
)

// frame renders an Ethernet frame with IPv4 (RFC 791) and UDP (RFC 768).
func (d datagram) frame() []byte {
	size := udpLen + len(d.payload)
	b := make([]byte, ethLen+ipLen+size)
	copy(b, d.to[:])
	copy(b[6:], d.from[:])
	binary.BigEndian.PutUint16(b[12:], etherIPv4)
	ip := b[ethLen:]
	ip[0], ip[8], ip[9] = 0x45, 64, protoUDP
	binary.BigEndian.PutUint16(ip[2:], uint16(ipLen+size)) //nolint:gosec // questions are short
	src, dst := d.src.Addr().As4(), d.dst.Addr().As4()
	copy(ip[12:], src[:])
	copy(ip[16:], dst[:])
	binary.BigEndian.PutUint16(ip[10:], ^fold(sum(0, ip[:ipLen])))
	udp := ip[ipLen:]
	binary.BigEndian.PutUint16(udp, d.src.Port())
	binary.BigEndian.PutUint16(udp[2:], d.dst.Port())
	binary.BigEndian.PutUint16(udp[4:], uint16(size)) //nolint:gosec // questions are short
	copy(udp[udpLen:], d.payload)
	pseudo := sum(sum(uint32(protoUDP)+uint32(size), src[:]), dst[:]) //nolint:gosec // questions are short
	check := ^fold(sum(pseudo, udp))
	if check == 0 {
		check = 0xffff // 0 would say that there is none
	}
	binary.BigEndian.PutUint16(udp[6:], check)
	return b
}

func sum(s uint32, b []byte) uint32 {
	for ; len(b) > 1; b = b[2:] {
		s += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	return s
}

func fold(s uint32) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

// parse takes a whole UDP datagram out of a frame. Checksums are not looked at: network cards fill them in
// after a capture on the sending host.
func parse(b []byte) (d datagram, ok bool) {
	if len(b) < ethLen+ipLen+udpLen || binary.BigEndian.Uint16(b[12:]) != etherIPv4 {
		return d, false
	}
	copy(d.to[:], b)
	copy(d.from[:], b[6:])
	ip := b[ethLen:]
	head, total := int(ip[0]&15)*4, int(binary.BigEndian.Uint16(ip[2:]))
	if ip[0]>>4 != 4 || head < ipLen || ip[9] != protoUDP || total > len(ip) || total < head+udpLen ||
		binary.BigEndian.Uint16(ip[6:])&0x3fff != 0 { // a fragment
		return d, false
	}
	udp := ip[head:total]
	size := int(binary.BigEndian.Uint16(udp[4:]))
	if size < udpLen || size > len(udp) {
		return d, false
	}
	d.src = netip.AddrPortFrom(netip.AddrFrom4([4]byte(ip[12:16])), binary.BigEndian.Uint16(udp))
	d.dst = netip.AddrPortFrom(netip.AddrFrom4([4]byte(ip[16:20])), binary.BigEndian.Uint16(udp[2:]))
	d.payload = udp[udpLen:size]
	return d, true
}
