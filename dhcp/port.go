package dhcp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"socle/dhcp/replica"
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
	conn    *net.UDPConn
	batch   *ipv4.PacketConn // the same socket, for many datagrams at once
	direct  *direct          // nil: clients without an address get broadcasts
	ifc     *net.Interface
	index   int // of the interface, which is another one when it was made anew under the same name
	link    Link
	sources map[netip.Addr][]byte
	byMAC   *limiter
	byPort  *limiter
	told    *limiter // evidence of what the two drop
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
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1),
				unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1))
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
	p := newPort(conn.(*net.UDPConn), ifc.Index, Link{Interface: name, Addrs: addrs, Port: at.number})
	p.ifc = ifc
	return p, nil
}

// A booting machine sends two or three datagrams at each of its stages, and asks again every few seconds. What
// one MAC or one switch port sends beyond these limits is dropped before it costs more than a look.
const (
	macRate, macBurst   = 20, 60
	portRate, portBurst = 100, 300
	limitedKeys         = 1 << 14 // MACs, and ports, that are told apart on a socket
	toldRate            = 0.1     // lines of evidence a second that one MAC, or port, is dropped
)

func newPort(conn *net.UDPConn, index int, link Link) *port {
	return &port{conn: conn, batch: ipv4.NewPacketConn(conn), index: index, link: link, sources: sources(index, link.Addrs),
		byMAC: newLimiter(macRate, macBurst, limitedKeys), byPort: newLimiter(portRate, portBurst, limitedKeys),
		told: newLimiter(toldRate, 1, limitedKeys)}
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
			replica.Sleep(ctx, s.opt.Recheck)
			continue
		case err != nil:
			return err
		}
		missing = false
		s.opt.Log.Info("DHCP serves", "interface", at.name, "port", at.number, "addresses", p.link.Addrs)
		if at.number == serverPort {
			if p.direct, err = openDirect(p.ifc); err != nil {
				s.opt.Log.Info("DHCP answers clients without an address by broadcast", "err", err)
			}
		}
		s.opened(at, p)
		err = s.receive(ctx, p)
		s.opened(at, nil)
		_ = p.conn.Close()
		p.direct.close()
		if ctx.Err() == nil {
			s.opt.Log.Warn("DHCP opens its socket again", "interface", at.name, "port", at.number, "reason", err)
			replica.Sleep(ctx, 100*time.Millisecond)
		}
	}
	return nil
}

// opened notes which socket an interface has.
func (s *Server) opened(at listen, p *port) {
	if at.number != serverPort {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ports[at.name] = p; p == nil {
		delete(s.ports, at.name)
	}
}

var errChanged = errors.New("the interface or its addresses changed")

// receiveBatch is how many datagrams one system call brings, and maxDatagram how long they may be: what is
// longer is no DHCP on any network that servers boot from.
const (
	receiveBatch = 64
	maxDatagram  = 4096
)

// receive queues what comes in, until ctx ends, the socket fails, or the interface is no longer the same.
func (s *Server) receive(ctx context.Context, p *port) error {
	stop := context.AfterFunc(ctx, func() { _ = p.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	messages := make([]ipv4.Message, receiveBatch)
	for i := range messages {
		messages[i].Buffers, messages[i].OOB = [][]byte{make([]byte, maxDatagram)}, make([]byte, 64)
	}
	arrivals := make([]arrival, 0, receiveBatch)
	var own worker
	check := time.Now().Add(s.opt.Recheck)
	if err := p.conn.SetReadDeadline(check); err != nil {
		return err
	}
	for {
		if ctx.Err() != nil { // the deadline of the stop may just have been overwritten
			return ctx.Err()
		}
		n, err := p.batch.ReadBatch(messages, 0)
		now := time.Now()
		if !now.Before(check) {
			if !p.same() {
				return errChanged
			}
			check = now.Add(s.opt.Recheck)
			if err := p.conn.SetReadDeadline(check); err != nil {
				return err
			}
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && isTimeout(err):
			continue
		case err != nil:
			return fmt.Errorf("reading from the socket: %w", err)
		}
		arrivals = s.sift(p, messages[:n], now, arrivals[:0])
		if len(arrivals) <= few {
			var alone bool
			if own.batch, alone = s.queue.pass(p, arrivals, own.batch[:0]); alone {
				s.serve(&own)
				continue
			}
		}
		discovers, others := s.queue.push(p, arrivals)
		s.stats.shedDiscovers.Add(int64(discovers))
		s.stats.shedOthers.Add(int64(others))
	}
}

// sift drops what is no request, and what is too much of one MAC or switch port.
func (s *Server) sift(p *port, messages []ipv4.Message, now time.Time, out []arrival) []arrival {
	s.stats.received.Add(int64(len(messages)))
	for _, m := range messages {
		data := m.Buffers[0][:m.N]
		g, ok := peek(data)
		switch {
		case !ok:
			s.stats.malformed.Add(1)
		case !p.byMAC.allow(now, g.mac):
			s.stats.limitedMAC.Add(1)
			s.recordDropped(p, data, now, "its MAC sends too many requests", g.mac)
		case g.relayPort != nil && !p.byPort.allow(now, g.relay, g.relayPort):
			s.stats.limitedPort.Add(1)
			s.recordDropped(p, data, now, "too many requests come from its relay port", g.relay, g.relayPort)
		default:
			a := arrival{data: data, kind: g.kind, to: sentTo(m.OOB[:m.NN])}
			if from, ok := m.Addr.(*net.UDPAddr); ok {
				a.peer = from.AddrPort()
			}
			out = append(out, a)
		}
	}
	return out
}

// sentTo is the address that a datagram was sent to, from its control message (ip(7), IP_PKTINFO); zero when
// it has none.
func sentTo(oob []byte) netip.Addr {
	const header, size = 16, 12 // of struct cmsghdr and struct in_pktinfo, whose last field it is
	if len(oob) < header+size || binary.NativeEndian.Uint32(oob[8:]) != unix.IPPROTO_IP || binary.NativeEndian.Uint32(oob[12:]) != unix.IP_PKTINFO {
		return netip.Addr{}
	}
	return netip.AddrFrom4([4]byte(oob[header+size-4 : header+size]))
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
