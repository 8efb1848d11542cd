package lab

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// lldpMulticast is the "nearest bridge" address (IEEE 802.1AB-2016, table 7-1). A bridge does not forward it.
var lldpMulticast = net.HardwareAddr{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e}

const etherTypeLLDP = 0x88cc

// The LLDP elements that a switch port sends (IEEE 802.1AB-2016, table 8-1).
const (
	tlvEnd        = 0
	tlvChassisID  = 1
	tlvPortID     = 2
	tlvTTL        = 3
	tlvPortDesc   = 4
	tlvSystemName = 5
)

// announcement is what one switch port says of itself.
type announcement struct {
	Chassis  net.HardwareAddr // chassis id of subtype "MAC address", and the frame's source
	PortID   string           // of subtype "interface name"
	PortDesc string
	System   string
	TTL      uint16 // seconds
}

// frame is the whole Ethernet frame, without checksum and padded to the least length.
func (a announcement) frame() []byte {
	f := append([]byte{}, lldpMulticast...)
	f = append(f, a.Chassis...)
	f = binary.BigEndian.AppendUint16(f, etherTypeLLDP)
	f = appendTLV(f, tlvChassisID, append([]byte{4}, a.Chassis...))
	f = appendTLV(f, tlvPortID, append([]byte{5}, a.PortID...))
	f = appendTLV(f, tlvTTL, binary.BigEndian.AppendUint16(nil, a.TTL))
	f = appendTLV(f, tlvPortDesc, []byte(a.PortDesc))
	f = appendTLV(f, tlvSystemName, []byte(a.System))
	f = appendTLV(f, tlvEnd, nil)
	for len(f) < 60 {
		f = append(f, 0)
	}
	return f
}

// appendTLV adds one element: seven bits of type, nine of length. Longer values are cut.
func appendTLV(f []byte, kind int, value []byte) []byte {
	if len(value) > 511 {
		value = value[:511]
	}
	f = binary.BigEndian.AppendUint16(f, uint16(kind<<9|len(value)))
	return append(f, value...)
}

// lldpInterval is how often a port announces itself; the standard's 30 s would be long for a short boot.
const lldpInterval = 5 * time.Second

// announce sends the frames of the switch ports that cables are plugged into, each out of its card's tap, until ctx ends.
func announce(ctx context.Context, cables func() []Cable, log *slog.Logger) error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening packet socket for LLDP: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	tick := time.NewTicker(lldpInterval)
	defer tick.Stop()
	for {
		for _, c := range cables() {
			if c.Switch == "" || c.Port == BMCPort { // a BMC tells by Redfish what it hears
				continue
			}
			if err := sendLLDP(fd, c); err != nil && !errors.Is(err, unix.ENETDOWN) {
				log.Warn("sending LLDP", "machine", c.Server, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func sendLLDP(fd int, c Cable) error {
	chassis, err := net.ParseMAC(MAC(c.Switch, 0))
	if err != nil {
		return err
	}
	tap := tapName(c.Server, c.Port-1)
	link, err := net.InterfaceByName(tap)
	if err != nil {
		return fmt.Errorf("finding %s: %w", tap, err)
	}
	a := announcement{Chassis: chassis, PortID: c.SwitchPort, PortDesc: "to " + c.Server, System: c.Switch, TTL: 20}
	to := &unix.SockaddrLinklayer{Protocol: etherTypeLLDP<<8&0xff00 | etherTypeLLDP>>8, Ifindex: link.Index, Halen: 6}
	copy(to.Addr[:], lldpMulticast)
	return unix.Sendto(fd, a.frame(), 0, to)
}
