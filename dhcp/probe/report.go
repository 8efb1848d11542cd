package probe

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Kind is what an answerer is.
type Kind string

// The kinds of answerers.
const (
	Full  Kind = "full"  // gives addresses
	Proxy Kind = "proxy" // adds boot files to another server's addresses (PXE 2.1 section 2.2)
	Boot  Kind = "boot"  // answered on port 4011
)

// Answer is one packet that came back.
type Answer struct {
	Time       time.Time  `json:"time"`
	Client     string     `json:"client"` // which of the Clients was answered
	Kind       Kind       `json:"kind"`
	Message    string     `json:"message"` // OFFER, ACK, NAK
	MAC        string     `json:"mac"`     // of the sender's frame: a router's when the server is behind one
	IP         netip.Addr `json:"ip"`      // of the sender
	Port       uint16     `json:"port"`    // of the sender
	ServerID   string     `json:"server_id,omitempty"`
	Offered    string     `json:"offered,omitempty"` // address
	NextServer string     `json:"next_server,omitempty"`
	BootFile   string     `json:"boot_file,omitempty"`
	Class      string     `json:"class,omitempty"` // option 60
	Decoded    string     `json:"decoded"`
	Packet     string     `json:"packet"` // the frame, in hexadecimal
}

// Server is one answerer with all that it said.
type Server struct {
	MAC     string     `json:"mac"`
	IP      netip.Addr `json:"ip"`
	Kinds   []Kind     `json:"kinds"`
	Offers  []string   `json:"offers"` // in words
	Allowed bool       `json:"allowed"`
}

// Report is what a probe found.
type Report struct {
	Iface    string    `json:"interface"`
	Begun    time.Time `json:"begun"`
	Servers  []Server  `json:"servers"`
	Answers  []Answer  `json:"answers"`
	Warnings []string  `json:"warnings"`
	Frames   []Frame   `json:"-"` // sent and received
}

// Frame is one captured Ethernet frame.
type Frame struct {
	Time time.Time
	Data []byte
}

func newAnswer(q *question, d datagram, p *dhcpv4.DHCPv4, frame []byte) Answer {
	a := Answer{
		Time: time.Now(), Client: q.client.Name, Message: p.MessageType().String(), MAC: net.HardwareAddr(d.from[:]).String(),
		IP: d.src.Addr(), Port: d.src.Port(), Class: plain(string(p.Options.Get(dhcpv4.OptionClassIdentifier))),
		Decoded: decode(p), Packet: hex.EncodeToString(frame),
	}
	if id := p.ServerIdentifier(); id != nil {
		a.ServerID = id.String()
	}
	if ip := p.YourIPAddr; ip != nil && !ip.IsUnspecified() {
		a.Offered = ip.String()
	}
	if ip := p.ServerIPAddr; ip != nil && !ip.IsUnspecified() {
		a.NextServer = ip.String()
	}
	a.BootFile = plain(string(bytes.TrimRight(p.Options.Get(dhcpv4.OptionBootfileName), "\x00")))
	if a.BootFile == "" {
		a.BootFile = plain(p.BootFileName)
	}
	switch {
	case q.to.IsValid() || d.src.Port() == bootPort:
		a.Kind = Boot
	case a.Offered == "":
		a.Kind = Proxy
	default:
		a.Kind = Full
	}
	return a
}

// same tells a repeated answer.
func (a Answer) same(b Answer) bool {
	return a.Client == b.Client && a.MAC == b.MAC && a.IP == b.IP && a.Kind == b.Kind && a.Message == b.Message && a.ServerID == b.ServerID
}

// words is what an answer offers.
func (a Answer) words() string {
	var parts []string
	if a.Offered != "" {
		parts = append(parts, "address "+a.Offered)
	}
	if a.BootFile != "" {
		parts = append(parts, "boot file "+a.BootFile)
		if a.NextServer != "" {
			parts = append(parts, "from "+a.NextServer)
		}
	}
	if len(parts) == 0 {
		parts = append(parts, "nothing to boot")
	}
	return fmt.Sprintf("%s to a %s: %s", a.Message, a.Client, strings.Join(parts, ", "))
}

// plain keeps a foreign text on its line.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s[:min(len(s), 512)], ""))
}

// decode is a packet in words, line by line.
func decode(p *dhcpv4.DHCPv4) string {
	lines := strings.Split(strings.TrimSpace(p.Summary()), "\n")
	for i, l := range lines {
		indent := l[:len(l)-len(strings.TrimLeft(l, " \t"))]
		lines[i] = strings.ReplaceAll(indent, "\t", "  ") + plain(strings.TrimSpace(l))
	}
	return strings.Join(lines, "\n")
}

// report sorts the answers by server, and says what is not as it should be.
func report(o Options, begun time.Time, answers []Answer, frames []Frame) Report {
	r := Report{Iface: o.Iface, Begun: begun, Answers: answers, Frames: frames, Servers: []Server{}, Warnings: []string{}}
	if r.Answers == nil {
		r.Answers = []Answer{}
	}
	for _, a := range answers {
		i := slices.IndexFunc(r.Servers, func(s Server) bool { return s.MAC == a.MAC && s.IP == a.IP })
		if i < 0 {
			i = len(r.Servers)
			r.Servers = append(r.Servers, Server{MAC: a.MAC, IP: a.IP, Allowed: slices.Contains(o.Allowed, a.IP)})
		}
		s := &r.Servers[i]
		if !slices.Contains(s.Kinds, a.Kind) {
			s.Kinds = append(s.Kinds, a.Kind)
		}
		s.Offers = append(s.Offers, a.words())
	}
	full := 0
	for _, s := range r.Servers {
		if slices.Contains(s.Kinds, Full) {
			full++
		}
		if len(o.Allowed) > 0 && !s.Allowed {
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s (MAC %s) answers and is not meant to be here", s.IP, s.MAC))
		}
	}
	if full > 1 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%d servers give addresses: which of them a machine takes is chance", full))
	}
	if len(o.Allowed) == 0 && full <= 1 && len(r.Servers) > 1 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%d servers answer: one that gives addresses and others that add boot files", len(r.Servers)))
	}
	return r
}

// WritePcap writes the frames as a capture file (libpcap's format, microseconds, Ethernet).
func (r Report) WritePcap(w io.Writer) error {
	b := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	b = binary.LittleEndian.AppendUint16(b, 2)
	b = binary.LittleEndian.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...)
	b = binary.LittleEndian.AppendUint32(b, 1<<16)
	b = binary.LittleEndian.AppendUint32(b, 1) // Ethernet
	for _, f := range r.Frames {
		b = binary.LittleEndian.AppendUint32(b, uint32(f.Time.Unix()))            //nolint:gosec // until 2106
		b = binary.LittleEndian.AppendUint32(b, uint32(f.Time.Nanosecond()/1000)) //nolint:gosec // below a million
		b = binary.LittleEndian.AppendUint32(b, uint32(len(f.Data)))              //nolint:gosec // a frame
		b = binary.LittleEndian.AppendUint32(b, uint32(len(f.Data)))              //nolint:gosec // a frame
		b = append(b, f.Data...)
	}
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("writing the capture: %w", err)
	}
	return nil
}
