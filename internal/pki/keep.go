package pki

import (
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"os"
	"path/filepath"
	"time"
)

// renewBefore is how early a stored certificate is replaced.
const renewBefore = 30 * 24 * time.Hour

// ServerPair reads dir/NAME.pem and dir/NAME.key, or signs a new pair and stores it there when it is
// absent, lapses within a month, or was not signed by this authority for all of names and addrs.
func (ca *CA) ServerPair(dir, name string, names []string, addrs []netip.Addr) (Pair, error) {
	certPath, keyPath := filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	if p, ok := ca.stored(certPath, keyPath, names, addrs); ok {
		return p, nil
	}
	p, err := ca.ServerCert(names, addrs)
	if err != nil {
		return Pair{}, err
	}
	if err := writeFile(keyPath, p.KeyPEM, 0o600); err != nil {
		return Pair{}, err
	}
	if err := writeFile(certPath, p.CertPEM, 0o644); err != nil {
		return Pair{}, err
	}
	return p, nil
}

// stored tells whether what lies in the files can still be used; whatever is wrong with it, a new pair is
// the remedy, so the reason does not matter.
func (ca *CA) stored(certPath, keyPath string, names []string, addrs []netip.Addr) (Pair, bool) {
	certPEM, err1 := os.ReadFile(certPath) //nolint:gosec // the path is the operator's
	keyPEM, err2 := os.ReadFile(keyPath)   //nolint:gosec // likewise
	if err1 != nil || err2 != nil {
		return Pair{}, false
	}
	c, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return Pair{}, false
	}
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		return Pair{}, false
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: ca.Pool(), CurrentTime: ca.Now().Add(renewBefore)}); err != nil {
		return Pair{}, false
	}
	for _, n := range names {
		if leaf.VerifyHostname(n) != nil {
			return Pair{}, false
		}
	}
	for _, a := range addrs {
		if leaf.VerifyHostname(a.String()) != nil {
			return Pair{}, false
		}
	}
	c.Leaf, c.Certificate = leaf, [][]byte{leaf.Raw, ca.cert.Raw}
	return Pair{CertPEM: certPEM, KeyPEM: keyPEM, TLS: c}, true
}
