package dhcp

import (
	"encoding/binary"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"socle/inventory"
	"socle/pxe"
)

const optEtherboot = dhcpv4.GenericOptionCode(175) // iPXE's encapsulated options

const (
	serverPort = 67
	pxePort    = 4011 // where PXE clients ask a proxy a second time
	clientPort = 68
	// maxFile is what fits into the header's field (RFC 2131 section 2), with its terminating zero; option 67
	// takes longer names.
	maxFile = 127
)

var (
	allOnes    = netip.AddrFrom4([4]byte{255, 255, 255, 255})
	broadcast  = netip.AddrPortFrom(allOnes, clientPort)
	okHostname = regexp.MustCompile(`^[a-z0-9A-Z]([a-z0-9A-Z-]{0,61}[a-z0-9A-Z])?$`)
	// copied are the options of the request that the reply repeats: 82 (RFC 3046), 61 (RFC 6842), 93, 94 and
	// 97 (RFC 4578).
	copied = []uint8{optRelayInfo, optClientID, optArch, optInterface, optMachineID}
	// pxeVendor is option 43 of PXE (PXE 2.1 table 2-1): discovery control 8, "do not look for boot servers,
	// take the boot file that is named here". Firmware otherwise asks around for seconds.
	pxeVendor = []byte{6, 1, 8, 255}
	// ipxeVendor is iPXE's "no-pxedhcp": do not wait for a proxy DHCP server.
	ipxeVendor = []byte{176, 1, 1}
)

// base begins a reply.
func base(a *ask, kind dhcpv4.MessageType) *dhcpv4.DHCPv4 {
	p := a.packet
	reply := &dhcpv4.DHCPv4{
		OpCode: dhcpv4.OpcodeBootReply, HWType: p.HWType, TransactionID: p.TransactionID, Flags: p.Flags,
		ClientIPAddr: net.IPv4zero, YourIPAddr: net.IPv4zero, ServerIPAddr: net.IPv4zero,
		GatewayIPAddr: p.GatewayIPAddr, ClientHWAddr: p.ClientHWAddr, Options: make(dhcpv4.Options, 24),
	}
	reply.Options[dhcpv4.OptionDHCPMessageType.Code()] = []byte{byte(kind)}
	reply.Options[dhcpv4.OptionServerIdentifier.Code()] = a.server.AsSlice()
	for _, code := range copied {
		if v := p.Options[code]; v != nil {
			reply.Options[code] = v
		}
	}
	return reply
}

// refuse sends a DHCPNAK: the client forgets its address and begins anew.
func (h *handler) refuse(a *ask, why string) answer {
	reply := base(a, dhcpv4.MessageTypeNak)
	reply.Options[dhcpv4.OptionMessage.Code()] = []byte(why)
	out := answer{reply: reply, to: broadcast, why: "NAK: " + why, saw: saw{outcome: inventory.OutNaked}}
	if a.giaddr.IsValid() {
		// The client may be unable to take unicast at its old address (RFC 2131 section 4.3.2).
		reply.SetBroadcast()
		out.to = netip.AddrPortFrom(a.giaddr, serverPort)
	}
	return out
}

// grant makes an OFFER or an ACK; without an address it is the answer to an INFORM.
func (h *handler) grant(a *ask, kind dhcpv4.MessageType, addr netip.Addr) answer {
	reply := base(a, kind)
	o := reply.Options
	if kind == dhcpv4.MessageTypeAck && a.ciaddr.IsValid() {
		reply.ClientIPAddr = a.ciaddr.AsSlice()
	}
	if addr.IsValid() {
		reply.YourIPAddr = addr.AsSlice()
		o[dhcpv4.OptionIPAddressLeaseTime.Code()] = seconds(a.term)
		o[dhcpv4.OptionRenewTimeValue.Code()] = seconds(a.term / 2)
		o[dhcpv4.OptionRebindingTimeValue.Code()] = seconds(a.term / 8 * 7)
	}
	tell(a, o)
	out := answer{reply: reply, to: destination(a), why: kind.String(), saw: saw{outcome: inventory.OutAcked, addr: addr}}
	if kind == dhcpv4.MessageTypeOffer {
		out.saw.outcome = inventory.OutOffered
	}
	if addr.IsValid() {
		out.why += " " + addr.String()
	}
	if a.pxe {
		d, file, words := h.boot(a, reply)
		out.saw.file, out.saw.path, out.why = file, d.Path, out.why+" "+words
	}
	fit(a.request, reply)
	return out
}

