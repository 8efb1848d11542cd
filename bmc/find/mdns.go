package find

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// redfishService is what Redfish services are called in DNS-based service discovery (RFC 6763 section 7; DSP0266,
// section "Discovery").
const redfishService = "_redfish._tcp.local."

// mdnsQuestion asks for Redfish services by multicast DNS. It comes from another port than 5353, so those who have an
// answer send it to us alone (RFC 6762 section 6.7).
func mdnsQuestion() (question, error) {
	name, err := dnsmessage.NewName(redfishService)
	if err != nil {
		return question{}, fmt.Errorf("making the mDNS question: %w", err)
	}
	m := dnsmessage.Message{Questions: []dnsmessage.Question{{Name: name, Type: dnsmessage.TypePTR, Class: dnsmessage.ClassINET}}}
	m.ID = 0x50c1
	packet, err := m.Pack()
	if err != nil {
		return question{}, fmt.Errorf("making the mDNS question: %w", err)
	}
	return question{by: "mdns", group: netip.MustParseAddrPort("224.0.0.251:5353"), ttl: 255, packet: packet, answer: mdnsAnswer}, nil
}

// mdnsAnswer reads an answer: a PTR record for the service that names an instance, and, most often with it, the
// instance's SRV record with its port and its TXT record, in which a UUID may be.
func mdnsAnswer(b []byte) (port uint16, uuid string, ok bool) {
	var m dnsmessage.Message
	if m.Unpack(b) != nil || !m.Response {
		return 0, "", false
	}
	port = 443
	records := append(m.Answers, m.Additionals...)
	instance := ""
	for _, r := range records {
		if p, is := r.Body.(*dnsmessage.PTRResource); is && strings.EqualFold(r.Header.Name.String(), redfishService) {
			instance = p.PTR.String()
		}
	}
	if instance == "" {
		return 0, "", false
	}
	for _, r := range records {
		if !strings.EqualFold(r.Header.Name.String(), instance) {
			continue
		}
		switch body := r.Body.(type) {
		case *dnsmessage.SRVResource:
			port = body.Port
		case *dnsmessage.TXTResource:
			for _, t := range body.TXT {
				if key, value, _ := strings.Cut(t, "="); strings.EqualFold(key, "uuid") {
					uuid = strings.ToLower(word(value))
				}
			}
		}
	}
	return port, uuid, port > 0
}
