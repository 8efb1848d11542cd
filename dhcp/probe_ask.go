package dhcp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	arpSize    = 28 // of a packet for Ethernet and IPv4 (RFC 826)
	arpRequest = 1
)

// askARP asks on a link who has addresses, without saying that we want them (an ARP probe, RFC 5227 section
// 2.1.1), and listens for a while.
func askARP(name string, index int, addrs []netip.Addr, wait time.Duration) (answered, error) {
	ifc, err := net.InterfaceByIndex(index)
	if err != nil {
		return nil, fmt.Errorf("asking on %s: %w", name, err)
	}
	proto := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ARP))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(proto))
	if err != nil {
		return nil, fmt.Errorf("asking on %s by ARP needs CAP_NET_RAW: %w", name, err)
	}
	defer func() { _ = unix.Close(fd) }()
	here := &unix.SockaddrLinklayer{Protocol: proto, Ifindex: index}
	tick := unix.NsecToTimeval(int64(20 * time.Millisecond))
	if err := errors.Join(unix.Bind(fd, here), unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tick)); err != nil {
		return nil, fmt.Errorf("asking on %s by ARP: %w", name, err)
	}
	all := &unix.SockaddrLinklayer{Protocol: proto, Ifindex: index, Halen: 6, Addr: [8]uint8{255, 255, 255, 255, 255, 255}}
	asked := make(map[netip.Addr]bool, len(addrs))
	for _, a := range addrs {
		asked[a] = true
		if err := unix.Sendto(fd, arpProbe(ifc.HardwareAddr, a), 0, all); err != nil {
			return nil, fmt.Errorf("asking on %s for %s: %w", name, a, err)
		}
	}
	found, buf := answered{}, make([]byte, 128)
	for end := time.Now().Add(wait); time.Now().Before(end); {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err != nil {
			if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
				continue
			}
			return nil, fmt.Errorf("listening on %s for ARP: %w", name, err)
		}
		if mac, addr, ok := arpSender(buf[:n]); ok && asked[addr] && mac != ifc.HardwareAddr.String() {
			found[addr] = mac
		}
	}
	return found, nil
}

func arpProbe(from net.HardwareAddr, addr netip.Addr) []byte {
	b := make([]byte, arpSize)
	copy(b, []byte{0, 1, 8, 0, 6, 4, 0, arpRequest})
	copy(b[8:14], from)
	a := addr.As4()
	copy(b[24:], a[:])
	return b
}

// arpSender is who says in an ARP packet, of whatever kind, that it has an address.
func arpSender(b []byte) (mac string, addr netip.Addr, ok bool) {
	if len(b) < arpSize || [6]byte(b[:6]) != [6]byte{0, 1, 8, 0, 6, 4} {
		return "", addr, false
	}
	return net.HardwareAddr(b[8:14]).String(), netip.AddrFrom4([4]byte(b[14:18])), true
}

const (
	icmpEchoReply   = 0
	icmpEchoRequest = 8
)

// askICMP sends an echo request to addresses, and listens for a while.
func askICMP(ctx context.Context, addrs []netip.Addr, wait time.Duration) (answered, error) {
	conn, err := (&net.ListenConfig{}).ListenPacket(ctx, "ip4:icmp", "0.0.0.0")
	if err != nil {
		return nil, fmt.Errorf("asking by ICMP needs CAP_NET_RAW: %w", err)
	}
	defer func() { _ = conn.Close() }()
	asked := make(map[netip.Addr]bool, len(addrs))
	for i, a := range addrs {
		asked[a] = true
		// An address without a route, or whose neighbour is known to be gone, is an address without a user.
		_, _ = conn.WriteTo(echo(uint16(i)), &net.IPAddr{IP: a.AsSlice()}) //nolint:gosec // few addresses
	}
	if err := conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return nil, fmt.Errorf("asking by ICMP: %w", err)
	}
	found, buf := answered{}, make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return found, nil
		}
		if err != nil {
			return nil, fmt.Errorf("listening for ICMP: %w", err)
		}
		if ip, ok := from.(*net.IPAddr); ok && n > 0 && buf[0] == icmpEchoReply {
			if a, _ := netip.AddrFromSlice(ip.IP.To4()); asked[a] {
				found[a] = ""
			}
		}
	}
}

// echo is an echo request (RFC 792).
func echo(seq uint16) []byte {
	b := []byte{icmpEchoRequest, 0, 0, 0, 0x50, 0xc1, 0, 0}
	binary.BigEndian.PutUint16(b[6:], seq)
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	binary.BigEndian.PutUint16(b[2:], ^uint16(sum+sum>>16)) //nolint:gosec // the carry is folded in
	return b
}
