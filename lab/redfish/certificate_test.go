package redfish_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	gofishredfish "github.com/stmcginnis/gofish/redfish"

	"socle/internal/secret"
	"socle/lab/redfish"
)

// TestCertificate: a certificate of an own authority, for a key that never left the controller.
func TestCertificate(t *testing.T) {
	b := start(t, true)
	svc := must[*gofishredfish.CertificateService](t)(b.gofish().CertificateService())
	at := "/redfish/v1/Managers/1/NetworkProtocol/HTTPS/Certificates"
	csr := must[*gofishredfish.GenerateCSRResponse](t)(svc.GenerateCSR(&gofishredfish.GenerateCSRRequest{
		CommonName: "st01-bmc", AlternativeNames: []string{"127.0.0.1"}, CertificateCollection: at,
	}))
	block, _ := pem.Decode([]byte(csr.CSRString))
	request := must[*x509.CertificateRequest](t)(x509.ParseCertificateRequest(block.Bytes))
	ca, caKey := authority(t)
	der := must[[]byte](t)(x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: request.Subject, IPAddresses: request.IPAddresses, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, ca, request.PublicKey, caKey))
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	check(t, svc.ReplaceCertificate(text, "PEM", at+"/1"))
	verifying(t, b.url, ca)
	if a := b.want(200, "", "GET", at+"/1", ""); a.at("Subject/CommonName") != "st01-bmc" || a.at("CertificateString") != text {
		t.Error(a.body)
	}
	if err := svc.ReplaceCertificate(text, "PEM", at+"/1"); err == nil {
		t.Error("a certificate without its key was taken")
	}
}

func TestManagerDefaults(t *testing.T) {
	b := start(t, true)
	b.want(201, "", "POST", accounts, `{"UserName":"socle","Password":"long-enough","RoleId":"Administrator"}`)
	b.want(200, "", "PATCH", accounts+"/1", `{"Password":"changed-word"}`)
	b.want(204, "", "POST", "/redfish/v1/Managers/1/Actions/Manager.ResetToDefaults", `{"ResetType":"ResetAll"}`, as("socle", "long-enough")...)
	b.pass(time.Minute)
	b.want(200, "", "GET", system, "")
	want := []redfish.Account{{ID: "1", User: "admin", Role: "Administrator", Password: secret.New("pw"), Enabled: true}}
	if diff := cmp.Diff(want, b.bmc.Accounts(), cmp.Comparer(func(a, b secret.Secret) bool { return a.Reveal() == b.Reveal() })); diff != "" {
		t.Error(diff)
	}
}

// TestCertificateIsKept: a controller shows the same certificate after a restart of the program, and after one of its own.
func TestCertificateIsKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bmc.pem")
	var first *tls.Certificate
	for range 2 {
		b := start(t, true, func(o *redfish.Options) { o.CertFile = file })
		b.want(200, "", "GET", "/redfish/v1/", "")
		shown := b.bmc.Certificate()
		if first == nil {
			first = shown
		}
		if !bytes.Equal(shown.Certificate[0], first.Certificate[0]) {
			t.Error("it shows another certificate")
		}
		b.bmc.Restart()
		if !bytes.Equal(b.bmc.Certificate().Certificate[0], first.Certificate[0]) {
			t.Error("it shows another certificate after its restart")
		}
	}
	if info := must[os.FileInfo](t)(os.Stat(file)); info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file has mode %v", info.Mode())
	}
}
