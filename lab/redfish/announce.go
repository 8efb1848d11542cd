package redfish

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// Groups and names by which Redfish services are looked for (DSP0266, section "Discovery"; RFC 6762).
var (
	ssdpGroup = netip.MustParseAddrPort("239.255.255.250:1900")
	mdnsGroup = netip.MustParseAddrPort("224.0.0.251:5353")
)

const (
	ssdpTarget  = "urn:dmtf-org:service:redfish-rest:1"
	mdnsService = "_redfish._tcp.local."
)

// Announce answers questions by SSDP and mDNS on an interface, as controllers do that are switched on for it, for the
// service at an address of that interface. It returns once it listens; what it began ends with ctx, and done is closed.
func (b *BMC) Announce(ctx context.Context, iface *net.Interface, at netip.AddrPort) (done <-chan struct{}, err error) {
	d := b.vm.Describe()
	from, err := new(net.ListenConfig).ListenPacket(ctx, "udp4", netip.AddrPortFrom(at.Addr(), 0).String())
	if err != nil {
		return nil, fmt.Errorf("opening a socket for announcements: %w", err)
	}
	var groups []*net.UDPConn
	all := make(chan struct{})
	for _, g := range []struct {
		group  netip.AddrPort
		answer func([]byte) []byte
	}{
		{ssdpGroup, func(q []byte) []byte { return ssdpReply(q, d.UUID, at) }},
		{mdnsGroup, func(q []byte) []byte { return mdnsReply(q, d.Name, d.UUID, at) }},
	} {
		conn, lerr := net.ListenMulticastUDP("udp4", iface, net.UDPAddrFromAddrPort(g.group))
		if err = lerr; err != nil {
			break
		}
		groups = append(groups, conn)
		go func() { tellAll(conn, from, g.answer); all <- struct{}{} }() // ends with the socket
	}
	closed := make(chan struct{})
	end := func() {
		for _, c := range groups {
			_ = c.Close()
		}
		for range groups {
			<-all
		}
		_ = from.Close()
		close(closed)
	}
	if err != nil {
		end()
		return nil, fmt.Errorf("listening for questions on %s: %w", iface.Name, err)
	}
	context.AfterFunc(ctx, end)
	return closed, nil
}

// tellAll answers what comes to a group, from an own address.
func tellAll(conn *net.UDPConn, from net.PacketConn, answer func([]byte) []byte) {
	b := make([]byte, 9000)
	for {
		n, who, err := conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		if a := answer(b[:n]); a != nil {
			_, _ = from.WriteTo(a, net.UDPAddrFromAddrPort(who)) // one that is lost is asked for again
		}
	}
}

// ssdpReply answers an M-SEARCH for Redfish services; nil for anything else.
func ssdpReply(question []byte, uuid string, at netip.AddrPort) []byte {
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(question)))
	if err != nil || req.Method != "M-SEARCH" || req.Header.Get("MAN") != `"ssdp:discover"` {
		return nil
	}
	if st := req.Header.Get("ST"); st != ssdpTarget && st != "ssdp:all" {
		return nil
	}
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nST: %s:6\r\nUSN: uuid:%s::%s:6\r\nAL: https://%s/redfish/v1/\r\nEXT:\r\n\r\n",
		ssdpTarget, uuid, ssdpTarget, at)
}

// mdnsReply answers a question for Redfish services (RFC 6763 section 12.1); nil for anything else. The records live for
// 10 s, as for those who ask once (RFC 6762 section 6.7).
func mdnsReply(question []byte, name, uuid string, at netip.AddrPort) []byte {
	var q dnsmessage.Message
	if q.Unpack(question) != nil || q.Response || len(q.Questions) == 0 || !strings.EqualFold(q.Questions[0].Name.String(), mdnsService) {
		return nil
	}
	service, serr := dnsmessage.NewName(mdnsService)
	instance, ierr := dnsmessage.NewName(name + "." + mdnsService)
	host, herr := dnsmessage.NewName(name + ".local.")
	if errors.Join(serr, ierr, herr) != nil {
		return nil
	}
	head := func(n dnsmessage.Name, t dnsmessage.Type) dnsmessage.ResourceHeader {
		return dnsmessage.ResourceHeader{Name: n, Type: t, Class: dnsmessage.ClassINET, TTL: 10}
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: q.ID, Response: true, Authoritative: true},
		Questions: q.Questions[:1],
		Answers:   []dnsmessage.Resource{{Header: head(service, dnsmessage.TypePTR), Body: &dnsmessage.PTRResource{PTR: instance}}},
		Additionals: []dnsmessage.Resource{
			{Header: head(instance, dnsmessage.TypeSRV), Body: &dnsmessage.SRVResource{Port: at.Port(), Target: host}},
			{Header: head(instance, dnsmessage.TypeTXT), Body: &dnsmessage.TXTResource{TXT: []string{"path=/redfish/v1/", "uuid=" + uuid, "protovers=1.6"}}},
			{Header: head(host, dnsmessage.TypeA), Body: &dnsmessage.AResource{A: at.Addr().As4()}},
		},
	}
	packet, err := m.Pack()
	if err != nil {
		return nil
	}
	return packet
}
