package pki

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/netip"
	"testing"
)

// TestFirmwareWithoutEllipticCurves: all that such firmware sees is RSA, the key exchange too; clients that know more
// still get more.
func TestFirmwareWithoutEllipticCurves(t *testing.T) {
	dir := t.TempDir()
	ca, err := OpenFirmware(dir)
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddr("198.18.0.1")
	pair, err := ca.ServerPair(dir, "server", nil, []netip.Addr{addr})
	if err != nil {
		t.Fatal(err)
	}
	for _, der := range pair.TLS.Certificate {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := c.PublicKey.(*rsa.PublicKey); !ok || c.SignatureAlgorithm != x509.SHA256WithRSA {
			t.Errorf("%s has a %T and a signature by %s", c.Subject, c.PublicKey, c.SignatureAlgorithm)
		}
	}
	again, err := OpenFirmware(dir)
	if err != nil || again.Fingerprint() != ca.Fingerprint() {
		t.Errorf("the authority is not kept: %v", err)
	}
	// What Debian 12's OVMF offers of what Go knows.
	old := &tls.Config{RootCAs: ca.Pool(), ServerName: addr.String(), MaxVersion: tls.VersionTLS12,
		CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_128_CBC_SHA}}
	if s := shake(t, ca.FirmwareTLSConfig(pair), old); s.CipherSuite != tls.TLS_RSA_WITH_AES_128_GCM_SHA256 {
		t.Errorf("old firmware got %s", tls.CipherSuiteName(s.CipherSuite))
	}
	if s := shake(t, ca.FirmwareTLSConfig(pair), &tls.Config{RootCAs: ca.Pool(), ServerName: addr.String(), MaxVersion: tls.VersionTLS12}); s.CipherSuite != tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 && s.CipherSuite != tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 {
		t.Errorf("newer firmware got %s", tls.CipherSuiteName(s.CipherSuite))
	}
	if s := shake(t, ca.FirmwareTLSConfig(pair), &tls.Config{RootCAs: ca.Pool(), ServerName: addr.String()}); s.Version != tls.VersionTLS13 {
		t.Errorf("the newest firmware got version %x", s.Version)
	}
}

// shake has a client and a server agree, and tells on what.
func shake(t *testing.T, server, client *tls.Config) tls.ConnectionState {
	t.Helper()
	a, b := net.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- tls.Server(a, server).HandshakeContext(t.Context()) }()
	c := tls.Client(b, client)
	if err := c.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return c.ConnectionState()
}
