package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socle/api"
)

// authority is a CA of a test, with a server's certificate that it signed.
type authority struct {
	ca     *x509.Certificate
	server tls.Certificate // leaf and CA
}

func newAuthority(t *testing.T, ip string, until time.Time) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	from := time.Now().Add(-48 * time.Hour)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, NotBefore: from, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := x509.ParseCertificate(caDER)
	if err != nil {
		t.Fatal(err)
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server"}, NotBefore: from, NotAfter: until,
		IPAddresses: []net.IP{net.ParseIP(ip)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, &leafKey.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return authority{ca, tls.Certificate{Certificate: [][]byte{leafDER, caDER}, PrivateKey: leafKey}}
}

func (a authority) fingerprint() string {
	sum := sha256.Sum256(a.ca.Raw)
	return hex.EncodeToString(sum[:])
}

func (a authority) file(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.ca.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func serveTLS(t *testing.T, c tls.Certificate) string {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"machines":[]}`))
	}))
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{c}, MinVersion: tls.VersionTLS12}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestTrust(t *testing.T) {
	later := time.Now().Add(time.Hour)
	right, other := newAuthority(t, "127.0.0.1", later), newAuthority(t, "127.0.0.1", later)
	elsewhere, expired := newAuthority(t, "192.0.2.1", later), newAuthority(t, "127.0.0.1", time.Now().Add(-time.Hour))
	// A server that sends the right CA beside a certificate that another one signed.
	borrowed := other.server
	borrowed.Certificate = [][]byte{other.server.Certificate[0], right.ca.Raw}
	alone := right.server
	alone.Certificate = right.server.Certificate[:1]
	colons := strings.ToUpper(right.fingerprint()[:2]) + ":" + right.fingerprint()[2:]
	for _, tc := range []struct {
		name   string
		server tls.Certificate
		o      api.ClientOptions
		bad    string // part of the error
	}{
		{"pinned", right.server, api.ClientOptions{CAFingerprint: right.fingerprint()}, ""},
		{"pinned with colons", right.server, api.ClientOptions{CAFingerprint: colons}, ""},
		{"file", right.server, api.ClientOptions{CAFile: right.file(t)}, ""},
		{"neither", right.server, api.ClientOptions{}, "give the file of its CA"},
		{"another CA", other.server, api.ClientOptions{CAFingerprint: right.fingerprint()}, "expected fingerprint"},
		{"another CA by file", other.server, api.ClientOptions{CAFile: right.file(t)}, "unknown authority"},
		{"borrowed CA", borrowed, api.ClientOptions{CAFingerprint: right.fingerprint()}, "x509"},
		{"CA not sent", alone, api.ClientOptions{CAFingerprint: right.fingerprint()}, "expected fingerprint"},
		{"pin of the leaf", right.server, api.ClientOptions{CAFingerprint: leafPin(right)}, "expected fingerprint"},
		{"another address", elsewhere.server, api.ClientOptions{CAFingerprint: elsewhere.fingerprint()}, "192.0.2.1"},
		{"expired", expired.server, api.ClientOptions{CAFingerprint: expired.fingerprint()}, "expired"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.o.Server, tc.o.Token = serveTLS(t, tc.server), "token"
			c, err := api.NewClient(tc.o)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Machines(t.Context(), "", "")
			if tc.bad == "" && err != nil || tc.bad != "" && (err == nil || !strings.Contains(err.Error(), tc.bad)) {
				t.Errorf("error %v, want %q", err, tc.bad)
			}
		})
	}
}

func leafPin(a authority) string {
	sum := sha256.Sum256(a.server.Certificate[0])
	return hex.EncodeToString(sum[:])
}

func TestClientOptions(t *testing.T) {
	for _, o := range []api.ClientOptions{
		{Server: ""}, {Server: "host:8443"}, {Server: "ftp://host"}, {Server: "https://h", CAFingerprint: "abc"},
		{Server: "https://h", CAFile: "/does/not/exist"}, {Server: "https://h", CAFile: "x", CAFingerprint: strings.Repeat("0", 64)},
	} {
		if _, err := api.NewClient(o); err == nil {
			t.Errorf("NewClient(%+v) has no error", o)
		}
	}
}
