package tftp

import (
	"fmt"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sockaddr makes an address for the kernel; the zone of a link-local one is the index of its interface.
func sockaddr(a netip.AddrPort) unix.Sockaddr {
	ip := a.Addr().Unmap()
	if ip.Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: ip.As4()}
	}
	zone, _ := strconv.ParseUint(ip.Zone(), 10, 32) // no zone is zone 0
	return &unix.SockaddrInet6{Port: int(a.Port()), ZoneId: uint32(zone), Addr: ip.As16()}
}

func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		a := netip.AddrFrom16(sa.Addr)
		if sa.ZoneId != 0 && a.IsLinkLocalUnicast() {
			a = a.WithZone(strconv.Itoa(int(sa.ZoneId)))
		}
		return netip.AddrPortFrom(a, uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// openTransfer makes the socket of one transfer: it sends from the address that the client asked, on a port
// of its own (RFC 1350 section 4), and is connected, so that the kernel drops what others send there and
// tells when the client's port is closed. An invalid local address leaves the choice to the kernel.
func openTransfer(local netip.Addr, peer netip.AddrPort) (fd int, err error) {
	family := unix.AF_INET6
	if peer.Addr().Is4() {
		family = unix.AF_INET
	}
	fd, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("opening a socket for %s: %w", peer, err)
	}
	if local.IsValid() {
		if err = unix.Bind(fd, sockaddr(netip.AddrPortFrom(local, 0))); err != nil {
			err = fmt.Errorf("binding to %s: %w", local, err)
		}
	}
	if err == nil {
		if err = unix.Connect(fd, sockaddr(peer)); err != nil {
			err = fmt.Errorf("connecting to %s: %w", peer, err)
		}
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// source is the address that the kernel would send from to a peer.
func source(peer netip.AddrPort) (netip.Addr, error) {
	fd, err := openTransfer(netip.Addr{}, peer)
	if err != nil {
		return netip.Addr{}, err
	}
	defer func() { _ = unix.Close(fd) }()
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("asking for the address towards %s: %w", peer, err)
	}
	return addrPort(sa).Addr(), nil
}

// fits is the largest block that one packet to the peer of a connected socket carries.
func fits(fd int, v4 bool) int {
	level, name, headers := unix.IPPROTO_IPV6, unix.IPV6_MTU, 40+8+4
	if v4 {
		level, name, headers = unix.IPPROTO_IP, unix.IP_MTU, 20+8+4
	}
	mtu, err := unix.GetsockoptInt(fd, level, name)
	if err != nil {
		mtu = 1500
	}
	return min(max(mtu-headers, minBlock), maxBlock)
}

// The calls below never block, so the Go scheduler is not told of them: that costs more than they do.

func read(fd int, b []byte) (int, unix.Errno) {
	n, _, err := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0, 0, 0) //nolint:gosec // the buffer outlives the call
	return int(n), err
}

func write(fd int, b []byte) unix.Errno {
	_, _, err := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0, 0, 0) //nolint:gosec // the buffer outlives the call
	return err
}

// batch sends several blocks of a file at once. Its buffers belong to one event loop.
type batch struct {
	heads [maxBatch * 4]byte
	iov   [maxBatch * 2]unix.Iovec
	msgs  [maxBatch]mmsghdr
	seg   [24]byte // a control message UDP_SEGMENT: header of 16 bytes, value of 2, padding
	flat  [4 + maxBlock]byte
}

// mmsghdr is struct mmsghdr of sendmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
	_   [4]byte
}

const (
	maxBatch   = 64    // the kernel takes so many segments of one datagram
	maxSegment = 65000 // bytes of all segments together
)

func newBatch() *batch {
	b := &batch{}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b.seg[0])) //nolint:gosec // the layout of a control message
	h.Level, h.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	return b
}

// fill puts n blocks from the given one on into the vectors.
func (b *batch) fill(data []byte, size int, first int64, n int) {
	for i := range n {
		block := first + int64(i)
		head := b.heads[i*4 : i*4+4]
		putHead(head, block)
		from := (block - 1) * int64(size)
		part := data[from:min(from+int64(size), int64(len(data)))]
		b.iov[2*i].Base = &head[0]
		b.iov[2*i].SetLen(4)
		b.iov[2*i+1].Base = unsafe.SliceData(part)
		b.iov[2*i+1].SetLen(len(part))
	}
}

func putHead(head []byte, block int64) {
	head[0], head[1], head[2], head[3] = 0, opData, byte(block>>8), byte(block)
}

// one sends a single block.
func (b *batch) one(fd int, data []byte, size int, block int64) (int, unix.Errno) {
	putHead(b.flat[:4], block)
	from := (block - 1) * int64(size)
	n := copy(b.flat[4:], data[from:min(from+int64(size), int64(len(data)))])
	if err := write(fd, b.flat[:4+n]); err != 0 {
		return 0, err
	}
	return 1, 0
}

// segmented hands n blocks to the kernel as one datagram that it, or the network card, cuts (UDP_SEGMENT).
func (b *batch) segmented(fd int, data []byte, size int, first int64, n int) (int, unix.Errno) {
	n = min(n, maxBatch, maxSegment/(size+4))
	b.fill(data, size, first, n)
	*(*uint16)(unsafe.Pointer(&b.seg[unix.CmsgLen(0)])) = uint16(size + 4) //nolint:gosec // the value of the control message
	m := &b.msgs[0].hdr
	*m = unix.Msghdr{Iov: &b.iov[0], Control: &b.seg[0]}
	m.SetIovlen(2 * n)
	m.SetControllen(len(b.seg))
	_, _, err := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(m)), 0) //nolint:gosec // the message outlives the call
	if err != 0 {
		return 0, err
	}
	return n, 0
}

// canSegment tells whether two blocks at least fit one segmented datagram.
func canSegment(block int) bool { return 2*(block+4) <= maxSegment }

// each hands n blocks to the kernel as so many datagrams in one call.
func (b *batch) each(fd int, data []byte, size int, first int64, n int) (int, unix.Errno) {
	n = min(n, maxBatch)
	b.fill(data, size, first, n)
	for i := range n {
		b.msgs[i].hdr = unix.Msghdr{Iov: &b.iov[2*i]}
		b.msgs[i].hdr.SetIovlen(2)
	}
	sent, _, err := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.msgs[0])), uintptr(n), 0, 0, 0) //nolint:gosec // the messages outlive the call
	if err != 0 {
		return 0, err
	}
	return int(sent), 0
}

// noSegments tells that a device or a path does not take segmented datagrams.
func noSegments(err unix.Errno) bool {
	switch err {
	case unix.EIO, unix.EINVAL, unix.EMSGSIZE, unix.EOPNOTSUPP, unix.ENOPROTOOPT:
		return true
	}
	return false
}
