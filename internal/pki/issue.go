package pki

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

const (
	// backdate covers servers whose clock runs behind, as a fresh board's often does.
	backdate = 24 * time.Hour
	// serverLife is long: a deployed hypervisor keeps its certificate until it is deployed again.
	serverLife = 5 * 365 * 24 * time.Hour
	// clientLife is short: client certificates are made when the process starts.
	clientLife = 90 * 24 * time.Hour
)

// Pair is a certificate with its key, PEM and parsed.
type Pair struct {
	CertPEM []byte // the leaf alone
	KeyPEM  []byte // PKCS#8; a secret
	TLS     tls.Certificate
}

// ServerCert signs a certificate for a server that is called by any of the names and addresses. At least
// one of them is needed; the first name, or else the first address, is its common name.
func (ca *CA) ServerCert(names []string, addrs []netip.Addr) (Pair, error) {
	t, err := serverTemplate(names, addrs)
	if err != nil {
		return Pair{}, err
	}
	return ca.sign(t, serverLife)
}

func serverTemplate(names []string, addrs []netip.Addr) (*x509.Certificate, error) {
	if len(names)+len(addrs) == 0 {
		return nil, errors.New("signing a server certificate: it has neither a name nor an address")
	}
	t := &x509.Certificate{DNSNames: names, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, a := range addrs {
		t.IPAddresses = append(t.IPAddresses, net.IP(a.Unmap().AsSlice()))
	}
	if len(names) > 0 {
		t.Subject.CommonName = names[0]
	} else {
		t.Subject.CommonName = addrs[0].String()
	}
	return t, nil
}

// ClientCert signs a certificate whose subject is CN=name alone, which is what libvirt's tls_allowed_dn_list
// is compared with.
func (ca *CA) ClientCert(name string) (Pair, error) {
	if name == "" {
		return Pair{}, errors.New("signing a client certificate: it has no name")
	}
	t := &x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	return ca.sign(t, clientLife)
}

func (ca *CA) sign(t *x509.Certificate, life time.Duration) (Pair, error) {
	newKey := newECDSA
	if _, ok := ca.key.(*rsa.PrivateKey); ok {
		newKey = newRSA // who trusts an RSA authority may know nothing else
	}
	key, err := newKey()
	if err != nil {
		return Pair{}, fmt.Errorf("making a key for %s: %w", t.Subject.CommonName, err)
	}
	certPEM, err := ca.issue(t, life, key.Public())
	if err != nil {
		return Pair{}, err
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return Pair{}, err
	}
	block, _ := pem.Decode(certPEM)
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return Pair{}, fmt.Errorf("reading back the certificate of %s: %w", t.Subject.CommonName, err)
	}
	return Pair{
		CertPEM: certPEM,
		KeyPEM:  keyPEM,
		// The authority's certificate goes along, because the agent and curl know it by fingerprint or as trust anchor.
		TLS: tls.Certificate{Certificate: [][]byte{block.Bytes, ca.cert.Raw}, PrivateKey: key, Leaf: leaf},
	}, nil
}

// issue signs a certificate for a key.
func (ca *CA) issue(t *x509.Certificate, life time.Duration, key any) (certPEM []byte, err error) {
	if t.SerialNumber, err = newSerial(); err != nil {
		return nil, err
	}
	if len(t.Subject.CommonName) > 64 {
		// RFC 5280's upper bound; the subject alternative names hold the full name.
		t.Subject.CommonName = t.Subject.CommonName[:64]
	}
	now := ca.Now()
	t.NotBefore, t.NotAfter = now.Add(-backdate), now.Add(life)
	// An elliptic-curve key enciphers no keys, but libvirt refuses to start with a certificate that does not
	// permit it (libvirt 9.0, virNetTLSContextCheckCertKeyUsage).
	t.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	t.BasicConstraintsValid = true
	der, err := x509.CreateCertificate(rand.Reader, t, ca.cert, key, ca.key)
	if err != nil {
		return nil, fmt.Errorf("signing the certificate of %s: %w", t.Subject.CommonName, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// TLSConfig is for a server of Socle itself: it presents p and asks for no client certificate.
func (ca *CA) TLSConfig(p Pair) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{p.TLS}}
}

// ClientTLSConfig is for calling something that this authority signed, under serverName ("" lets the dialer
// set it), with client as proof of who calls; a zero client proves nothing.
func (ca *CA) ClientTLSConfig(client Pair, serverName string) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: ca.Pool(), ServerName: serverName}
	if len(client.TLS.Certificate) > 0 {
		c.Certificates = []tls.Certificate{client.TLS}
	}
	return c
}

// SignRequest signs a certificate for the key of a request (PKCS #10, PEM), for a server that is called by these names and
// addresses: of the request nothing counts but the key, and that whoever asks has it.
func (ca *CA) SignRequest(request []byte, names []string, addrs []netip.Addr) (certPEM []byte, err error) {
	block, _ := pem.Decode(request)
	if block == nil {
		return nil, errors.New("signing a request for a certificate: it is no PEM")
	}
	r, err := x509.ParseCertificateRequest(block.Bytes)
	if err == nil {
		err = r.CheckSignature()
	}
	if err != nil {
		return nil, fmt.Errorf("signing a request for a certificate: %w", err)
	}
	if k, ok := r.PublicKey.(*rsa.PublicKey); ok && k.N.BitLen() < leastRSA {
		return nil, fmt.Errorf("signing a request for a certificate: its RSA key has %d bits, and %d are the least", k.N.BitLen(), leastRSA)
	}
	t, err := serverTemplate(names, addrs)
	if err != nil {
		return nil, err
	}
	return ca.issue(t, serverLife, r.PublicKey)
}

// leastRSA is the least size of the RSA keys of others (NIST SP 800-57 part 1, until 2030).
const leastRSA = 2048
