package api

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
)

// trust makes the TLS configuration by which the server is recognised.
func trust(o ClientOptions, host string) (*tls.Config, error) {
	switch {
	case o.CAFile != "" && o.CAFingerprint != "":
		return nil, errors.New("a CA file and a CA fingerprint are given: leave one out")
	case o.CAFile != "":
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("reading the server's CA: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("reading the server's CA: %s holds no certificate in PEM", o.CAFile)
		}
		return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
	case o.CAFingerprint != "":
		return PinnedTLS(o.CAFingerprint, host)
	default:
		return &tls.Config{MinVersion: tls.VersionTLS12}, nil
	}
}

// PinnedTLS trusts servers whose chain is signed by the one CA whose DER has this SHA-256, in hexadecimal with or
// without colons, and whose certificate is for host (a name or an address). The server must send the CA along.
func PinnedTLS(fingerprint, host string) (*tls.Config, error) {
	want, err := hex.DecodeString(strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(fingerprint, "sha256:"), ":", "")))
	if err != nil || len(want) != sha256.Size {
		return nil, errors.New("the CA's fingerprint is not 64 hexadecimal digits")
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		ServerName: host,
		// The usual verification knows no pins, so VerifyConnection does all of it: chain, name, time and pin.
		InsecureSkipVerify: true, //nolint:gosec // see above
		VerifyConnection: func(cs tls.ConnectionState) error {
			return verifyPinned(cs.PeerCertificates, [sha256.Size]byte(want), host)
		},
	}, nil
}

// verifyPinned checks the chain that a server sent.
func verifyPinned(chain []*x509.Certificate, want [sha256.Size]byte, host string) error {
	if len(chain) == 0 {
		return errors.New("the server sent no certificate")
	}
	roots, others := x509.NewCertPool(), x509.NewCertPool()
	found := false
	for _, c := range chain[1:] {
		if sha256.Sum256(c.Raw) == want {
			roots.AddCert(c)
			found = true
			continue
		}
		others.AddCert(c)
	}
	if !found {
		return errors.New("the server's certificate is not signed by the CA with the expected fingerprint: it is another server, or its CA was made anew")
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: host, Roots: roots, Intermediates: others})
	return err
}

// segment makes any text one segment of a path.
func segment(s string) string { return url.PathEscape(s) }
