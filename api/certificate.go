package api

import (
	"bytes"
	"context"
	"math"
	"net/http"
	"strconv"
	"time"
)

// PathCertificates is the certificates, and the public key that signs them.
const (
	PathCertificates   = "/api/v1/certificates"
	PathCertificateKey = "/api/v1/certificate-key"
)

// ContentTypeCertificate is of a certificate's file.
const ContentTypeCertificate = "application/vnd.socle.certificate+json"

// CertificateRequest asks for a certificate of what is true now.
type CertificateRequest struct {
	AcceptanceScope
	Note string `json:"note,omitempty" maxLength:"2000" doc:"what else is to stand on it"`
	AsIs bool   `json:"as_is,omitempty" doc:"also when machines are open or rejected, which it says then"`
}

// CertificateEntry is one certificate in a list.
type CertificateEntry struct {
	Number   int64     `json:"number"`
	SHA256   string    `json:"sha256" doc:"of the file"`
	Scope    string    `json:"scope" enum:"machines,rack,delivery,site,all"`
	Name     string    `json:"name,omitempty"`
	Verdict  string    `json:"verdict" enum:"accepted,waived,open,rejected"`
	Machines int       `json:"machines" doc:"how many"`
	Actor    string    `json:"actor"`
	Time     time.Time `json:"time"`
}

// CertificateList is the answer of GET /api/v1/certificates, the newest first.
type CertificateList struct {
	Certificates []CertificateEntry `json:"certificates"`
}

// PublicKey is by which certificates are verified.
type PublicKey struct {
	Key         []byte `json:"key" doc:"Ed25519, 32 bytes in base64"`
	Fingerprint string `json:"fingerprint"`
}

// IssueCertificate has what is true now written down and signed; the answer is the file, byte for byte.
func (c *Client) IssueCertificate(ctx context.Context, r CertificateRequest) ([]byte, error) {
	var entry CertificateEntry
	if err := c.request(ctx, http.MethodPost, PathCertificates, nil, r, &entry); err != nil {
		return nil, err
	}
	return c.Certificate(ctx, entry.Number)
}

// Certificate reads the file of one, byte for byte.
func (c *Client) Certificate(ctx context.Context, number int64) ([]byte, error) {
	var file bytes.Buffer
	_, err := c.download(ctx, PathCertificates+"/"+strconv.FormatInt(number, 10), nil, ContentTypeCertificate, math.MaxInt64, &file)
	return file.Bytes(), err
}

// Certificates lists those that judge a machine, or all (empty), the newest first.
func (c *Client) Certificates(ctx context.Context, machine string) ([]CertificateEntry, error) {
	var out CertificateList
	err := c.request(ctx, http.MethodGet, PathCertificates, given(map[string]string{"machine": machine}), nil, &out)
	return out.Certificates, err
}

// CertificateKey is by which this installation's certificates are verified.
func (c *Client) CertificateKey(ctx context.Context) (PublicKey, error) {
	var out PublicKey
	return out, c.request(ctx, http.MethodGet, PathCertificateKey, nil, nil, &out)
}
