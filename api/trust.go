package api

import (
	"context"
	"net/http"
	"time"
)

// BMCCertificate is what a BMC shows of itself, and what it must show.
type BMCCertificate struct {
	Machine     string     `json:"machine"`
	State       string     `json:"state" enum:"trusted,new,other" doc:"trusted: it is one that it may show; new: it has shown none yet, and will be believed at the next login; other: it is not what it must show, and gets no password"`
	Fingerprint string     `json:"fingerprint" doc:"SHA-256 of the certificate that it shows now, in hexadecimal"`
	Subject     string     `json:"subject,omitempty"`
	Issuer      string     `json:"issuer,omitempty"`
	NotBefore   *time.Time `json:"not_before,omitempty"`
	NotAfter    *time.Time `json:"not_after,omitempty"`
	Signed      bool       `json:"signed" doc:"an authority vouches for it: Socle's own, or one of bmc.ca_file"`
	Expected    []string   `json:"expected,omitempty" doc:"SHA-256 of the certificates that it may show"`
	OnlySigned  bool       `json:"only_signed,omitempty" doc:"or any that an authority vouches for"`
	HostKey     string     `json:"host_key,omitempty" doc:"key that its SSH server must show"`
	By          string     `json:"by,omitempty" doc:"who saw or accepted what is expected"`
	Since       *time.Time `json:"since,omitempty"`
}

// TrustRequest accepts what a BMC shows.
type TrustRequest struct {
	Fingerprint string `json:"fingerprint" pattern:"^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$|^SHA256:[A-Za-z0-9+/]{43}$" doc:"SHA-256 of the certificate that it shows now, in hexadecimal, with colons or without; or the key of its SSH server, as SHA256:…"`
}

// BMCCertificate looks which certificate a machine's BMC shows. Nobody logs in.
func (c *Client) BMCCertificate(ctx context.Context, ref string) (BMCCertificate, error) {
	var out BMCCertificate
	return out, c.request(ctx, http.MethodGet, bmcPath(ref, "/certificate"), nil, nil, &out)
}

// TrustBMC accepts the certificate, or the SSH key, of this fingerprint for a machine's BMC.
func (c *Client) TrustBMC(ctx context.Context, ref, fingerprint string) (BMCCertificate, error) {
	var out BMCCertificate
	return out, c.request(ctx, http.MethodPost, bmcPath(ref, "/trust"), nil, TrustRequest{fingerprint}, &out)
}

// GiveBMCCertificate gives a BMC a certificate of the server's own authority, and returns when the BMC shows it.
func (c *Client) GiveBMCCertificate(ctx context.Context, ref string) (BMCCertificate, error) {
	var out BMCCertificate
	return out, c.request(ctx, http.MethodPost, bmcPath(ref, "/certificate"), nil, nil, &out)
}
