package bmc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"slices"
	"time"

	"socle/inventory"
)

// Certificate is what a controller shows to anybody who connects. Its words are its own.
type Certificate struct {
	Fingerprint string // SHA-256 of the whole certificate, in hexadecimal
	Subject     string // common name
	Issuer      string // common name
	NotBefore   time.Time
	NotAfter    time.Time
	Signed      bool // by an authority of Options.Roots, for this address
	Expected    bool // it is one that the target's Trust lists
}

// Certificate looks which certificate a controller shows, whatever is expected of it. Nobody logs in.
func (d *Driver) Certificate(ctx context.Context, t Target) (Certificate, error) {
	o := op{doing: "looking at the certificate of", limit: d.opts.ReadTimeout, anonymous: true}
	return call(ctx, d, t, o, func(ctx context.Context) (Certificate, error) {
		if t.Protocol != inventory.Redfish {
			return Certificate{}, fmt.Errorf("%w: %s knows no certificates; it proves on both sides that they know the password", ErrUnsupported, t.Protocol)
		}
		return d.shown(ctx, t)
	})
}

func (d *Driver) shown(ctx context.Context, t Target) (Certificate, error) {
	host, port, err := address(t.Address, "443")
	if err != nil {
		return Certificate{}, err
	}
	var chain []*x509.Certificate
	config := &tls.Config{
		InsecureSkipVerify: true, MinVersion: tls.VersionTLS12, //nolint:gosec // it is only looked at
		VerifyConnection: func(s tls.ConnectionState) error { chain = s.PeerCertificates; return nil },
	}
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return Certificate{}, redfishError(ctx, err)
	}
	if err := conn.Close(); err != nil {
		return Certificate{}, redfishError(ctx, err)
	}
	c := chain[0]
	shown := Certificate{
		Fingerprint: fingerprint(c), Subject: clean(c.Subject.CommonName), Issuer: clean(c.Issuer.CommonName),
		NotBefore: c.NotBefore, NotAfter: c.NotAfter, Signed: signed(chain, d.opts.Roots, host),
	}
	shown.Expected = slices.Contains(t.Trust.Certificates, shown.Fingerprint)
	return shown, nil
}
