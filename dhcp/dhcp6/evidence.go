package dhcp6

import (
	"strconv"

	"socle/inventory"
	"socle/pxe"
)

// agentClass is the vendor class (option 16) by which the ramdisk's DHCPv6 client is known.
const agentClass = "socle-agent"

// record makes a line of evidence of a request and what became of it.
func (s *Server) record(a ack, reply string) {
	e := inventory.Evidence{Time: s.opt.Now(), MAC: a.req.mac(), Machine: a.host.Machine, Source: "dhcp", Asked: "v6 " + a.req.String(), Reply: reply,
		Kind: kindOf(a.req.kind), Outcome: a.saw.outcome, Client: stageOf(a.req), File: a.saw.file, Path: a.saw.path, Addr: a.saw.addr, Iface: a.port.name, Relay: a.req.at}
	if a.req.client.Arch != pxe.ArchUnknown {
		e.Arch = strconv.Itoa(int(a.req.client.Arch))
	}
	switch {
	case e.Outcome == "":
		e.Outcome = inventory.OutSilent
	case (e.Outcome == inventory.OutOffered || e.Outcome == inventory.OutAcked) && a.req.boots && e.Arch != "" && e.File == "":
		e.Outcome = inventory.OutNoFile
	}
	s.opt.Recorder.Record(e)
}

func kindOf(k kind) inventory.EvidenceKind {
	switch k {
	case kindSolicit:
		return inventory.SawDiscover
	case kindRequest, kindRenew, kindRebind:
		return inventory.SawRequest
	case kindDecline:
		return inventory.SawDecline
	case kindRelease:
		return inventory.SawRelease
	default:
		return inventory.SawInform
	}
}

// stageOf tells which of the machine's programs asks.
func stageOf(r *request) inventory.Stage {
	switch {
	case r.client.IPXE:
		return inventory.StageLoader
	case r.boots && r.client.Arch != pxe.ArchUnknown:
		return inventory.StageFirmware
	case r.class == agentClass:
		return inventory.StageAgent
	default:
		return inventory.StageSystem
	}
}
