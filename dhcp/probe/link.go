package probe

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// link is a packet socket on an interface: whole Ethernet frames in and out.
type link struct {
	file *os.File
	mac  [6]byte
	addr netip.Addr // the interface's first IPv4 address; zero: it has none
	all  []netip.Addr
}

// open is for replies of BOOTP and DHCP that come in. The kernel drops all else: on the interface of a busy
// server it would be thousands of frames a second.
func open(name string) (*link, error) {
	l, err := openFor(name, unix.ETH_P_IP)
	if err != nil {
		return nil, err
	}
	if err := l.filter(); err != nil {
		l.close()
		return nil, fmt.Errorf("setting the filter of a packet socket on %s: %w", name, err)
	}
	return l, nil
}

// filter has the kernel pass only UDP whose payload begins as a BOOTREPLY (RFC 2131 section 2), and that others
// sent.
func (l *link) filter() error {
	const bootReply = 2
	code, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.ETH_P_IP, SkipTrue: 8},
		bpf.LoadAbsolute{Off: ethLen + 9, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: protoUDP, SkipTrue: 6},
		bpf.LoadAbsolute{Off: ethLen + 6, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 0x1fff, SkipTrue: 4}, // not the first fragment
		bpf.LoadMemShift{Off: ethLen},
		bpf.LoadIndirect{Off: ethLen + udpLen, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: bootReply, SkipTrue: 1},
		bpf.RetConstant{Val: 1 << 18},
		bpf.RetConstant{Val: 0},
	})
	if err != nil {
		return err
	}
	program := make([]unix.SockFilter, 0, len(code))
	for _, c := range code {
		program = append(program, unix.SockFilter{Code: c.Op, Jt: c.Jt, Jf: c.Jf, K: c.K})
	}
	raw, err := l.file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = errors.Join(
			unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}), //nolint:gosec // a dozen
			unix.SetsockoptInt(int(fd), unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1))
	})
	return errors.Join(err, failed)
}

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
