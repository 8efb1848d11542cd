package dhcp6

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"time"

	"socle/inventory"
	"socle/pxe"
)

// head begins a reply to a client.
func (h *handler) head(a *ask, k kind) []byte {
	b := make([]byte, 0, 512)
	b = append(b, byte(k), a.xid[0], a.xid[1], a.xid[2])
	if a.duid.raw != "" {
		b = appendOption(b, optClientID, []byte(a.duid.raw))
	}
	b = appendOption(b, optServerID, h.opt.ServerID)
	if k == kindAdvertise {
		// The highest preference: the client needs not wait a second for better offers (RFC 8415 section 18.2.1).
		b = appendOption(b, optPreference, []byte{255})
	}
	if k == kindReply && a.kind == kindSolicit {
		b = appendOption(b, optRapidCommit, nil)
	}
	return b
}

func (h *handler) status(a *ask, s status, text string) answer {
	outcome := inventory.OutAcked
	if s != statusSuccess {
		outcome = inventory.OutNaked
	}
	return answer{reply: appendStatus(h.head(a, kindReply), s, text), why: "REPLY: " + text, saw: saw{outcome: outcome}}
}

// preferred is how long an address may be used for new connections.
func preferred(valid time.Duration) time.Duration { return valid / 4 * 3 }

// appendIA closes an identity association around its options. T1 and T2 are 0.5 and 0.8 of the preferred
// lifetime (RFC 8415 section 21.4).
func appendIA(b []byte, i ia, valid time.Duration, sub []byte) []byte {
	data := binary.BigEndian.AppendUint32(make([]byte, 0, 12+len(sub)), i.id)
	if i.code != optIATA {
		p := preferred(valid)
		data = binary.BigEndian.AppendUint32(data, seconds(p/2))
		data = binary.BigEndian.AppendUint32(data, seconds(p/5*4))
	}
	return appendOption(b, i.code, append(data, sub...))
}

func appendAddr(b []byte, addr netip.Addr, preferred, valid time.Duration) []byte {
	data := append(make([]byte, 0, 24), addr.AsSlice()...)
	data = binary.BigEndian.AppendUint32(data, seconds(preferred))
	data = binary.BigEndian.AppendUint32(data, seconds(valid))
	return appendOption(b, optIAAddr, data)
}

func seconds(d time.Duration) uint32 { return uint32(min(d/time.Second, 1<<32-2)) }

// finish appends what is told of the network and of the boot.
func (h *handler) finish(a *ask, k kind, b []byte) answer {
	b = network(a, b)
	why := append([]string{k.String()}, a.told...)
	url, room := "", inventory.BootPath("")
	if a.boots && (a.client.Arch != pxe.ArchUnknown || a.client.IPXE) {
		var words string
		b, url, room, words = h.boot(a, b)
		why = append(why, words)
	}
	return answer{reply: b, save: a.save, why: strings.Join(why, " "), saw: saw{outcome: inventory.OutAcked, file: url, path: room}}
}

func network(a *ask, b []byte) []byte {
	s := a.book.subnet
	if len(s.DNS) > 0 && a.wants[optDNS] {
		b = appendOption(b, optDNS, list(s.DNS))
	}
	if s.Domain != "" && a.wants[optDomainList] {
		b = appendOption(b, optDomainList, domain(s.Domain))
	}
	if len(s.NTP) > 0 && a.wants[optNTP] {
		var sub []byte
		for _, n := range s.NTP {
			sub = appendOption(sub, 1, n.AsSlice()) // NTP_SUBOPTION_SRV_ADDR (RFC 5908 section 4.1)
		}
		b = appendOption(b, optNTP, sub)
	}
	return b
}

func list(addrs []netip.Addr) []byte {
	b := make([]byte, 0, 16*len(addrs))
	for _, a := range addrs {
		b = append(b, a.AsSlice()...)
	}
	return b
}

// domain writes a name as DNS does, uncompressed (RFC 8415 section 10).
func domain(name string) []byte {
	var b []byte
	for label := range strings.SplitSeq(strings.Trim(name, "."), ".") {
		if len(label) == 0 || len(label) > 63 {
			return nil
		}
		b = append(append(b, byte(len(label))), label...)
	}
	return append(b, 0)
}

// boot renders the decision of package pxe (RFC 5970), and says it in words. It is not asked about a client that names
// no architecture: that is none that boots, but one that asks for everything.
func (h *handler) boot(a *ask, b []byte) (reply []byte, url string, room inventory.BootPath, words string) {
	c := a.client
	if uuids := a.duid.UUIDs(); len(uuids) > 0 {
		c.UUID = uuids[0]
	}
	d := h.decide(c, h.wanted(a))
	switch d.Action {
	case pxe.ActTFTP:
		url = "tftp://[" + a.book.subnet.Server.String() + "]/" + d.File
	case pxe.ActHTTP, pxe.ActScript:
		url = strings.TrimSuffix(h.opt.BootURL(a.book.subnet.Server), "/") + d.File
	default:
		return b, "", d.Path, "no boot file (" + d.Why + ")"
	}
	if d.Action == pxe.ActHTTP {
		// Without it the firmware ignores the offer (UEFI 2.10 section 24.7.3.1). "PXEClient" in its place would make
		// EDK2 look for a boot server of its own.
		const name = "HTTPClient"
		v := binary.BigEndian.AppendUint32(nil, a.vendor)
		v = binary.BigEndian.AppendUint16(v, uint16(len(name)))
		b = appendOption(b, optVendorClass, append(v, name...))
	}
	return appendOption(b, optBootFile, []byte(url)), url, "", "url=" + url + " (" + d.Why + ")"
}