// destination follows RFC 2131 section 4.1. A client without an address does not answer ARP, so it gets a
// broadcast also when it did not ask for one.
func destination(a *ask) netip.AddrPort {
	switch {
	case a.giaddr.IsValid():
		return netip.AddrPortFrom(a.giaddr, serverPort)
	case a.ciaddr.IsValid():
		return netip.AddrPortFrom(a.ciaddr, clientPort)
	default:
		return broadcast
	}
}

// tell tells the client of its network; what only some clients need is sent on request (option 55).
func tell(a *ask, o dhcpv4.Options) {
	n := a.subnet
	o[dhcpv4.OptionSubnetMask.Code()] = n.told.mask
	if n.told.router != nil {
		o[dhcpv4.OptionRouter.Code()] = n.told.router
	}
	if n.told.dns != nil {
		o[dhcpv4.OptionDomainNameServer.Code()] = n.told.dns
	}
	if n.told.ntp != nil && a.wants(dhcpv4.OptionNTPServers.Code()) {
		o[dhcpv4.OptionNTPServers.Code()] = n.told.ntp
	}
	if n.told.domain != nil && a.wants(dhcpv4.OptionDomainName.Code()) {
		o[dhcpv4.OptionDomainName.Code()] = n.told.domain
	}
	if a.wants(optHostName) {
		if name := a.name(); okHostname.MatchString(name) {
			o[optHostName] = []byte(name)
		}
	}
}

// wants tells whether the client asks for an option (option 55); who asks for none gets all.
func (r *request) wants(code uint8) bool {
	list := r.option(optRequestList)
	return len(list) == 0 || slices.Contains(list, code)
}

// name is the client's host name: the one of its reservation, or the machine's.
func (a *ask) name() string {
	device, place := a.subnet.reservation(a.request)
	switch {
	case device != nil && device.Hostname != "":
		return device.Hostname
	case a.host.Name == "" && place != nil:
		return place.Hostname
	default:
		return a.host.Name
	}
}

// wanted is what the inventory knows of the client's boots.
func (h *handler) wanted(a *ask) pxe.Wanted {
	w := pxe.Wanted{Known: a.known, Target: a.host.Boot, Tries: h.opt.BootTries, TLS: a.subnet.HTTPS}
	if v, ok := h.opt.View.(tracker); ok {
		w.Net = v.NetBoot(a.mac)
	}
	return w
}

// boot renders the decision of package pxe. It returns the file that the client is told, if any, and the
// decision in words, too.
func (h *handler) boot(a *ask, reply *dhcpv4.DHCPv4) (d pxe.Decision, file, words string) {
	d = h.decide(a.client, h.wanted(a))
	o := reply.Options
	file = d.File
	switch d.Action {
	case pxe.ActNothing:
		return d, "", "no boot file (" + d.Why + ")"
	case pxe.ActTFTP:
		o[dhcpv4.OptionClassIdentifier.Code()] = []byte("PXEClient")
		o[dhcpv4.OptionVendorSpecificInformation.Code()] = pxeVendor
	case pxe.ActHTTP:
		o[dhcpv4.OptionClassIdentifier.Code()] = []byte("HTTPClient")
		file = h.opt.BootURL + d.File
	case pxe.ActHTTPS:
		o[dhcpv4.OptionClassIdentifier.Code()] = []byte("HTTPClient")
		file = h.opt.BootTLSURL + d.File
	case pxe.ActScript:
		o[optEtherboot.Code()] = ipxeVendor
		file = h.opt.BootURL + d.File
	}
	reply.ServerIPAddr = a.self.AsSlice()
	o[dhcpv4.OptionTFTPServerName.Code()] = []byte(a.self.String())
	o[dhcpv4.OptionBootfileName.Code()] = []byte(file)
	if len(file) <= maxFile {
		reply.BootFileName = file
	}
	return d, file, "file=" + file + " (" + d.Why + ")"
}

func seconds(d time.Duration) []byte {
	return binary.BigEndian.AppendUint32(nil, uint32(min(d/time.Second, 1<<32-1)))
}
