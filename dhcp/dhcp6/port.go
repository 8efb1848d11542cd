package dhcp6

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"socle/dhcp/replica"

	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

const (
	serverPort = 547
	clientPort = 546
)

// The groups that clients and relays send to (RFC 8415 section 7.1).
var groups = []string{"ff02::1:2", "ff05::1:3"}

// port is the socket of one interface.
type port struct {
	name  string
	conn  *ipv6.PacketConn
	index int // of the interface, which is another one when it was made anew under the same name
}

// receiveBuffer is in bytes; the kernel counts about 1.3 kB for each packet.
const receiveBuffer = 4 << 20

var (
	errClosed  = net.ErrClosed
	errMissing = errors.New("the interface is not there, or not up")
)

// openPort listens on an interface, and only there. The socket has neither SO_REUSEADDR nor SO_REUSEPORT:
// the kernel then refuses a second server on the interface, which would otherwise silently get a part of
// the packets.
func openPort(ctx context.Context, name string) (*port, error) {
	ifc, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("looking for interface %s: %w (%w)", name, errMissing, err)
	}
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var opt error
		err := raw.Control(func(fd uintptr) {
			opt = unix.BindToDevice(int(fd), name)
			// Room for a rack that powers on at once. The force needs CAP_NET_ADMIN; without it the system's
			// limit holds, which is no failure.
			if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
				_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
			}
		})
		return errors.Join(err, opt)
	}}
	conn, err := lc.ListenPacket(ctx, "udp6", fmt.Sprintf("[::]:%d", serverPort))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("listening for DHCPv6 on %s: another DHCPv6 server has port %d, stop that one (ss -ulpn sport = :%d shows it): %w",
			name, serverPort, serverPort, err)
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return nil, fmt.Errorf("listening for DHCPv6 on %s: root, or CAP_NET_BIND_SERVICE and CAP_NET_RAW, are needed: %w", name, err)
	case errors.Is(err, syscall.ENODEV):
		return nil, fmt.Errorf("listening for DHCPv6 on %s: %w (%w)", name, errMissing, err)
	case err != nil:
		return nil, fmt.Errorf("listening for DHCPv6 on %s: %w", name, err)
	}
	p := &port{name: name, conn: ipv6.NewPacketConn(conn), index: ifc.Index}
	for _, g := range groups {
		if err := p.conn.JoinGroup(ifc, &net.UDPAddr{IP: net.ParseIP(g)}); err != nil {
			return nil, errors.Join(fmt.Errorf("joining %s on %s: %w (%w)", g, name, errMissing, err), conn.Close())
		}
	}
	if err := p.conn.SetControlMessage(ipv6.FlagDst, true); err != nil {
		return nil, errors.Join(fmt.Errorf("asking for destinations on %s: %w", name, err), conn.Close())
	}
	return p, nil
}

// send sends a datagram; from the address that the request was sent to when that was one of ours.
func (p *port) send(b []byte, to netip.AddrPort, from netip.Addr) error {
	cm := &ipv6.ControlMessage{IfIndex: p.index}
	if from.IsValid() {
		cm.Src = from.AsSlice()
	}
	_ = p.conn.SetWriteDeadline(time.Now().Add(time.Second)) // fails only on a closed socket, as the write does
	// Without a zone: Go remembers for a minute which interface a name meant, and the socket is bound to the right one.
	_, err := p.conn.WriteTo(b, cm, net.UDPAddrFromAddrPort(netip.AddrPortFrom(to.Addr().WithZone(""), to.Port())))
	return err
}

// attend keeps an interface served: it opens the socket when the interface is there, and again when the
// interface was made anew.
func (s *Server) attend(ctx context.Context, name string) error {
	missing := false
	for ctx.Err() == nil {
		p, err := openPort(ctx, name)
		switch {
		case ctx.Err() != nil:
			if p != nil {
				_ = p.conn.Close()
			}
			return nil
		case errors.Is(err, errMissing):
			if !missing {
				s.opt.Log.Warn("DHCPv6 waits for its interface", "interface", name, "err", err)
			}
			missing = true
			replica.Sleep(ctx, s.opt.Recheck)
			continue
		case err != nil:
			return err
		}
		missing = false
		s.opt.Log.Info("DHCPv6 serves", "interface", name)
		err = s.read(ctx, p)
		_ = p.conn.Close()
		if ctx.Err() == nil {
			s.opt.Log.Warn("DHCPv6 opens its socket again", "interface", name, "reason", err)
			replica.Sleep(ctx, 100*time.Millisecond)
		}
	}
	return nil
}

var errChanged = errors.New("the interface changed")

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
		n, cm, src, err := p.conn.ReadFrom(buf)
		if now := time.Now(); !now.Before(check) {
			if ifc, err := net.InterfaceByName(p.name); err != nil || ifc.Index != p.index {
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
		j := job{data: append([]byte(nil), buf[:n]...), port: p, from: src.(*net.UDPAddr).AddrPort()}
		if cm != nil {
			if a, ok := netip.AddrFromSlice(cm.Dst); ok && !a.IsMulticast() {
				j.to = a
			}
		}
		select {
		case s.jobs <- j:
		default:
			s.stats.dropped.Add(1)
		}
	}
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}
