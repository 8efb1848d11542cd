package agent

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// pinned is a TLS configuration that trusts one CA, known by the SHA-256 of its certificate's DER, which the
// server sends with its own.
//
// Dates are not held against the server: a server's clock is whatever its battery left of it, the digest is
// of this boot, and the clock is set from the server's answer afterwards.
func pinned(caSHA256, host string) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection below verifies against the pinned CA instead of the system's
		VerifyConnection: func(cs tls.ConnectionState) error {
			return verifyPinned(cs.PeerCertificates, caSHA256, host, time.Now())
		},
	}
}

func verifyPinned(chain []*x509.Certificate, caSHA256, host string, now time.Time) error {
	if len(chain) == 0 {
		return errors.New("the server showed no certificate")
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	found := false
	for _, c := range chain {
		if sum := sha256.Sum256(c.Raw); hex.EncodeToString(sum[:]) == caSHA256 {
			roots.AddCert(c)
			found = true
		} else {
			between.AddCert(c)
		}
	}
	if !found {
		return fmt.Errorf("the server's chain (%q) does not contain the CA that the boot script named (SHA-256 %s): "+
			"another server answers at this address, or the CA was changed after this boot began", chain[0].Subject, caSHA256)
	}
	if now.Before(chain[0].NotBefore) {
		now = chain[0].NotBefore
	}
	if now.After(chain[0].NotAfter) {
		now = chain[0].NotAfter
	}
	if _, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: host, CurrentTime: now}); err != nil {
		return fmt.Errorf("verifying the server's certificate for %s: %w", host, err)
	}
	return nil
}
