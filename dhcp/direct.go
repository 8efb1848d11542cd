package dhcp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// direct sends to clients that have no address yet (RFC 2131 section 4.1): to the address that they are about to
// get, in a frame to their MAC. The kernel would ask for the MAC by ARP, which such a client does not answer, and
// whoever teaches the kernel lets strangers fill its table.
type direct struct {
	file *os.File // a packet socket, which takes in nothing
	mac  [6]byte
}

// openDirect makes a direct for an interface.
func openDirect(ifc *net.Interface) (*direct, error) {
	if len(ifc.HardwareAddr) != 6 {
		return nil, fmt.Errorf("sending past ARP on %s: it is no Ethernet interface", ifc.Name)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("sending past ARP on %s: opening a packet socket: %w", ifc.Name, err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: ifc.Index}); err != nil {
		return nil, errors.Join(fmt.Errorf("sending past ARP on %s: %w", ifc.Name, err), unix.Close(fd))
	}
	return &direct{file: os.NewFile(uintptr(fd), "direct:"+ifc.Name), mac: [6]byte(ifc.HardwareAddr)}, nil //nolint:gosec // a descriptor is not negative
}

func (d *direct) close() {
	if d != nil {
		_ = d.file.Close()
	}
}

// takes tells whether an answer is for a client that has no address and does not ask for a broadcast.
func (d *direct) takes(x *exchange) bool {
	r := x.out.reply
	return d != nil && x.out.to == broadcast && !r.IsBroadcast() && !r.YourIPAddr.IsUnspecified() && x.out.from.Is4() && len(r.ClientHWAddr) == 6
}

const etherLen, ipLen, udpLen = 14, 20, 8

// send sends an answer that it takes.
func (d *direct) send(x *exchange) error {
	x.reply = encode(x.reply[:0], x.out.reply)
	r := x.out.reply
	x.frame = frame(x.frame[:0], [6]byte(r.ClientHWAddr), d.mac, x.out.from.As4(), [4]byte(r.YourIPAddr.To4()), x.reply)
	_, err := d.file.Write(x.frame)
	return err
}

// frame appends an Ethernet frame with a UDP datagram from the server's port to the client's.
func frame(b []byte, to, from [6]byte, src, dst [4]byte, payload []byte) []byte {
	size := uint16(udpLen + len(payload)) //nolint:gosec // a reply is no longer than the client takes
	b = append(append(b, to[:]...), from[:]...)
	b = binary.BigEndian.AppendUint16(b, unix.ETH_P_IP)
	ip := len(b)
	b = append(b, 0x45, 0x10) // version and length; low delay, as other servers send it
	b = binary.BigEndian.AppendUint16(b, ipLen+size)
	b = append(b, 0, 0, 0x40, 0, 64, unix.IPPROTO_UDP, 0, 0) // not to be fragmented; 64 hops
	b = append(append(b, src[:]...), dst[:]...)
	binary.BigEndian.PutUint16(b[ip+10:], ^checksum(0, b[ip:]))
	udp := len(b)
	b = binary.BigEndian.AppendUint16(b, serverPort)
	b = binary.BigEndian.AppendUint16(b, clientPort)
	b = binary.BigEndian.AppendUint16(b, size)
	b = append(append(b, 0, 0), payload...)
	// The addresses are part of the checksum (RFC 768).
	sum := ^checksum(uint32(checksum(unix.IPPROTO_UDP+uint32(size), b[ip+12:udp])), b[udp:])
	if sum == 0 {
		sum = 0xffff // 0 stands for none
	}
	binary.BigEndian.PutUint16(b[udp+6:], sum)
	return b
}

// checksum adds octets to a sum in ones' complement (RFC 1071).
func checksum(sum uint32, b []byte) uint16 {
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}
