package redfish

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
)

// ownCertificate is what the controller shows from the start: the one that it kept, or a new one that it signed itself.
func (b *BMC) ownCertificate(addr net.Addr) (*tls.Certificate, error) {
	if b.certFile != "" {
		kept, err := tls.LoadX509KeyPair(b.certFile, b.certFile)
		if !errors.Is(err, fs.ErrNotExist) {
			return &kept, err
		}
	}
	made, err := selfSigned(addr)
	if err != nil {
		return nil, err
	}
	return made, b.keepCertificate(made)
}

// keepCertificate stores a certificate with its key, so that it is shown again after a restart of the program.
func (b *BMC) keepCertificate(c *tls.Certificate) error {
	if b.certFile == "" {
		return nil
	}
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		return fmt.Errorf("keeping a certificate: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	for _, der := range c.Certificate {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	if err := os.WriteFile(b.certFile+".new", text, 0o600); err != nil {
		return fmt.Errorf("keeping a certificate: %w", err)
	}
	if err := os.Rename(b.certFile+".new", b.certFile); err != nil {
		return fmt.Errorf("keeping a certificate: %w", err)
	}
	return nil
}
