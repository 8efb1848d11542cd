package simulate

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"
)

// Ports of DHCP (RFC 2131 section 4.1).
const (
	dhcpServerPort = 67
	dhcpClientPort = 68
)

// relay is the relay agent of the whole fleet (RFC 1542 section 4): it passes on what clients broadcast, and hands the
// answers to who waits for them.
type relay struct {
	net    *network
	conn   *net.UDPConn
	addr   netip.Addr
	server netip.Addr
	stats  *Stats

	mu      sync.Mutex
	waiting map[dhcpv4.TransactionID]chan *dhcpv4.DHCPv4
}

func (s Spec) openRelay(n *network, stats *Stats) (*relay, error) {
	conn, err := n.packets(netip.AddrPortFrom(s.Relay(), dhcpServerPort))
	if err != nil {
		return nil, fmt.Errorf("opening the socket of the DHCP relay: %w", err)
	}
	_ = conn.SetReadBuffer(4 << 20) // less is no failure
	return &relay{net: n, conn: conn, addr: s.Relay(), server: s.Host(), stats: stats, waiting: map[dhcpv4.TransactionID]chan *dhcpv4.DHCPv4{}}, nil
}

// run hands out answers until the socket is closed.
func (r *relay) run() error {
	b := make([]byte, 2048)
	for {
		n, err := r.conn.Read(b)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			continue // an ICMP message: nobody listens yet
		}
		p, err := dhcpv4.FromBytes(append([]byte(nil), b[:n]...)) // it points into its bytes
		if err != nil || p.OpCode != dhcpv4.OpcodeBootReply {
			continue
		}
		r.mu.Lock()
		c := r.waiting[p.TransactionID]
		r.mu.Unlock()
		select {
		case c <- p: // nil: nobody waits
		default:
		}
	}
}

// asking is who asks for an address, of the programs that follow each other in a boot.
type asking struct {
	class string // option 60
	ipxe  bool
	arch  iana.Arch
	name  string
}

var (
	asFirmware = asking{class: "HTTPClient:Arch:00016:UNDI:003001", arch: iana.EFI_X86_64_HTTP}
	asIPXE     = asking{class: "PXEClient:Arch:00007:UNDI:003001", ipxe: true, arch: iana.EFI_X86_64}
	asAgent    = asking{class: "socle-agent"}
	asSystem   = asking{}
)

// lease is what DHCP gave.
type lease struct {
	addr, server netip.Addr
	file         string // to boot; empty: nothing
	term         time.Duration
}

// dhcpTries is how often a packet is sent before a client gives up (RFC 2131 section 4.1 has the pauses).
const dhcpTries = 5

// acquire gets an address for the first interface of a server, by way of the relay.
func (r *relay) acquire(ctx context.Context, s *Server, who asking) (lease, error) {
	offer, err := r.exchange(ctx, s, dhcpv4.MessageTypeOffer, func() *dhcpv4.DHCPv4 { return question(s, who, dhcpv4.MessageTypeDiscover) })
	if err != nil {
		return lease{}, err
	}
	ack, err := r.exchange(ctx, s, dhcpv4.MessageTypeAck, func() *dhcpv4.DHCPv4 {
		p := question(s, who, dhcpv4.MessageTypeRequest)
		p.UpdateOption(dhcpv4.OptRequestedIPAddress(offer.YourIPAddr))
		p.UpdateOption(dhcpv4.OptServerIdentifier(offer.ServerIdentifier()))
		return p
	})
	if err != nil {
		return lease{}, err
	}
	return leaseOf(ack)
}

func leaseOf(ack *dhcpv4.DHCPv4) (lease, error) {
	addr, ok := netip.AddrFromSlice(ack.YourIPAddr.To4())
	server, known := netip.AddrFromSlice(ack.ServerIdentifier().To4())
	if !ok || !known || addr.IsUnspecified() {
		return lease{}, fmt.Errorf("the DHCP answer names address %s and server %s", ack.YourIPAddr, ack.ServerIdentifier())
	}
	return lease{addr: addr, server: server, file: ack.BootFileNameOption(), term: ack.IPAddressLeaseTime(time.Hour)}, nil
}

// question is a client's packet.
func question(s *Server, who asking, kind dhcpv4.MessageType) *dhcpv4.DHCPv4 {
	mac, _ := net.ParseMAC(s.MACs[0]) // ours
	p := &dhcpv4.DHCPv4{OpCode: dhcpv4.OpcodeBootRequest, HWType: iana.HWTypeEthernet, ClientHWAddr: mac, ClientIPAddr: net.IPv4zero, YourIPAddr: net.IPv4zero,
		ServerIPAddr: net.IPv4zero, GatewayIPAddr: net.IPv4zero, Options: dhcpv4.Options{}}
	binary.BigEndian.PutUint32(p.TransactionID[:], rand.Uint32()) //nolint:gosec // no secret
	p.UpdateOption(dhcpv4.OptMessageType(kind))
	p.UpdateOption(dhcpv4.OptMaxMessageSize(1472))
	p.UpdateOption(dhcpv4.OptParameterRequestList(dhcpv4.OptionSubnetMask, dhcpv4.OptionRouter, dhcpv4.OptionDomainNameServer,
		dhcpv4.OptionTFTPServerName, dhcpv4.OptionBootfileName, dhcpv4.OptionClassIdentifier))
	if who.class != "" {
		p.UpdateOption(dhcpv4.OptClassIdentifier(who.class))
	}
	if who.ipxe {
		p.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionUserClassInformation, []byte("iPXE")))
	}
	if who.arch != 0 {
		p.UpdateOption(dhcpv4.OptClientArch(who.arch))
		p.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionClientNetworkInterfaceIdentifier, []byte{1, 3, 1}))
		p.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionClientMachineIdentifier, machineID(s.UUID)))
	}
	if who.name != "" {
		p.UpdateOption(dhcpv4.OptHostName(who.name))
	}
	return p
}

