package tftp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// listener is one socket that requests come to.
type listener struct {
	fd   int
	addr netip.AddrPort
	buf  [maxRequestLength + 1]byte
	oob  [128]byte
}

// requestsAtOnce is how many requests are read before the loop looks after its transfers again.
const requestsAtOnce = 16

// listenAll opens the sockets for an address: one for "ADDRESS:PORT"; for ":PORT" one of IPv4 and, where
// the system has it, one of IPv6.
func listenAll(addr string) ([]*listener, error) {
	ua, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, fmt.Errorf("reading TFTP address %q: %w", addr, err)
	}
	port := ua.AddrPort().Port()
	if ua.IP != nil {
		a := ua.AddrPort()
		one, err := listen(netip.AddrPortFrom(zoned(a.Addr().Unmap()), port))
		if err != nil {
			return nil, err
		}
		return []*listener{one}, nil
	}
	v4, err := listen(netip.AddrPortFrom(netip.IPv4Unspecified(), port))
	if err != nil {
		return nil, err
	}
	v6, err := listen(netip.AddrPortFrom(netip.IPv6Unspecified(), v4.addr.Port()))
	switch {
	case errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL):
		return []*listener{v4}, nil // this system has no IPv6
	case err != nil:
		_ = unix.Close(v4.fd)
		return nil, err
	}
	return []*listener{v4, v6}, nil
}

// zoned replaces the name of an interface in a link-local address by its index.
func zoned(a netip.Addr) netip.Addr {
	if i, err := net.InterfaceByName(a.Zone()); a.Zone() != "" && err == nil {
		return a.WithZone(strconv.Itoa(i.Index))
	}
	return a
}

func listen(addr netip.AddrPort) (*listener, error) {
	family, level, info := unix.AF_INET6, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO
	if addr.Addr().Is4() {
		family, level, info = unix.AF_INET, unix.IPPROTO_IP, unix.IP_PKTINFO
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("listening for TFTP on %s: %w", addr, err)
	}
	if family == unix.AF_INET6 {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	}
	if err == nil {
		err = unix.SetsockoptInt(fd, level, info, 1)
	}
	if err == nil {
		err = unix.Bind(fd, sockaddr(addr))
	}
	var sa unix.Sockaddr
	if err == nil {
		sa, err = unix.Getsockname(fd)
	}
	switch {
	case err == nil:
		return &listener{fd: fd, addr: addrPort(sa)}, nil
	case errors.Is(err, unix.EADDRINUSE):
		err = fmt.Errorf("listening for TFTP on %s: another TFTP server has it, stop that one (ss -ulpn sport = :%d shows it): %w", addr, addr.Port(), err)
	case errors.Is(err, unix.EACCES):
		err = fmt.Errorf("listening for TFTP on %s: ports below 1024 need root or CAP_NET_BIND_SERVICE: %w", addr, err)
	default:
		err = fmt.Errorf("listening for TFTP on %s: %w", addr, err)
	}
	_ = unix.Close(fd)
	return nil, err
}

// receive reads requests and gives them to the server.
func (p *listener) receive(s *Server) {
	for range requestsAtOnce {
		n, oobn, _, from, err := unix.Recvmsg(p.fd, p.buf[:], p.oob[:], 0)
		if err != nil {
			return // nothing there, or an ICMP error of an answer: not our business
		}
		local, direct := destination(p.oob[:oobn])
		peer := addrPort(from)
		if !direct || peer.Port() == 0 {
			continue // RFC 1123 section 4.2.3.5: no answer to a broadcast
		}
		if local.Is6() && local.IsLinkLocalUnicast() {
			local = local.WithZone(peer.Addr().Zone())
		}
		s.request(peer, local, p.buf[:n])
	}
}

// destination finds the address that a datagram was sent to; direct is false for broadcast and multicast.
func destination(oob []byte) (local netip.Addr, direct bool) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return netip.Addr{}, false
	}
	for _, m := range msgs {
		switch {
		case m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_PKTINFO && len(m.Data) >= unix.SizeofInet4Pktinfo:
			i := (*unix.Inet4Pktinfo)(unsafe.Pointer(&m.Data[0])) //nolint:gosec // the layout of the control message
			local = netip.AddrFrom4(i.Spec_dst)
			return local, i.Addr == i.Spec_dst
		case m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_PKTINFO && len(m.Data) >= unix.SizeofInet6Pktinfo:
			i := (*unix.Inet6Pktinfo)(unsafe.Pointer(&m.Data[0])) //nolint:gosec // the layout of the control message
			local = netip.AddrFrom16(i.Addr)
			return local, !local.IsMulticast()
		}
	}
	return netip.Addr{}, false
}
