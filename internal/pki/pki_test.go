package pki

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestOpenKeepsTheAuthority(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if a.Fingerprint() != b.Fingerprint() || len(a.Fingerprint()) != 64 {
		t.Errorf("fingerprints %q and %q: want one of 64 digits", a.Fingerprint(), b.Fingerprint())
	}
	st, err := os.Stat(filepath.Join(dir, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	if st.Mode().Perm() != 0o600 {
		t.Errorf("key file has mode %v", st.Mode())
	}
}

func TestOpenRefusesHalfAnAuthority(t *testing.T) {
	for _, gone := range []string{certFile, keyFile} {
		dir := t.TempDir()
		if _, err := Open(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, gone)); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "restore it from the backup") {
			t.Errorf("without %s: %v, want an error that says what to do", gone, err)
		}
	}
}

func TestOpenRefusesForeignKey(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	for _, d := range []string{one, two} {
		if _, err := Open(d); err != nil {
			t.Fatal(err)
		}
	}
	key, err := os.ReadFile(filepath.Join(two, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(one, keyFile), key, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(one); err == nil || !strings.Contains(err.Error(), "does not belong") {
		t.Errorf("got %v", err)
	}
}

// TestHandshake lets a TLS server and a client meet that know each other by this authority only.
func TestHandshake(t *testing.T) {
	ca, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	other, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	server, err := ca.ServerCert([]string{"hv01"}, []netip.Addr{netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	client, err := ca.ClientCert("socle")
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := other.ClientCert("socle")
	if err != nil {
		t.Fatal(err)
	}
	conf := ca.TLSConfig(server)
	conf.ClientAuth, conf.ClientCAs = tls.RequireAndVerifyClientCert, ca.Pool()
	tests := []struct {
		name   string
		config *tls.Config
		ok     bool
	}{
		{"by name", ca.ClientTLSConfig(client, "hv01"), true},
		{"by address", ca.ClientTLSConfig(client, "127.0.0.1"), true},
		{"wrong name", ca.ClientTLSConfig(client, "hv02"), false},
		{"client of another authority", ca.ClientTLSConfig(stranger, "hv01"), false},
		{"no client certificate", ca.ClientTLSConfig(Pair{}, "hv01"), false},
		{"server of another authority", other.ClientTLSConfig(stranger, "hv01"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := net.Pipe()
			go func() {
				s := tls.Server(a, conf.Clone())
				_, _ = s.Write([]byte("hello")) // makes the handshake; its error is the client's to see
				_ = s.Close()
			}()
			c := tls.Client(b, tt.config)
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			got, err := io.ReadAll(c)
			if ok := err == nil && string(got) == "hello"; ok != tt.ok {
				t.Errorf("ok=%v (%q, %v), want %v", ok, got, err, tt.ok)
			}
		})
	}
	if client.TLS.Leaf.Subject.String() != "CN=socle" {
		t.Errorf("client's subject is %q", client.TLS.Leaf.Subject)
	}
	if _, err := client.TLS.Leaf.Verify(x509.VerifyOptions{Roots: ca.Pool()}); err == nil {
		t.Error("a client certificate passes as a server's")
	}
}

func TestServerPairIsKeptAndRenewed(t *testing.T) {
	dir := t.TempDir()
	ca, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	addr := []netip.Addr{netip.MustParseAddr("198.18.0.1")}
	get := func(names ...string) string {
		t.Helper()
		p, err := ca.ServerPair(dir, "server", names, addr)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.TLS.Certificate) != 2 {
			t.Fatalf("chain of %d, want leaf and authority", len(p.TLS.Certificate))
		}
		return p.TLS.Leaf.SerialNumber.String()
	}
	first := get("localhost")
	if again := get("localhost"); again != first {
		t.Error("an unchanged pair was signed anew")
	}
	second := get("localhost", "socle.example")
	if second == first {
		t.Error("a new name did not lead to a new certificate")
	}
	ca.Now = func() time.Time { return time.Now().Add(serverLife) }
	if get("localhost", "socle.example") == second {
		t.Error("a lapsed certificate was kept")
	}
}

// TestSignRequest: of a request only the key counts, and that who asks has it.
func TestSignRequest(t *testing.T) {
	ca, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	key, err := newECDSA()
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{"socle.example"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	asPEM := func(der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	}
	text, err := ca.SignRequest(asPEM(der), nil, []netip.Addr{netip.MustParseAddr("198.18.1.1")})
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil || len(c.DNSNames) != 0 || len(c.IPAddresses) != 1 || c.IsCA || !key.Public().(*ecdsa.PublicKey).Equal(c.PublicKey) {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := c.Verify(x509.VerifyOptions{Roots: ca.Pool(), DNSName: "198.18.1.1"}); err != nil {
		t.Error(err)
	}
	forged := append([]byte(nil), der...)
	forged[len(forged)-1] ^= 1
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, small)
	if err != nil {
		t.Fatal(err)
	}
	for what, request := range map[string][]byte{"no PEM": []byte("x"), "nonsense": asPEM([]byte("x")), "forged": asPEM(forged), "weak": asPEM(weak)} {
		if _, err := ca.SignRequest(request, []string{"a"}, nil); err == nil {
			t.Errorf("%s: it was signed", what)
		}
	}
	if _, err := ca.SignRequest(asPEM(der), nil, nil); err == nil {
		t.Error("one for nobody was signed")
	}
}
