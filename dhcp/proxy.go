package dhcp

import (
	"net"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"socle/inventory"
	"socle/pxe"
)

// optBootItem is the sub-option of option 43 in which a client names the boot server that it chose (PXE 2.1
// table 2-1).
const optBootItem = 71

// proxy answers beside somebody else's DHCP server (PXE 2.1 section 2): what to boot, and no address. The
// requests that clients broadcast to the other server tell who has which address.
func (h *handler) proxy(a *ask) answer {
	if a.kind == dhcpv4.MessageTypeRequest && a.link.Port != pxePort {
		return h.overhear(a)
	}
	switch {
	case !a.pxe:
		return answer{why: "nothing: somebody else gives the addresses of this subnet, and the client does not boot from the network"}
	case a.kind == dhcpv4.MessageTypeDiscover && a.link.Port != pxePort:
		return h.bootAnswer(a, dhcpv4.MessageTypeOffer)
	case a.kind == dhcpv4.MessageTypeRequest, a.kind == dhcpv4.MessageTypeInform:
		if a.toAnother() {
			return answer{why: "nothing: the client asks another server, " + a.request.server.String()}
		}
		return h.bootAnswer(a, dhcpv4.MessageTypeAck)
	default:
		return answer{why: "nothing: somebody else gives the addresses of this subnet"}
	}
}

// overhear notes which address a client takes from the other server.
func (h *handler) overhear(a *ask) answer {
	if !a.request.server.IsValid() || a.seg.containing(a.requested) == nil {
		return answer{why: "nothing: somebody else gives the addresses of this subnet"}
	}
	h.seen.note(a.requested, a.mac)
	return answer{saw: saw{addr: a.requested}, why: "nothing: the client takes " + a.requested.String() + " from " + a.request.server.String()}
}

// bootAnswer says what to boot, and nothing else.
func (h *handler) bootAnswer(a *ask, kind dhcpv4.MessageType) answer {
	d := h.decide(a.client, h.wanted(a))
	if d.Action == pxe.ActNothing {
		return answer{saw: saw{outcome: inventory.OutNoFile, path: d.Path}, why: "nothing: no boot file (" + d.Why + ")"}
	}
	reply := base(a, kind)
	reply.Options[optVendorClass] = []byte("PXEClient")
	_, file, words := h.boot(a, reply)
	out := answer{reply: reply, to: broadcast, why: "proxy " + kind.String() + " " + words, saw: saw{outcome: inventory.OutOffered, file: file}}
	delete(reply.Options, optEtherboot.Code()) // it is about the server that gives the address
	fit(a.request, reply)
	if kind == dhcpv4.MessageTypeOffer {
		if a.giaddr.IsValid() {
			out.to = netip.AddrPortFrom(a.giaddr, serverPort)
		}
		return out
	}
	out.saw = saw{outcome: inventory.OutAcked, file: file, addr: a.ciaddr}
	if a.link.Port == pxePort {
		out.saw.kind = inventory.SawProxy
	}
	if a.ciaddr.IsValid() {
		reply.ClientIPAddr = net.IP(a.ciaddr.AsSlice())
		if a.seg.containing(a.ciaddr) != nil {
			h.seen.note(a.ciaddr, a.mac)
		}
	}
	if item := bootItem(a.option(optVendor)); item != nil {
		reply.Options[optVendor] = append(item, pxeVendor...)
	}
	out.to = a.link.Peer
	return out
}

// bootItem is the sub-option that says which boot server a client chose, to be repeated to it; nil when it
// chose none.
func bootItem(b []byte) []byte {
	for len(b) >= 2 && b[0] != 255 {
		if b[0] == 0 {
			b = b[1:]
			continue
		}
		n := int(b[1])
		if n > len(b)-2 {
			return nil
		}
		if b[0] == optBootItem && n == 4 {
			return append([]byte(nil), b[:6]...)
		}
		b = b[2+n:]
	}
	return nil
}

// maxSightings bounds what is remembered of addresses that others give out.
const maxSightings = 1 << 16

// sightings are the addresses that clients were seen to take from somebody else's server, by whom.
type sightings map[netip.Addr]string

// note remembers who has an address now. When there is no room, any other one is forgotten: its client is
// told to ask DHCP again, and so is seen again.
func (s *sightings) note(a netip.Addr, mac string) {
	if *s == nil {
		*s = sightings{}
	}
	if _, ok := (*s)[a]; !ok && len(*s) >= maxSightings {
		for old := range *s {
			delete(*s, old)
			break
		}
	}
	(*s)[a] = mac
}
