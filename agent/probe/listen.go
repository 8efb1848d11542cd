package probe

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"socle/hardware"
)

// Listen hears LLDP on one interface until ctx ends and hands every valid frame's neighbour on. Switches
// speak every 30 s by default.
func Listen(ctx context.Context, name string, heard func(hardware.Neighbor)) error {
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return fmt.Errorf("finding interface %s: %w", name, err)
	}
	fd, err := lldpSocket(ifi.Index)
	if err != nil {
		return fmt.Errorf("listening for LLDP on %s: %w", name, err)
	}
	defer func() { _ = unix.Close(fd) }()
	buf := make([]byte, 9216)
	for ctx.Err() == nil {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		switch err {
		case nil:
		case unix.EAGAIN, unix.EINTR: // the receive timeout, which lets ctx be looked at
			continue
		case unix.ENETDOWN:
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
			continue
		default:
			return fmt.Errorf("receiving LLDP on %s: %w", name, err)
		}
		if nb, err := ParseLLDP(buf[:n]); err == nil {
			heard(nb)
		}
	}
	return nil
}

func lldpSocket(ifindex int) (int, error) {
	proto := binary.NativeEndian.Uint16([]byte{lldpType >> 8, lldpType & 0xff}) // in network order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(proto))
	if err != nil {
		return -1, err
	}
	mreq := &unix.PacketMreq{Ifindex: int32(ifindex), Type: unix.PACKET_MR_MULTICAST, Alen: uint16(len(lldpGroup))}
	copy(mreq.Address[:], lldpGroup)
	for _, step := range []func() error{
		func() error { return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: proto, Ifindex: ifindex}) },
		func() error { return unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, mreq) },
		func() error {
			return unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 500_000})
		},
	} {
		if err := step(); err != nil {
			_ = unix.Close(fd)
			return -1, err
		}
	}
	return fd, nil
}
