package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Client is a kind of client that is asked as.
type Client struct {
	Name  string  // for people
	Class string  // option 60; empty: none
	Arch  *uint16 // option 93; nil: none
	HTTP  bool    // UEFI HTTP boot
}

// Clients lists the kinds of clients.
func Clients() []Client {
	arch := func(a uint16) *uint16 { return &a }
	return []Client{
		{Name: "plain client"},
		{Name: "BIOS PXE", Class: "PXEClient:Arch:00000:UNDI:002001", Arch: arch(0)},
		{Name: "UEFI PXE", Class: "PXEClient:Arch:00007:UNDI:003016", Arch: arch(7)},
		{Name: "UEFI HTTP boot", Class: "HTTPClient:Arch:00016:UNDI:003001", Arch: arch(16), HTTP: true},
	}
}

// Options that the library has no names for (RFC 4578).
const (
	optNetworkInterface = dhcpv4.GenericOptionCode(94)
	optMachineID        = dhcpv4.GenericOptionCode(97)
)

// wanted is option 55 of all questions: what shows most of a server's intent.
var wanted = []byte{1, 3, 6, 12, 15, 28, 42, 43, 51, 54, 60, 66, 67, 128, 129, 130, 131, 132, 133, 134, 135}

// common is what all questions of a client have.
func common(c Client, kind dhcpv4.MessageType, xid uint32, mac [6]byte) *dhcpv4.DHCPv4 {
	p := &dhcpv4.DHCPv4{
		OpCode: dhcpv4.OpcodeBootRequest, HWType: 1, ClientHWAddr: net.HardwareAddr(mac[:]),
		ClientIPAddr: net.IPv4zero, YourIPAddr: net.IPv4zero, ServerIPAddr: net.IPv4zero, GatewayIPAddr: net.IPv4zero,
		Options: dhcpv4.Options{},
	}
	binary.BigEndian.PutUint32(p.TransactionID[:], xid)
	o := p.Options
	o[dhcpv4.OptionDHCPMessageType.Code()] = []byte{byte(kind)}
	o[dhcpv4.OptionMaximumDHCPMessageSize.Code()] = []byte{0x05, 0xc0}
	o[dhcpv4.OptionParameterRequestList.Code()] = wanted
	if c.Class != "" {
		o[dhcpv4.OptionClassIdentifier.Code()] = []byte(c.Class)
	}
	if c.Arch != nil {
		o[dhcpv4.OptionClientSystemArchitectureType.Code()] = binary.BigEndian.AppendUint16(nil, *c.Arch)
		o[optNetworkInterface.Code()] = []byte{1, 2, 1}
		o[optMachineID.Code()] = append(make([]byte, 11), mac[:]...) // type 0, a UUID that ends in the MAC
	}
	return p
}

func discover(c Client, xid uint32, mac [6]byte, relay netip.Addr) []byte {
	p := common(c, dhcpv4.MessageTypeDiscover, xid, mac)
	p.SetBroadcast() // the probe has no address to be spoken to
	if relay.IsValid() {
		p.GatewayIPAddr, p.HopCount = relay.AsSlice(), 1
	}
	return p.ToBytes()
}

// bootRequest asks a boot server for its file.
func bootRequest(c Client, xid uint32, mac [6]byte, own netip.Addr) []byte {
	p := common(c, dhcpv4.MessageTypeRequest, xid, mac)
	p.ClientIPAddr = own.AsSlice()
	return p.ToBytes()
}

var errNoReply = errors.New("not a DHCP reply")

// readReply reads what a server sent; foreign bytes end in an error.
func readReply(b []byte) (*dhcpv4.DHCPv4, error) {
	p, err := dhcpv4.FromBytes(slices.Clone(b))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoReply, err)
	}
	if p.OpCode != dhcpv4.OpcodeBootReply {
		return nil, errNoReply
	}
	return p, nil
}
