package redfish

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"time"
)

// certificate is what the controller shows to clients, and the key that waits for its certificate.
type certificate struct {
	now     *tls.Certificate // nil: none replaced; the one that Serve made
	made    *tls.Certificate // by Serve
	pending *ecdsa.PrivateKey
}

const certificateService = root + "/CertificateService"

func (b *BMC) certificatesPath() string { return b.manager() + "/NetworkProtocol/HTTPS/Certificates" }

// Certificate returns what the controller shows to clients now; nil before Serve.
func (b *BMC) Certificate() *tls.Certificate {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.certs.now != nil {
		return b.certs.now
	}
	return b.certs.made
}

func certificateRoutes() map[string]route {
	const at = root + "/Managers/{manager}/NetworkProtocol/HTTPS/Certificates"
	const csr, replace = certificateService + "/Actions/CertificateService.GenerateCSR", certificateService + "/Actions/CertificateService.ReplaceCertificate"
	return map[string]route{
		certificateService: {get: func(b *BMC, _ *call) (object, error) {
			return resource(certificateService, "CertificateService.v1_0_4", "CertificateService", "Certificate Service").with(object{
				"CertificateLocations": link(certificateService + "/CertificateLocations"),
				"Actions":              object{"#CertificateService.GenerateCSR": object{"target": csr}, "#CertificateService.ReplaceCertificate": object{"target": replace}},
			}), nil
		}},
		certificateService + "/CertificateLocations": {get: func(b *BMC, _ *call) (object, error) {
			return resource(certificateService+"/CertificateLocations", "CertificateLocations.v1_0_2", "CertificateLocations", "Certificate locations").with(object{
				"Links": object{"Certificates": links(b.certificatesPath() + "/1"), "Certificates@odata.count": 1},
			}), nil
		}},
		csr:     {post: generateCSR},
		replace: {post: replaceCertificate},
		at: {get: func(b *BMC, _ *call) (object, error) {
			return collection(b.certificatesPath(), "CertificateCollection", "Certificates", b.certificatesPath()+"/1"), nil
		}},
		at + "/1": {get: getCertificate},
	}
}

func (b *BMC) shownCertificate() *tls.Certificate {
	if b.certs.now != nil {
		return b.certs.now
	}
	return b.certs.made
}

func getCertificate(b *BMC, c *call) (object, error) {
	shown := b.shownCertificate()
	if shown == nil {
		return nil, notFound(c.URL.Path) // served by something that has its own
	}
	x, err := x509.ParseCertificate(shown.Certificate[0])
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: x.Raw})
	return resource(b.certificatesPath()+"/1", "Certificate.v1_5_0", "1", "HTTPS certificate").with(object{
		"CertificateString": string(text), "CertificateType": "PEM", "Subject": object{"CommonName": x.Subject.CommonName},
		"Issuer": object{"CommonName": x.Issuer.CommonName}, "ValidNotBefore": x.NotBefore.UTC().Format(time.RFC3339), "ValidNotAfter": x.NotAfter.UTC().Format(time.RFC3339),
	}), nil
}

func generateCSR(b *BMC, c *call) (*reply, error) {
	var body struct {
		CommonName, Organization, OrganizationalUnit, City, State, Country, Email        string
		ContactPerson, GivenName, Surname, Initials, UnstructuredName, ChallengePassword string
		KeyPairAlgorithm, KeyCurveId                                                     string
		KeyBitLength                                                                     int
		AlternativeNames, KeyUsage                                                       []string
		CertificateCollection                                                            ref
	}
	if err := c.parameters(&body); err != nil {
		return nil, err
	}
	const action = "CertificateService.GenerateCSR"
	switch {
	case body.CommonName == "":
		return nil, missingParameter(action, "CommonName")
	case string(body.CertificateCollection) != b.certificatesPath():
		return nil, parameterNotInList("CertificateCollection", string(body.CertificateCollection), action)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: body.CommonName}}
	for _, name := range body.AlternativeNames {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return nil, err
	}
	b.certs.pending = key
	return &reply{status: http.StatusOK, body: object{
		"CertificateCollection": link(b.certificatesPath()),
		"CSRString":             string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})),
	}}, nil
}

// replaceCertificate takes a certificate for the key of the last request, or one that comes with its own key.
func replaceCertificate(b *BMC, c *call) (*reply, error) {
	var body struct {
		CertificateString, CertificateType string
		CertificateURI                     ref `json:"CertificateUri"`
	}
	if err := c.parameters(&body); err != nil {
		return nil, err
	}
	const action = "CertificateService.ReplaceCertificate"
	switch {
	case body.CertificateString == "":
		return nil, missingParameter(action, "CertificateString")
	case body.CertificateType != "PEM" && body.CertificateType != "PEMchain":
		return nil, parameterNotInList("CertificateType", body.CertificateType, action)
	case string(body.CertificateURI) != b.certificatesPath()+"/1":
		return nil, parameterNotInList("CertificateUri", string(body.CertificateURI), action)
	}
	text := []byte(body.CertificateString)
	keyText := text
	if b.certs.pending != nil {
		der, err := x509.MarshalECPrivateKey(b.certs.pending)
		if err != nil {
			return nil, err
		}
		keyText = append(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), text...)
	}
	cert, err := tls.X509KeyPair(text, keyText)
	if err != nil {
		return nil, problemf(http.StatusBadRequest, "ActionParameterValueFormatError", "The value for the parameter CertificateString in the action %s cannot be used: %v.", action, err).about("#/CertificateString")
	}
	if err := b.keepCertificate(&cert); err != nil {
		return nil, err
	}
	b.certs.now, b.certs.pending = &cert, nil
	return &reply{status: http.StatusNoContent, location: b.certificatesPath() + "/1"}, nil
}

// selfSigned makes a certificate for the address that is listened on.
func selfSigned(addr net.Addr) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "virtual BMC"},
		NotBefore:    now.Add(-time.Hour), NotAfter: now.AddDate(10, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	if tcp, ok := addr.(*net.TCPAddr); ok {
		template.IPAddresses = []net.IP{tcp.IP}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