// machineID is option 97 (RFC 4578 section 2.3): type 0, and the UUID in the byte order of SMBIOS.
func machineID(uuid string) []byte {
	raw, err := hex.DecodeString(strings.ReplaceAll(uuid, "-", ""))
	if err != nil || len(raw) != 16 {
		return make([]byte, 17)
	}
	return append([]byte{0, raw[3], raw[2], raw[1], raw[0], raw[5], raw[4], raw[7], raw[6]}, raw[8:]...)
}

// exchange sends a packet through the relay until the answer of a kind comes, or a NAK.
func (r *relay) exchange(ctx context.Context, s *Server, want dhcpv4.MessageType, packet func() *dhcpv4.DHCPv4) (*dhcpv4.DHCPv4, error) {
	answers := make(chan *dhcpv4.DHCPv4, 4)
	p := packet()
	r.through(p, s)
	r.mu.Lock()
	r.waiting[p.TransactionID] = answers
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.waiting, p.TransactionID)
		r.mu.Unlock()
	}()
	begun := time.Now()
	pause := 4 * time.Second
	for try := range dhcpTries {
		if r.stats.count(DHCPSent); try > 0 {
			r.stats.count(DHCPAgain)
		}
		if _, err := r.conn.WriteToUDPAddrPort(p.ToBytes(), netip.AddrPortFrom(r.server, dhcpServerPort)); err != nil && errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		wait := time.NewTimer(pause + rand.N(2*time.Second) - time.Second) //nolint:gosec // as RFC 2131 has it
		answer, err := await(ctx, answers, wait.C, want)
		wait.Stop()
		if answer != nil || err != nil {
			r.stats.took(AnswerDHCP, time.Since(begun))
			return answer, err
		}
		pause = min(pause*2, 64*time.Second)
	}
	return nil, fmt.Errorf("no DHCP server answered %d times", dhcpTries)
}

// await waits for an answer of a kind; nil when the time is over.
func await(ctx context.Context, answers <-chan *dhcpv4.DHCPv4, end <-chan time.Time, want dhcpv4.MessageType) (*dhcpv4.DHCPv4, error) {
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-end:
			return nil, nil
		case a := <-answers:
			switch a.MessageType() {
			case want:
				return a, nil
			case dhcpv4.MessageTypeNak:
				return nil, errors.New("the DHCP server refuses the address")
			}
		}
	}
}

// through does to a packet what a relay does: it says where it came in, by its own address and by the switch port
// (option 82, RFC 3046).
func (r *relay) through(p *dhcpv4.DHCPv4, s *Server) {
	p.GatewayIPAddr, p.HopCount = r.addr.AsSlice(), 1
	p.SetBroadcast()
	c := s.Cables[0]
	p.UpdateOption(dhcpv4.OptRelayAgentInfo(dhcpv4.OptGeneric(dhcpv4.AgentCircuitIDSubOption, []byte(c.Port)),
		dhcpv4.OptGeneric(dhcpv4.AgentRemoteIDSubOption, []byte(c.Switch))))
}

// renew prolongs a lease as a client does that has one: by unicast, from its address (RFC 2131 section 4.4.5).
func (r *relay) renew(ctx context.Context, s *Server, l lease, who asking) (lease, error) {
	conn, err := r.net.packets(netip.AddrPortFrom(l.addr, dhcpClientPort))
	if err != nil {
		return l, err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	p := question(s, who, dhcpv4.MessageTypeRequest)
	p.ClientIPAddr = l.addr.AsSlice()
	r.stats.count(DHCPSent)
	if _, err := conn.WriteToUDPAddrPort(p.ToBytes(), netip.AddrPortFrom(l.server, dhcpServerPort)); err != nil {
		return l, err
	}
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return l, err
	}
	b := make([]byte, 2048)
	n, err := conn.Read(b)
	if err != nil {
		return l, err
	}
	answer, err := dhcpv4.FromBytes(b[:n])
	switch {
	case err != nil:
		return l, err
	case answer.TransactionID != p.TransactionID || answer.MessageType() != dhcpv4.MessageTypeAck:
		return l, fmt.Errorf("the DHCP server answers the renewal with %s", answer.MessageType())
	}
	return leaseOf(answer)
}

// keep renews a lease at half its time until ctx ends.
func (r *relay) keep(ctx context.Context, s *Server, l lease, who asking) {
	for {
		t := time.NewTimer(max(l.term/2, time.Second))
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		next, err := r.renew(ctx, s, l, who)
		if err != nil {
			if ctx.Err() == nil {
				r.stats.count(RenewFailed)
			}
			l.term = max(l.term/2, 10*time.Second)
			continue
		}
		l = next
	}
}
