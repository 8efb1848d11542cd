package pki

import "crypto/tls"

// rsaBits is the size of the keys for firmware. NIST SP 800-57 part 1 gives 3072 bits until after 2030.
const rsaBits = 3072

// OpenFirmware reads or makes an authority like Open, but with RSA keys, for what UEFI firmware has to trust: much of
// it, EDK II until 2023 with it (Debian 12's OVMF), knows no elliptic curves and so can neither check the certificates
// of Open's authorities nor agree on a key by ECDHE.
func OpenFirmware(dir string) (*CA, error) { return openCA(dir, newRSA) }

// FirmwareTLSConfig is for a server that firmware calls. It also takes the key exchange by RSA, which is all that
// firmware without elliptic curves and Go have in common: such a connection is as good as any against those who listen
// and who meddle, but who gets hold of the server's key later can read what was recorded.
func (ca *CA) FirmwareTLSConfig(p Pair) *tls.Config {
	c := ca.TLSConfig(p)
	c.CipherSuites = []uint16{
		tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		tls.TLS_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_RSA_WITH_AES_128_GCM_SHA256, //nolint:gosec // see above
	}
	return c
}
