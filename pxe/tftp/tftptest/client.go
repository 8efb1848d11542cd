package tftptest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// client does one transfer after the other.
type client struct {
	run    *runner
	number int
	fd     int
	last   []byte // what it sent last
	ackBuf [4]byte
	began  time.Duration
	heard  time.Duration
	tries  int

	connected    bool
	block        int
	window       int
	got          int64 // blocks, in order
	bytes        int
	sinceAck     int
	answers      int
	gapConfessed bool // a gap was answered; what follows it is only thrown away
}

func (c *client) begin() error {
	l := c.run.load
	family := unix.AF_INET6
	if l.Server.Addr().Is4() {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening a socket: %w", err)
	}
	*c = client{run: c.run, number: c.number, fd: fd, began: c.run.now, heard: c.run.now, block: 512, window: 1}
	c.run.running++
	for len(c.run.byFD) <= fd {
		c.run.byFD = append(c.run.byFD, nil)
	}
	c.run.byFD[fd] = c
	if len(l.Sources) > 0 {
		if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(l.Sources[c.number%len(l.Sources)], 0))); err != nil {
			return fmt.Errorf("sending from %s: %w", l.Sources[c.number%len(l.Sources)], err)
		}
	}
	if err := unix.EpollCtl(c.run.ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(fd)}); err != nil { //nolint:gosec // a descriptor is an int
		return fmt.Errorf("watching a socket: %w", err)
	}
	c.last = []byte("\x00\x01" + l.File + "\x00octet\x00")
	for name, v := range map[string]int{"blksize": l.BlockSize, "windowsize": l.Window} {
		if v > 0 {
			c.last = append(c.last, name+"\x00"+strconv.Itoa(v)+"\x00"...)
		}
	}
	return c.send()
}

func (c *client) close() {
	if c.fd < 0 {
		return
	}
	c.run.byFD[c.fd] = nil
	_ = unix.Close(c.fd)
	c.fd = -1
	c.run.running--
}

func (c *client) send() error {
	if c.run.lost() {
		return nil
	}
	if !c.connected {
		if err := unix.Sendto(c.fd, c.last, 0, sockaddr(c.run.load.Server)); err != nil && !errors.Is(err, unix.EAGAIN) {
			return fmt.Errorf("sending: %w", err)
		}
		return nil
	}
	_, _, err := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(c.fd), uintptr(unsafe.Pointer(&c.last[0])), uintptr(len(c.last)), 0, 0, 0) //nolint:gosec // the buffer outlives the call
	if err != 0 && err != unix.EAGAIN {
		return fmt.Errorf("sending: %w", err)
	}
	return nil
}

func (c *client) repeat() error {
	if c.tries++; c.tries > c.run.load.GiveUp {
		return fmt.Errorf("the server is silent after block %d", c.got)
	}
	c.heard = c.run.now
	c.run.result.Repeats++
	c.gapConfessed = false
	if err := c.readable(); err != nil || c.fd < 0 {
		return err
	}
	return c.send()
}

