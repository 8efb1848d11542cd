package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// The files of an authority in its directory.
const (
	certFile = "ca.pem"
	keyFile  = "ca.key"
)

// caLife is how long the authority itself is valid.
const caLife = 20 * 365 * 24 * time.Hour

// CA is a certificate authority whose key is at hand. Its methods may be called concurrently.
type CA struct {
	cert *x509.Certificate
	key  crypto.Signer
	pem  []byte
	// Now is the clock for validity periods; Open sets it to time.Now.
	Now func() time.Time
}

// Open reads the authority in dir, or makes one (ECDSA P-256, key file 0600) when neither file is there.
// One file without the other is an error: a new key would silently cut off all that trust the old one.
func Open(dir string) (*CA, error) { return openCA(dir, newECDSA) }

func openCA(dir string, newKey func() (crypto.Signer, error)) (*CA, error) {
	certPEM, certErr := os.ReadFile(filepath.Join(dir, certFile)) //nolint:gosec // the path is the operator's
	keyPEM, keyErr := os.ReadFile(filepath.Join(dir, keyFile))    //nolint:gosec // likewise
	switch {
	case certErr == nil && keyErr == nil:
		return parse(dir, certPEM, keyPEM)
	case errors.Is(certErr, fs.ErrNotExist) && errors.Is(keyErr, fs.ErrNotExist):
		return create(dir, newKey)
	case certErr != nil:
		return nil, fmt.Errorf("reading the certificate authority in %s: %w: restore it from the backup, or remove %s to make a new authority (all deployed machines then need a new deployment)", dir, certErr, keyFile)
	default:
		return nil, fmt.Errorf("reading the key of the certificate authority in %s: %w: restore it from the backup, or remove %s to make a new authority (all deployed machines then need a new deployment)", dir, keyErr, certFile)
	}
}

// create makes a new authority and stores the key before the certificate, so that a crash in between
// leaves a state that Open names instead of a certificate nobody can sign for.
func create(dir string, newKey func() (crypto.Signer, error)) (*CA, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of the certificate authority: %w", err)
	}
	key, err := newKey()
	if err != nil {
		return nil, fmt.Errorf("making the authority's key: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "Socle CA " + serial.Text(16)[:8]},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(caLife),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("signing the authority's certificate: %w", err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	if err := writeFile(filepath.Join(dir, keyFile), keyPEM, 0o600); err != nil {
		return nil, err
	}
	if err := writeFile(filepath.Join(dir, certFile), certPEM, 0o644); err != nil {
		return nil, err
	}
	return parse(dir, certPEM, keyPEM)
}

func parse(dir string, certPEM, keyPEM []byte) (*CA, error) {
	cb, _ := pem.Decode(certPEM)
	kb, _ := pem.Decode(keyPEM)
	if cb == nil || kb == nil {
		return nil, fmt.Errorf("reading the certificate authority in %s: %s or %s is not PEM", dir, certFile, keyFile)
	}
	cert, err := x509.ParseCertificate(cb.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading the authority's certificate in %s: %w", dir, err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(kb.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading the authority's key in %s: %w", dir, err)
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("reading the authority's key in %s: a %T cannot sign", dir, parsed)
	}
	if public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(cert.PublicKey) {
		return nil, fmt.Errorf("reading the certificate authority in %s: %s does not belong to %s", dir, keyFile, certFile)
	}
	return &CA{cert: cert, key: key, pem: certPEM, Now: time.Now}, nil
}

// CertPEM is the authority's certificate, the thing that clients trust.
func (ca *CA) CertPEM() []byte { return append([]byte(nil), ca.pem...) }

// Fingerprint is the SHA-256 of the DER certificate in hexadecimal, as in the ramdisk's parameter socle.ca.
func (ca *CA) Fingerprint() string {
	sum := sha256.Sum256(ca.cert.Raw)
	return hex.EncodeToString(sum[:])
}

// Pool is a pool that trusts this authority and nobody else.
func (ca *CA) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(ca.cert)
	return p
}

func newSerial() (*big.Int, error) {
	// 127 bits: positive and at most 20 octets (RFC 5280, 4.1.2.2).
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("drawing a serial number: %w", err)
	}
	return n.SetBit(n, 126, 1), nil
}

func newECDSA() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func newRSA() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, rsaBits) }

func encodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// writeFile writes atomically and durably.
func writeFile(path string, data []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
