package dhcp

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"socle/inventory"
	"socle/pxe"
)

// Options that the library has no names for (RFC 4578).
const (
	optNetworkInterface = dhcpv4.GenericOptionCode(94)
	optMachineID        = dhcpv4.GenericOptionCode(97)
	optEtherboot        = dhcpv4.GenericOptionCode(175) // iPXE's encapsulated options
	subLinkSelection    = dhcpv4.GenericOptionCode(5)   // of option 82, RFC 3527
)

// request is a packet, read once.
type request struct {
	packet    *dhcpv4.DHCPv4
	kind      dhcpv4.MessageType
	mac       string
	client    pxe.Client
	pxe       bool   // wants to boot
	class     string // option 60, cleaned
	hostname  string // option 12, cleaned
	clientID  string
	requested netip.Addr // option 50
	server    netip.Addr // option 54
	ciaddr    netip.Addr
	giaddr    netip.Addr
	link      netip.Addr // the relay's link selection, or giaddr
}

var errNotForUs = errors.New("not a request of an Ethernet client")

// parse reads a datagram. Foreign bytes end in an error, never in a panic.
func parse(b []byte) (*request, error) {
	p, err := dhcpv4.FromBytes(b)
	if err != nil {
		return nil, fmt.Errorf("reading DHCP packet: %w", err)
	}
	return read(p)
}

func read(p *dhcpv4.DHCPv4) (*request, error) {
	if p.OpCode != dhcpv4.OpcodeBootRequest || len(p.ClientHWAddr) != 6 {
		return nil, errNotForUs
	}
	r := &request{packet: p, kind: p.MessageType(), mac: inventory.NormalizeMAC(p.ClientHWAddr.String())}
	if r.mac == "" || p.ClientHWAddr[0]&1 != 0 || r.kind == dhcpv4.MessageTypeNone {
		return nil, errNotForUs
	}
	r.class = clean(p.Options.Get(dhcpv4.OptionClassIdentifier), 64)
	r.hostname = clean(p.Options.Get(dhcpv4.OptionHostName), 64)
	if id := p.Options.Get(dhcpv4.OptionClientIdentifier); len(id) <= 64 {
		r.clientID = hex.EncodeToString(id)
	}
	r.requested = addr4(p.Options.Get(dhcpv4.OptionRequestedIPAddress))
	r.server = addr4(p.Options.Get(dhcpv4.OptionServerIdentifier))
	r.ciaddr, r.giaddr = addr4(p.ClientIPAddr.To4()), addr4(p.GatewayIPAddr.To4())
	r.link = r.giaddr
	if rai := p.RelayAgentInfo(); rai != nil && r.giaddr.IsValid() {
		if sel := addr4(rai.Get(subLinkSelection)); sel.IsValid() {
			r.link = sel
		}
	}
	r.boot()
	return r, nil
}

// boot reads what concerns the network boot (RFC 4578, UEFI 2.10 section 24.7.3.1).
func (r *request) boot() {
	o := r.packet.Options
	r.client = pxe.Client{MAC: r.mac, Arch: pxe.ArchUnknown, Addr: r.ciaddr, UUID: machineID(o.Get(optMachineID))}
	isPXE := strings.HasPrefix(r.class, "PXEClient")
	r.client.HTTPBoot = strings.HasPrefix(r.class, "HTTPClient")
	for _, c := range r.packet.UserClass() {
		r.client.IPXE = r.client.IPXE || c == "iPXE"
	}
	if a := o.Get(dhcpv4.OptionClientSystemArchitectureType); len(a) >= 2 {
		r.client.Arch = pxe.Arch(uint16(a[0])<<8 | uint16(a[1]))
	} else if isPXE {
		r.client.Arch = pxe.ArchBIOS // ROMs from before RFC 4578
	}
	r.pxe = isPXE || r.client.HTTPBoot || r.client.IPXE
}

// machineID reads option 97: a type octet, then the SMBIOS UUID, whose first three fields are
// little-endian (SMBIOS 3.6 section 7.2.1).
func machineID(b []byte) string {
	if len(b) != 17 || b[0] != 0 {
		return ""
	}
	u := b[1:]
	return fmt.Sprintf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%x-%x",
		u[3], u[2], u[1], u[0], u[5], u[4], u[7], u[6], u[8:10], u[10:])
}

func addr4(b net.IP) netip.Addr {
	if len(b) != 4 || b.IsUnspecified() {
		return netip.Addr{}
	}
	return netip.AddrFrom4([4]byte(b))
}

// clean keeps the printable ASCII of a client's text, up to a length: it goes into evidence.
func clean(b []byte, limit int) string {
	if len(b) > limit {
		b = b[:limit]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, string(b))
}

// String says the request in words, for evidence.
func (r *request) String() string {
	var b strings.Builder
	b.WriteString(r.kind.String())
	for _, a := range []struct {
		name string
		addr netip.Addr
	}{{"for", r.requested}, {"ciaddr", r.ciaddr}, {"server", r.server}, {"relay", r.giaddr}} {
		if a.addr.IsValid() {
			fmt.Fprintf(&b, " %s=%s", a.name, a.addr)
		}
	}
	if r.client.Arch != pxe.ArchUnknown {
		fmt.Fprintf(&b, " arch=%d", r.client.Arch)
	}
	if r.client.IPXE {
		b.WriteString(" iPXE")
	} else if r.class != "" {
		fmt.Fprintf(&b, " class=%q", r.class)
	}
	return b.String()
}
