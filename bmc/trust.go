package bmc

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Trust says by what a controller is known again, before it is told a password. Nothing: who shows himself first is
// believed, and then holds for the call.
type Trust struct {
	// Certificates are those that it may show, the one in force first: the SHA-256 of the whole certificate (DER), in
	// hexadecimal, which is what people can compare with the controller's own pages and with openssl.
	Certificates []string
	// Signed: it has shown a certificate of an authority of Options.Roots before. Any other one of those is as good, and
	// one that nobody signed is believed no more only because it comes first.
	Signed bool
	// HostKeys are those of its SSH server, in OpenSSH's notation ("SHA256:…").
	HostKeys []string
	// Meet is told of what is not written down above as it is shown, before the password is sent. It stores it, or its
	// error refuses the controller; ErrCertificate is of a kind for that. nil: it is forgotten after the call.
	Meet func(context.Context, Proof) error
}

// Proof is what a controller shows of itself: a certificate or a host key.
type Proof struct {
	Certificate string // as in Trust
	Signed      bool   // by an authority of Options.Roots, for the address that it was called by
	HostKey     string // as in Trust
}

// fingerprint is the SHA-256 of a certificate.
func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// witness decides whether what shows certificates during one operation is the controller that is meant.
type witness struct {
	trust Trust
	roots *x509.CertPool
	host  string

	mu      sync.Mutex
	refused error // libraries that make texts of errors lose it
}

func newWitness(t Target, host string, roots *x509.CertPool) *witness {
	return &witness{trust: t.Trust, roots: roots, host: host}
}

// config is for connections to the controller. Chains are verified in see, where there is something to verify them by:
// controllers come with a certificate that they have signed themselves. Old ones know nothing above TLS 1.2.
func (w *witness) config(ctx context.Context) *tls.Config {
	return &tls.Config{
		InsecureSkipVerify: true, MinVersion: tls.VersionTLS12, //nolint:gosec // VerifyConnection decides
		VerifyConnection: func(s tls.ConnectionState) error { return w.see(ctx, s.PeerCertificates) },
	}
}

// see is called with the chain of each connection, before anything is sent over it.
func (w *witness) see(ctx context.Context, chain []*x509.Certificate) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.judge(ctx, chain)
	if err != nil {
		w.refused = err
	}
	return err
}

func (w *witness) judge(ctx context.Context, chain []*x509.Certificate) error {
	p := Proof{Certificate: fingerprint(chain[0]), Signed: signed(chain, w.roots, w.host)}
	known := w.trust.Certificates
	switch {
	case slices.Contains(known, p.Certificate), p.Signed, len(known) == 0 && !w.trust.Signed:
	case len(known) == 0:
		return fmt.Errorf("%w: it has shown one that an authority signed before, and now shows SHA-256 %s, which none of them did", ErrCertificate, p.Certificate)
	default:
		return fmt.Errorf("%w: it must show SHA-256 %s, and it shows %s", ErrCertificate, strings.Join(known, " or "), p.Certificate)
	}
	if len(known) > 0 && known[0] == p.Certificate && (w.trust.Signed || !p.Signed) {
		return nil
	}
	if w.trust.Meet != nil {
		if err := w.trust.Meet(ctx, p); err != nil {
			return err
		}
	}
	w.trust.Certificates, w.trust.Signed = []string{p.Certificate}, w.trust.Signed || p.Signed
	return nil
}

// refusal is why the controller was not believed, if it was not.
func (w *witness) refusal() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refused
}

// signed tells whether an authority vouches for who shows this chain at this address.
func signed(chain []*x509.Certificate, roots *x509.CertPool, host string) bool {
	if roots == nil {
		return false
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: host})
	return err == nil
}

// hostKey is see for the key of an SSH server.
func (t Trust) hostKey(ctx context.Context, key string) error {
	switch {
	case slices.Contains(t.HostKeys, key):
		return nil
	case len(t.HostKeys) > 0:
		return fmt.Errorf("%w: its SSH server must show the key %s, and it shows %s", ErrCertificate, strings.Join(t.HostKeys, " or "), key)
	case t.Meet != nil:
		return t.Meet(ctx, Proof{HostKey: key})
	}
	return nil
}
