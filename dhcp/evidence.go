package dhcp

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"socle/inventory"
	"socle/pxe"
)

// agentClass is the vendor class (option 60) by which the ramdisk's DHCP client is known.
const agentClass = "socle-agent"

// record makes a line of evidence of a request and what became of it, unless there are too many.
func (s *Server) record(x *exchange, reply string) {
	if !s.witness.wants(x.req) {
		s.stats.evidenceMissed.Add(1)
		return
	}
	s.opt.Recorder.Record(fill(x.port.link.Interface, x.req, x.out, reply, inventory.Evidence{Time: s.opt.Now()}))
}

// recordDropped records that a datagram met a limit, once in a while for each of the keys that have one: a line for
// each datagram would be the flood that the limit is against.
func (s *Server) recordDropped(p *port, data []byte, now time.Time, why string, key ...[]byte) {
	if !p.told.allow(now, key...) || !s.witness.room() {
		return
	}
	r, err := parse(data)
	if err != nil {
		return
	}
	a := answer{saw: saw{outcome: inventory.OutLimited}}
	a.host, _ = s.opt.View.Host(r.mac)
	s.opt.Recorder.Record(fill(p.link.Interface, r, a, "nothing: "+why, inventory.Evidence{Time: s.opt.Now()}))
}

// fill fills in a line of evidence.
func fill(iface string, r *request, a answer, reply string, e inventory.Evidence) inventory.Evidence {
	e.MAC, e.Machine, e.Source, e.Asked, e.Reply = r.mac, a.host.Machine, "dhcp", r.String(), reply
	e.Kind, e.Outcome, e.Client = kindOf(r.kind), a.saw.outcome, stageOf(r)
	e.File, e.Addr, e.Peer, e.Path = a.saw.file, a.saw.addr, a.saw.peer, a.saw.path
	e.Iface, e.Relay, e.Port = iface, r.giaddr, portText(r.relay)
	if r.pxe && r.client.Arch != pxe.ArchUnknown {
		e.Arch = strconv.Itoa(int(r.client.Arch))
	}
	if e.Kind == inventory.SawDecline && r.requested.IsValid() {
		e.Addr = r.requested
	}
	if a.saw.kind != "" {
		e.Kind = a.saw.kind
	}
	switch {
	case e.Outcome == "":
		e.Outcome = inventory.OutSilent
	case (e.Outcome == inventory.OutOffered || e.Outcome == inventory.OutAcked) && r.pxe && e.File == "":
		e.Outcome = inventory.OutNoFile
	}
	return e
}

func kindOf(k dhcpv4.MessageType) inventory.EvidenceKind {
	switch k {
	case dhcpv4.MessageTypeDiscover:
		return inventory.SawDiscover
	case dhcpv4.MessageTypeRequest:
		return inventory.SawRequest
	case dhcpv4.MessageTypeDecline:
		return inventory.SawDecline
	case dhcpv4.MessageTypeRelease:
		return inventory.SawRelease
	case dhcpv4.MessageTypeInform:
		return inventory.SawInform
	case dhcpv4.MessageTypeOffer, dhcpv4.MessageTypeAck, dhcpv4.MessageTypeNak:
		return inventory.SawForeign
	default:
		return ""
	}
}

// stageOf tells which of the machine's programs asks.
func stageOf(r *request) inventory.Stage {
	switch {
	case r.client.IPXE:
		return inventory.StageLoader
	case r.pxe:
		return inventory.StageFirmware
	case r.class == agentClass:
		return inventory.StageAgent
	default:
		return inventory.StageSystem
	}
}

// portText is what a relay says of the port (RFC 3046 section 3): as text where it is text, else in
// hexadecimal.
func portText(r relayInfo) string {
	return strings.TrimSuffix(printable(r.circuit)+"/"+printable(r.remote), "/")
}

func printable(b []byte) string {
	if s := clean(b, 128); len(s) == len(b) {
		return s
	}
	return hex.EncodeToString(b[:min(len(b), 64)])
}
