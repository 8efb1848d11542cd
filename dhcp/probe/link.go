package probe

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// link is a packet socket on an interface: whole Ethernet frames in and out.
type link struct {
	file *os.File
	mac  [6]byte
	addr netip.Addr // the interface's first IPv4 address; zero: it has none
	all  []netip.Addr
}

// open is for IPv4.
func open(name string) (*link, error) { return openFor(name, unix.ETH_P_IP) }

// openFor makes a socket that takes in frames of one protocol.
func openFor(name string, ether uint16) (*link, error) {
	ifc, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %s does not exist (%w)", ErrInterface, name, err)
	}
	if len(ifc.HardwareAddr) != 6 {
		return nil, fmt.Errorf("%w: %s is no Ethernet interface", ErrInterface, name)
	}
	if ifc.Flags&net.FlagUp == 0 {
		return nil, fmt.Errorf("%w: %s is down: ip link set %s up", ErrInterface, name, name)
	}
	l := &link{mac: [6]byte(ifc.HardwareAddr)}
	addrs, err := ifc.Addrs()
	if err != nil {
		return nil, fmt.Errorf("reading addresses of %s: %w", name, err)
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() {
			l.all = append(l.all, p.Addr())
		}
	}
	if len(l.all) > 0 {
		l.addr = l.all[0]
	}
	proto := htons(ether)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, int(proto))
	switch {
	case errors.Is(err, syscall.EPERM):
		return nil, fmt.Errorf("opening a packet socket on %s: root or CAP_NET_RAW is needed: %w", name, err)
	case err != nil:
		return nil, fmt.Errorf("opening a packet socket on %s: %w", name, err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: proto, Ifindex: ifc.Index}); err != nil {
		return nil, errors.Join(fmt.Errorf("opening a packet socket on %s: %w", name, err), unix.Close(fd))
	}
	l.file = os.NewFile(uintptr(fd), "packet:"+name) //nolint:gosec // a descriptor is not negative
	return l, nil
}

func (l *link) close() { _ = l.file.Close() }

func (l *link) owns(a netip.Addr) bool {
	for _, b := range l.all {
		if a == b {
			return true
		}
	}
	return false
}

// read waits for one frame; os.ErrDeadlineExceeded when none came in time.
func (l *link) read(until time.Time) ([]byte, error) {
	if err := l.file.SetReadDeadline(until); err != nil {
		return nil, err
	}
	buf := make([]byte, 2048)
	n, err := l.file.Read(buf)
	if err != nil {
		return nil, err
	}
	return buf[:n], nil
}

func (l *link) write(frame []byte) error {
	_, err := l.file.Write(frame)
	return err
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }
