package dhcp6

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"socle/pxe"
)

// Link is where a packet came in, and from whom.
type Link struct {
	Interface string
	Source    netip.AddrPort // of the datagram
	Unicast   bool           // it was sent to an address of ours and not to a group
}

// ia is an identity association of a client (RFC 8415 section 21.4).
type ia struct {
	code  uint16 // optIANA, or a kind that is refused
	id    uint32
	addrs []netip.Addr
}

// request is a message, read once.
type request struct {
	message
	duid   identifier
	server []byte   // the server identifier that the client names; nil: none
	macs   []string // that may be the client's, the most trustworthy first
	ias    []ia
	wants  map[uint16]bool // option request option
	rapid  bool
	at     netip.Addr // the link's address as the relay next to the client says; zero: it is our own link
	client pxe.Client
	boots  bool   // wants to boot
	class  string // vendor class, cleaned
	vendor uint32 // the vendor class's enterprise number
}

var (
	errNotForUs  = errors.New("not a client's message")
	errMalformed = errors.New("not a valid DHCPv6 packet")
)

// parse reads a datagram that came in by a link.
func parse(b []byte, link Link) (*request, error) {
	m, err := parseMessage(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	r := &request{message: m}
	if err := r.validate(link); err != nil {
		return nil, err
	}
	if err := r.readIAs(); err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	r.identify(link)
	r.readClient()
	if v, ok := m.opts.get(optORO); ok {
		r.wants = make(map[uint16]bool, len(v)/2)
		for ; len(v) >= 2; v = v[2:] {
			r.wants[binary.BigEndian.Uint16(v)] = true
		}
	}
	r.rapid = m.opts.has(optRapidCommit)
	r.boots = r.client.IPXE || r.client.HTTPBoot || strings.HasPrefix(r.class, "PXEClient") || r.wants[optBootFile]
	return r, nil
}

// validate checks what RFC 8415 sections 16 and 18.4 demand of each message, as far as no server's identity is
// needed for it.
func (r *request) validate(link Link) error {
	id, hasID := r.opts.get(optClientID)
	r.server, _ = r.opts.get(optServerID)
	needsID, needsServer := true, false
	switch r.kind {
	case kindSolicit, kindConfirm, kindRebind:
	case kindRequest, kindRenew, kindRelease, kindDecline:
		needsServer = true
	case kindInformationRequest:
		needsID = false
		if r.opts.has(optIANA) || r.opts.has(optIATA) || r.opts.has(optIAPD) {
			return fmt.Errorf("%w: %s with an identity association", errMalformed, r.kind)
		}
	default:
		return fmt.Errorf("%w: %s", errNotForUs, r.kind)
	}
	switch {
	case needsID && !hasID:
		return fmt.Errorf("%w: %s without a client identifier", errMalformed, r.kind)
	case needsServer && r.server == nil:
		return fmt.Errorf("%w: %s without a server identifier", errMalformed, r.kind)
	case !needsServer && r.server != nil && needsID:
		return fmt.Errorf("%w: %s with a server identifier", errMalformed, r.kind)
	case link.Unicast && !needsServer && len(r.hops) == 0:
		return fmt.Errorf("%w: %s by unicast", errMalformed, r.kind)
	}
	if !hasID {
		return nil
	}
	var err error
	if r.duid, err = parseDUID(id); err != nil {
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	return nil
}

func (r *request) readIAs() error {
	for _, o := range r.opts {
		head := 12
		switch o.code {
		case optIANA, optIAPD:
		case optIATA:
			head = 4
		default:
			continue
		}
		if len(o.data) < head {
			return fmt.Errorf("identity association of %d bytes", len(o.data))
		}
		if len(r.ias) == maxIAs {
			return fmt.Errorf("more than %d identity associations", maxIAs)
		}
		a := ia{code: o.code, id: binary.BigEndian.Uint32(o.data)}
		sub, err := parseOptions(o.data[head:])
		if err != nil {
			return err
		}
		for _, s := range sub {
			if s.code == optIAAddr && len(s.data) >= 24 && len(a.addrs) < maxAddrs {
				a.addrs = append(a.addrs, netip.AddrFrom16([16]byte(s.data[:16])))
			}
		}
		r.ias = append(r.ias, a)
	}
	return nil
}

// identify gathers where the client is and which Ethernet addresses may be its own: as the relay saw it
// (RFC 6939), as its link-local address tells, as its DUID says. The last may be one of another interface of
// the same machine.
func (r *request) identify(link Link) {
	peer := link.Source.Addr().WithZone("")
	seen := ""
	for i := len(r.hops) - 1; i >= 0; i-- { // the relay next to the client first
		h := r.hops[i]
		if i == len(r.hops)-1 {
			peer = h.peer
			if v, ok := h.opts.get(optLinkLayer); ok && len(v) == 8 && binary.BigEndian.Uint16(v) == ethernet {
				seen = macOf(v[2:])
			}
		}
		if !r.at.IsValid() && !h.link.IsUnspecified() && !h.link.IsLinkLocalUnicast() {
			r.at = h.link
		}
	}
	for _, mac := range []string{seen, macFromEUI64(peer), r.duid.mac} {
		if mac != "" && (len(r.macs) == 0 || r.macs[len(r.macs)-1] != mac) {
			r.macs = append(r.macs, mac)
		}
	}
	r.client.Addr = peer
}

// mac is the address that the client most likely boots by; empty when nothing tells one.
func (r *request) mac() string {
	if len(r.macs) == 0 {
		return ""
	}
	return r.macs[0]
}

// readClient reads what concerns the network boot (RFC 5970, UEFI 2.10 section 24.7.3.1).
func (r *request) readClient() {
	r.client.MAC, r.client.Arch = r.mac(), pxe.ArchUnknown
	if v, ok := r.opts.get(optClientArch); ok && len(v) >= 2 {
		r.client.Arch = pxe.Arch(binary.BigEndian.Uint16(v))
	}
	if v, ok := r.opts.get(optVendorClass); ok && len(v) >= 4 {
		r.vendor = binary.BigEndian.Uint32(v)
		for part := range parts(v[4:]) {
			r.class = clean(part, 64)
			break
		}
	}
	r.client.HTTPBoot = strings.HasPrefix(r.class, "HTTPClient")
	if v, ok := r.opts.get(optUserClass); ok {
		for part := range parts(v) {
			r.client.IPXE = r.client.IPXE || string(part) == "iPXE"
		}
	}
}

// parts goes through a list of texts with a length of two bytes each; a truncated one ends it.
func parts(b []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) >= 2 {
			n := int(binary.BigEndian.Uint16(b))
			if len(b) < 2+n || !yield(b[2:2+n]) {
				return
			}
			b = b[2+n:]
		}
	}
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
	for _, a := range r.ias {
		for _, addr := range a.addrs {
			fmt.Fprintf(&b, " for=%s", addr)
		}
	}
	if len(r.hops) > 0 {
		fmt.Fprintf(&b, " relay=%s", r.hops[0].link)
	}
	if r.duid.uuid != "" {
		fmt.Fprintf(&b, " uuid=%s", r.duid.uuid)
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
