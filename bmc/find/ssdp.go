package find

import (
	"bufio"
	"bytes"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// redfishTarget is what Redfish services are called in SSDP (DSP0266, section "Discovery"); a minor version may follow.
const redfishTarget = "urn:dmtf-org:service:redfish-rest:1"

// ssdpQuestion asks for Redfish services by the Simple Service Discovery Protocol of UPnP. The hop limit of 2 is
// DSP0266's.
var ssdpQuestion = question{
	by: "ssdp", group: netip.MustParseAddrPort("239.255.255.250:1900"), ttl: 2,
	packet: []byte("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: " + redfishTarget + "\r\n\r\n"),
	answer: ssdpAnswer,
}

// ssdpAnswer reads an answer to M-SEARCH: an HTTP response without a body, in which AL is the URL of the service's root
// and USN has its UUID.
func ssdpAnswer(b []byte) (port uint16, uuid string, ok bool) {
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), nil)
	if err != nil {
		return 0, "", false
	}
	_ = resp.Body.Close()
	if target := resp.Header.Get("ST"); resp.StatusCode != http.StatusOK || target != redfishTarget && !strings.HasPrefix(target, redfishTarget+":") {
		return 0, "", false
	}
	if u, rest, has := strings.Cut(resp.Header.Get("USN"), "::"); has && strings.HasPrefix(rest, redfishTarget) {
		uuid = strings.ToLower(word(strings.TrimPrefix(u, "uuid:")))
	}
	at, err := url.Parse(resp.Header.Get("AL"))
	if err != nil || at.Scheme != "" && at.Scheme != "https" {
		return 0, "", false // nobody logs in without TLS
	}
	port, ok = 443, true
	if text := at.Port(); text != "" {
		n, err := strconv.ParseUint(text, 10, 16)
		port, ok = uint16(n), err == nil && n > 0 //nolint:gosec // 16 bits were asked for
	}
	return port, uuid, ok
}