// readable reads until the socket is empty, or until something was answered: then an answer will come, and
// with it the next event.
func (c *client) readable() error {
	for answers := c.answers; c.fd >= 0 && answers == c.answers; {
		more, err := c.read()
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func (c *client) read() (more bool, err error) {
	if !c.connected {
		b := c.run.in.bufs[0]
		n, from, err := unix.Recvfrom(c.fd, b, 0)
		if err != nil {
			return false, nil //nolint:nilerr // nothing there yet: the timer repeats the request
		}
		if c.run.lost() {
			return true, nil
		}
		if err := unix.Connect(c.fd, from); err != nil {
			return false, fmt.Errorf("connecting to the transfer: %w", err)
		}
		c.connected = true
		return true, c.take(b[:n])
	}
	n, errno := c.run.in.receive(c.fd, min(c.window, len(c.run.in.bufs)))
	if errno == unix.EAGAIN || errno == unix.EINTR {
		return false, nil
	}
	if errno != 0 {
		return false, fmt.Errorf("receiving after block %d: %w", c.got, errno)
	}
	for i := range n {
		if c.fd < 0 || !c.connected || c.run.lost() {
			continue
		}
		if err := c.take(c.run.in.bufs[i][:c.run.in.msgs[i].n]); err != nil {
			return false, err
		}
	}
	return true, nil
}

// take looks at one datagram of the server.
func (c *client) take(b []byte) error {
	if len(b) < 4 {
		return fmt.Errorf("datagram of %d bytes", len(b))
	}
	switch op := binary.BigEndian.Uint16(b); op {
	case 3:
		return c.data(binary.BigEndian.Uint16(b[2:]), b[4:])
	case 5:
		return fmt.Errorf("the server says error %d: %.80q", binary.BigEndian.Uint16(b[2:]), b[4:])
	case 6:
		return c.options(b[2:])
	default:
		return fmt.Errorf("opcode %d", op)
	}
}

func (c *client) options(b []byte) error {
	if c.got > 0 {
		return nil // repeated
	}
	f := strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
	for i := 0; i+1 < len(f); i += 2 {
		v, err := strconv.Atoi(f[i+1])
		if err != nil {
			return fmt.Errorf("option %q: %w", f[i], err)
		}
		switch f[i] {
		case "blksize":
			c.block = v
		case "windowsize":
			c.window = v
		}
	}
	c.heard = c.run.now
	return c.acknowledge()
}

func (c *client) acknowledge() error {
	binary.BigEndian.PutUint16(c.ackBuf[:], 4)
	binary.BigEndian.PutUint16(c.ackBuf[2:], uint16(c.got)) //nolint:gosec // modulo 65536
	c.last, c.sinceAck = c.ackBuf[:], 0
	c.answers++
	return c.send()
}

func (c *client) data(n uint16, b []byte) error {
	want := c.run.load.Want
	if n != uint16(c.got+1) { //nolint:gosec // modulo 65536
		c.run.result.Extra++
		if c.gapConfessed {
			return nil
		}
		c.gapConfessed = true
		return c.acknowledge() // RFC 7440 section 4: say which block was the last in order
	}
	if c.bytes+len(b) > len(want) || !bytes.Equal(b, want[c.bytes:c.bytes+len(b)]) {
		return fmt.Errorf("block %d has wrong bytes", c.got+1)
	}
	c.got++
	c.bytes += len(b)
	c.sinceAck++
	c.gapConfessed = false
	c.heard, c.tries = c.run.now, 0
	c.run.result.Bytes += int64(len(b))
	if len(b) < c.block {
		return c.finish()
	}
	if c.sinceAck >= c.window {
		return c.acknowledge()
	}
	return nil
}

func (c *client) finish() error {
	if c.bytes != len(c.run.load.Want) {
		return fmt.Errorf("the file ended after %d of %d bytes", c.bytes, len(c.run.load.Want))
	}
	if err := c.acknowledge(); err != nil {
		return err
	}
	c.run.result.Transfers++
	c.run.result.Times = append(c.run.result.Times, c.run.now-c.began)
	c.close()
	if c.run.load.For > 0 {
		return c.begin()
	}
	return nil
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	zone, _ := strconv.ParseUint(a.Addr().Zone(), 10, 32) // no zone is zone 0
	return &unix.SockaddrInet6{Port: int(a.Port()), ZoneId: uint32(zone), Addr: a.Addr().As16()}
}

// inbox receives many datagrams with one call.
type inbox struct {
	bufs [64][]byte
	iov  [64]unix.Iovec
	msgs [64]struct {
		hdr unix.Msghdr
		n   uint32
		_   [4]byte
	}
}

func newInbox(block int) *inbox {
	in := &inbox{}
	for i := range in.msgs {
		in.bufs[i] = make([]byte, max(block, 1024)+64)
		in.iov[i].Base = &in.bufs[i][0]
		in.iov[i].SetLen(len(in.bufs[i]))
		in.msgs[i].hdr.Iov = &in.iov[i]
		in.msgs[i].hdr.SetIovlen(1)
	}
	return in
}

func (in *inbox) receive(fd, most int) (int, unix.Errno) {
	if most <= 1 {
		n, _, err := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&in.bufs[0][0])), uintptr(len(in.bufs[0]))) //nolint:gosec // the buffer outlives the call
		if err != 0 {
			return 0, err
		}
		in.msgs[0].n = uint32(n) //nolint:gosec // at most 65536
		return 1, 0
	}
	n, _, err := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&in.msgs[0])), uintptr(most), 0, 0, 0) //nolint:gosec // the messages outlive the call
	if err != 0 {
		return 0, err
	}
	return int(n), 0
}
