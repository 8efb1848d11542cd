package find

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"unicode"
)

// Root is what a Redfish service says to anybody (DMTF schema ServiceRoot).
type Root struct {
	Version string // of the protocol
	Vendor  string
	Product string
	UUID    string // of the service, lower case
	Name    string
	// Fingerprint is the SHA-256 of the certificate that was shown, in hexadecimal.
	Fingerprint string
}

// RedfishPort is where Redfish services are.
const RedfishPort = 443

const (
	maxRoot = 1 << 20 // bytes of an answer
	maxWord = 128     // bytes of a text that is kept
)

// root asks an address for the root of its Redfish service; ok is false when there is none.
func (o Options) root(ctx context.Context, at netip.AddrPort) (r Root, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, o.HTTPTimeout)
	defer cancel()
	dialer := net.Dialer{Timeout: o.DialTimeout}
	transport := &http.Transport{
		DialContext: dialer.DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10,
		// Nothing secret is sent: what answers is only looked at, whoever it is.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, //nolint:gosec // see above
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+at.String()+"/redfish/v1/", http.NoBody)
	if err != nil {
		return r, false
	}
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return r, false
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxRoot))
	if err != nil || resp.StatusCode != http.StatusOK {
		return r, false
	}
	if r, ok = readRoot(text); ok && resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		sum := sha256.Sum256(resp.TLS.PeerCertificates[0].Raw)
		r.Fingerprint = hex.EncodeToString(sum[:])
	}
	return r, ok
}

// readRoot reads a service root. Old services call it by its type only.
func readRoot(text []byte) (Root, bool) {
	var body struct {
		Type           string `json:"@odata.type"`
		RedfishVersion string
		Vendor         string
		Product        string
		UUID           string
		Name           string
		Oem            map[string]json.RawMessage
	}
	if err := json.Unmarshal(text, &body); err != nil || body.RedfishVersion == "" && !strings.Contains(body.Type, "ServiceRoot") {
		return Root{}, false
	}
	r := Root{Version: word(body.RedfishVersion), Vendor: word(body.Vendor), Product: word(body.Product), UUID: strings.ToLower(word(body.UUID)), Name: word(body.Name)}
	if r.Vendor == "" { // before version 1.5 the vendor was known by its extension only
		for name := range body.Oem {
			if r.Vendor == "" || word(name) < r.Vendor {
				r.Vendor = word(name)
			}
		}
	}
	return r, true
}

// word makes a foreign text fit to be shown.
func word(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), maxWord)], "") // a letter that was cut in two goes
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s))
}
