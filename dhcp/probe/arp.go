package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ErrSilent says that nobody has the address on the network.
var ErrSilent = errors.New("nobody answers ARP")

// arpTries is how often is asked, a second apart.
const arpTries = 2

// Neighbour asks by ARP (RFC 826) who has an IPv4 address on an interface, and returns its MAC. It needs
// CAP_NET_RAW.
func Neighbour(ctx context.Context, iface string, addr netip.Addr) (mac string, err error) {
	if !addr.Is4() {
		return "", fmt.Errorf("asking who has %s: ARP is for IPv4", addr)
	}
	l, err := openFor(iface, unix.ETH_P_ARP)
	if err != nil {
		return "", err
	}
	defer l.close()
	ask := arpRequest(l.mac, l.addr, addr)
	for range arpTries {
		if err := l.write(ask); err != nil {
			return "", fmt.Errorf("asking who has %s on %s: %w", addr, iface, err)
		}
		for until := time.Now().Add(time.Second); ctx.Err() == nil; {
			frame, err := l.read(until)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			if err != nil {
				return "", fmt.Errorf("asking who has %s on %s: %w", addr, iface, err)
			}
			if mac, ok := arpSender(frame, addr); ok {
				return mac, nil
			}
		}
	}
	return "", fmt.Errorf("asking who has %s on %s: %w", addr, iface, ErrSilent)
}

// Sizes and codes of ARP over Ethernet for IPv4.
const (
	etherARP = 0x0806
	arpLen   = 28
	arpAsks  = 1
	arpSays  = 2
)

func arpRequest(own [6]byte, from, who netip.Addr) []byte {
	b := make([]byte, ethLen+arpLen)
	copy(b, broadcastMAC[:])
	copy(b[6:], own[:])
	binary.BigEndian.PutUint16(b[12:], etherARP)
	a := b[ethLen:]
	copy(a, []byte{0, 1, 8, 0, 6, 4, 0, arpAsks})
	copy(a[8:], own[:])
	if from.IsValid() {
		ip := from.As4()
		copy(a[14:], ip[:])
	}
	ip := who.As4()
	copy(a[24:], ip[:])
	return b
}

// arpSender reads who says that it has an address.
func arpSender(b []byte, who netip.Addr) (mac string, ok bool) {
	if len(b) < ethLen+arpLen || binary.BigEndian.Uint16(b[12:]) != etherARP {
		return "", false
	}
	a := b[ethLen:]
	if [6]byte(a[:6]) != [6]byte{0, 1, 8, 0, 6, 4} || a[6] != 0 || a[7] != arpSays || netip.AddrFrom4([4]byte(a[14:18])) != who {
		return "", false
	}
	return net.HardwareAddr(a[8:14]).String(), true
}
