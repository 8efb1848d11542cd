package dhcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"socle/inventory"
)

// listen is an interface and a UDP port on it.
type listen struct {
	name   string
	number uint16 // serverPort, or pxePort
}

// listens lists where the server listens: on port 67 of each interface of a subnet, and where it is a proxy
// also on port 4011. An interface whose subnets are all off is left to others.
func (s *Server) listens() (out []listen) {
	add := func(l listen) {
		if l.name != "" && !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	for _, n := range s.opt.Subnets {
		switch n.Mode {
		case inventory.SubnetOff:
		case inventory.SubnetProxy:
			add(listen{n.Interface, serverPort})
			add(listen{n.Interface, pxePort})
		default:
			add(listen{n.Interface, serverPort})
		}
	}
	return out
}

// port is a socket of one interface.
type port struct {
	conn  *net.UDPConn
	index int // of the interface, which is another one when it was made anew under the same name
	link  Link
}

// receiveBuffer is in bytes; the kernel counts about 1.3 kB for each packet.
const receiveBuffer = 8 << 20

var (
	errClosed  = net.ErrClosed
	errMissing = errors.New("the interface does not exist")
)

// openPort listens on an interface, and only there. The socket has neither SO_REUSEADDR nor SO_REUSEPORT:
// the kernel then refuses a second server on the interface, which would otherwise silently get a part of
// the packets.
func openPort(ctx context.Context, at listen) (*port, error) {
	name := at.name
	ifc, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("looking for interface %s: %w (%w)", name, errMissing, err)
	}
	addrs, err := addresses(ifc)
	if err != nil {
		return nil, err
	}
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var opt error
		err := raw.Control(func(fd uintptr) {
			opt = errors.Join(unix.BindToDevice(int(fd), name),
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1))
			// Room for a rack that powers on at once. The force needs CAP_NET_ADMIN; without it the system's
			// limit holds, which is no failure.
			if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
				_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
			}
		})
		return errors.Join(err, opt)
	}}
	conn, err := lc.ListenPacket(ctx, "udp4", fmt.Sprintf("0.0.0.0:%d", at.number))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("listening for DHCP on %s: another DHCP server has port %d, stop that one (ss -ulpn sport = :%d shows it): %w",
			name, at.number, at.number, err)
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return nil, fmt.Errorf("listening for DHCP on %s: root, or CAP_NET_BIND_SERVICE and CAP_NET_RAW, are needed: %w", name, err)
	case errors.Is(err, syscall.ENODEV):
		return nil, fmt.Errorf("listening for DHCP on %s: %w (%w)", name, errMissing, err)
	case err != nil:
		return nil, fmt.Errorf("listening for DHCP on %s: %w", name, err)
	}
	udp := conn.(*net.UDPConn)
	return &port{conn: udp, index: ifc.Index, link: Link{Interface: name, Addrs: addrs, Port: at.number}}, nil
}

func addresses(ifc *net.Interface) (out []netip.Addr, err error) {
	list, err := ifc.Addrs()
	if err != nil {
		return nil, fmt.Errorf("reading addresses of %s: %w", ifc.Name, err)
	}
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() {
			out = append(out, p.Addr())
		}
	}
	return out, nil
}

// send sends a datagram from the address that clients know the server by, which with several addresses on
// the interface is not the kernel's choice.
func (p *port) send(b []byte, to netip.AddrPort, from netip.Addr) error {
	info := unix.Inet4Pktinfo{Ifindex: int32(p.index)}
	for _, a := range p.link.Addrs {
		if a == from {
			info.Spec_dst = a.As4()
		}
	}
	_ = p.conn.SetWriteDeadline(time.Now().Add(time.Second)) // fails only on a closed socket, as the write does
	_, _, err := p.conn.WriteMsgUDPAddrPort(b, unix.PktInfo4(&info), to)
	return err
}

// attend keeps an interface served: it opens the socket when the interface is there, and again when the
// interface was made anew.
func (s *Server) attend(ctx context.Context, at listen) error {
	missing := false
	for ctx.Err() == nil {
		p, err := openPort(ctx, at)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errMissing):
			if !missing {
				s.opt.Log.Warn("DHCP waits for its interface", "interface", at.name, "err", err)
			}
			missing = true
			sleep(ctx, s.opt.Recheck)
			continue
		case err != nil:
			return err
		}
		missing = false
		s.opt.Log.Info("DHCP serves", "interface", at.name, "port", at.number, "addresses", p.link.Addrs)
		err = s.read(ctx, p)
		_ = p.conn.Close()
		if ctx.Err() == nil {
			s.opt.Log.Warn("DHCP opens its socket again", "interface", at.name, "port", at.number, "reason", err)
			sleep(ctx, 100*time.Millisecond)
		}
	}
	return nil
}

var errChanged = errors.New("the interface or its addresses changed")

// read queues what comes in, until ctx ends, the socket fails, or the interface is no longer the same.
func (s *Server) read(ctx context.Context, p *port) error {
	stop := context.AfterFunc(ctx, func() { _ = p.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	buf := make([]byte, 4096)
	check := time.Now().Add(s.opt.Recheck)
	for {
		if err := p.conn.SetReadDeadline(check); err != nil {
			return err
		}
		if ctx.Err() != nil { // the deadline of the stop may just have been overwritten
			return ctx.Err()
		}
		n, peer, err := p.conn.ReadFromUDPAddrPort(buf)
		if now := time.Now(); !now.Before(check) {
			if !p.same() {
				return errChanged
			}
			check = now.Add(s.opt.Recheck)
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && isTimeout(err):
			continue
		case err != nil:
			return fmt.Errorf("reading from the socket: %w", err)
		}
		s.stats.received.Add(1)
		link := p.link
		link.Peer = peer
		select {
		case s.jobs <- job{data: append([]byte(nil), buf[:n]...), port: p, link: link}:
		default:
			s.stats.dropped.Add(1)
		}
	}
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// same tells whether the interface is the one that the socket is bound to, with the same addresses.
func (p *port) same() bool {
	ifc, err := net.InterfaceByName(p.link.Interface)
	if err != nil || ifc.Index != p.index {
		return false
	}
	addrs, err := addresses(ifc)
	if err != nil || len(addrs) != len(p.link.Addrs) {
		return false
	}
	for i := range addrs {
		if addrs[i] != p.link.Addrs[i] {
			return false
		}
	}
	return true
}
