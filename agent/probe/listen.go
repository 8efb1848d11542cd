package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"socle/hardware"
)

// Listen hears LLDP on one interface until ctx ends and hands every valid frame's neighbour on. It sleeps until a frame of
// LLDP comes, whatever else the interface receives. Switches speak every 30 s by default.
func Listen(ctx context.Context, name string, heard func(hardware.Neighbor)) error {
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return fmt.Errorf("finding interface %s: %w", name, err)
	}
	socket, err := lldpSocket(ifi.Index)
	if err != nil {
		return fmt.Errorf("listening for LLDP on %s: %w", name, err)
	}
	return read(ctx, socket, 9216, func(frame []byte, err error) error {
		switch {
		case errors.Is(err, unix.ENETDOWN): // said once; it is listened on when the interface is up again
			return nil
		case err != nil:
			return fmt.Errorf("receiving LLDP on %s: %w", name, err)
		}
		if nb, err := ParseLLDP(frame); err == nil {
			heard(nb)
		}
		return nil
	})
}

// read hands what a socket receives to fn, until ctx ends or fn returns an error.
func read(ctx context.Context, socket *os.File, size int, fn func([]byte, error) error) error {
	stop := context.AfterFunc(ctx, func() { _ = socket.Close() }) // ends the wait for more
	defer func() {
		if stop() {
			_ = socket.Close()
		}
	}()
	buf := make([]byte, size)
	for {
		n, err := socket.Read(buf)
		if ctx.Err() != nil {
			return nil
		}
		if err := fn(buf[:max(n, 0)], err); err != nil {
			return err
		}
	}
}

func lldpSocket(ifindex int) (*os.File, error) {
	proto := binary.NativeEndian.Uint16([]byte{lldpType >> 8, lldpType & 0xff}) // in network order
	mreq := &unix.PacketMreq{Ifindex: int32(ifindex), Type: unix.PACKET_MR_MULTICAST, Alen: uint16(len(lldpGroup))}
	copy(mreq.Address[:], lldpGroup)
	// bound to no protocol at first: else frames of other interfaces would come until it is bound to its own
	return open(unix.AF_PACKET, 0, "lldp", func(fd int) error {
		return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: proto, Ifindex: ifindex})
	}, func(fd int) error {
		return unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, mreq)
	})
}

// open opens a raw socket on which the runtime can wait, and sets it up.
func open(family, proto int, name string, steps ...func(fd int) error) (*os.File, error) {
	fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, proto)
	if err != nil {
		return nil, err
	}
	for _, step := range steps {
		if err := step(fd); err != nil {
			_ = unix.Close(fd)
			return nil, err
		}
	}
	return os.NewFile(uintptr(fd), name), nil
}
