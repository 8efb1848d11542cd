package dhcp

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"socle/pxe"
)

// Options of a request (RFC 2132, 3004, 3046, 4578).
const (
	optHostName    = 12
	optVendor      = 43
	optRequestedIP = 50
	optServerID    = 54
	optRequestList = 55
	optVendorClass = 60
	optClientID    = 61
	optUserClass   = 77
	optRelayInfo   = 82
	optArch        = 93
	optInterface   = 94
	optMachineID   = 97
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
	relay     relayInfo
}

var errNotForUs = errors.New("not a request of an Ethernet client")

// parse reads a datagram. Foreign bytes end in an error, never in a panic.
func parse(b []byte) (*request, error) {
	p, err := dhcpv4.FromBytes(b)
	if err != nil {
		return nil, fmt.Errorf("reading DHCP packet: %w", err)
	}
	if err := overload(p, b); err != nil {
		return nil, fmt.Errorf("reading DHCP packet: %w", err)
	}
	return read(p)
}

// option is the value of an option, put together from its parts (RFC 3396); nil when it is not there.
func (r *request) option(code uint8) []byte { return r.packet.Options[code] }

func read(p *dhcpv4.DHCPv4) (*request, error) {
	if p.OpCode != dhcpv4.OpcodeBootRequest || len(p.ClientHWAddr) != 6 {
		return nil, errNotForUs
	}
	r := &request{packet: p, kind: p.MessageType(), mac: macText(p.ClientHWAddr)}
	if r.mac == "" || p.ClientHWAddr[0]&1 != 0 || r.kind == dhcpv4.MessageTypeNone {
		return nil, errNotForUs
	}
	r.class = clean(r.option(optVendorClass), 64)
	r.hostname = clean(r.option(optHostName), 64)
	if id := r.option(optClientID); len(id) <= 64 {
		r.clientID = hex.EncodeToString(id)
	}
	r.requested, r.server = addr4(r.option(optRequestedIP)), addr4(r.option(optServerID))
	r.ciaddr, r.giaddr = addr4(p.ClientIPAddr.To4()), addr4(p.GatewayIPAddr.To4())
	r.link = r.giaddr
	// A switch may add the port without being a relay; what else it says counts only from a relay.
	if r.relay = readRelay(r.option(optRelayInfo)); !r.giaddr.IsValid() {
		r.relay = relayInfo{circuit: r.relay.circuit, remote: r.relay.remote}
	}
	if r.relay.link.IsValid() {
		r.link = r.relay.link
	}
	r.boot()
	return r, nil
}

// boot reads what concerns the network boot (RFC 4578, UEFI 2.10 section 24.7.3.1).
func (r *request) boot() {
	r.client = pxe.Client{MAC: r.mac, Arch: pxe.ArchUnknown, Addr: r.ciaddr, UUID: machineID(r.option(optMachineID))}
	isPXE := strings.HasPrefix(r.class, "PXEClient")
	r.client.HTTPBoot = strings.HasPrefix(r.class, "HTTPClient")
	r.client.IPXE = hasUserClass(r.option(optUserClass), "iPXE")
	if a := r.option(optArch); len(a) >= 2 {
		r.client.Arch = pxe.Arch(uint16(a[0])<<8 | uint16(a[1]))
	} else if isPXE {
		r.client.Arch = pxe.ArchBIOS // ROMs from before RFC 4578
	}
	r.pxe = isPXE || r.client.HTTPBoot || r.client.IPXE
}

// macText is a hardware address of six octets as inventory.NormalizeMAC has it: "" when it is nobody's.
func macText(hw net.HardwareAddr) string {
	var b [17]byte
	zeros, ones := true, true
	for i, v := range hw[:6] {
		zeros, ones = zeros && v == 0, ones && v == 0xff
		b[3*i], b[3*i+1] = hexDigits[v>>4], hexDigits[v&15]
		if i > 0 {
			b[3*i-1] = ':'
		}
	}
	if zeros || ones {
		return ""
	}
	return string(b[:])
}

const hexDigits = "0123456789abcdef"

// machineID reads option 97: a type octet, then the SMBIOS UUID, whose first three fields are
// little-endian (SMBIOS 3.6 section 7.2.1).
func machineID(b []byte) string {
	if len(b) != 17 || b[0] != 0 {
		return ""
	}
	u := b[1:]
	u = []byte{u[3], u[2], u[1], u[0], u[5], u[4], u[7], u[6], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]}
	var text [36]byte
	at := 0
	for i, v := range u {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			text[at] = '-'
			at++
		}
		text[at], text[at+1] = hexDigits[v>>4], hexDigits[v&15]
		at += 2
	}
	return string(text[:])
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
