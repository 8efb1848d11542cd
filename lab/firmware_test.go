package lab

import (
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"socle/internal/pki"
)

func TestArgvOfFirmwares(t *testing.T) {
	for _, tt := range []struct {
		golden string
		change func(*Server)
	}{
		{"secure-boot", func(s *Server) { s.SecureBoot = true }},
		{"pxe4", func(s *Server) { s.Boot = NetPXE4 }},
		{"http", func(s *Server) { s.Boot = NetHTTP }},
		{"https-secure-boot", func(s *Server) { s.Boot, s.SecureBoot = NetHTTPS, true }},
	} {
		s := Default().Servers[2]
		tt.change(&s)
		golden(t, "testdata/"+tt.golden+".argv", strings.Join(testMachine(s).argv(), "\n")+"\n")
	}
}

func TestRealQEMUTakesFirmwareOptions(t *testing.T) {
	s := Default().Servers[2]
	s.SecureBoot, s.Boot = true, NetHTTP
	if _, err := startPaused(t, s).do(t.Context(), "query-status", nil); err != nil {
		t.Error(err)
	}
}

func TestSignatureLists(t *testing.T) {
	ca, err := pki.Open(filepath.Join(t.TempDir(), "ca"))
	if err != nil {
		t.Fatal(err)
	}
	text := ca.CertPEM()
	got, err := signatureLists(append(text, text...))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	for n := range 2 {
		size := 28 + 16 + len(block.Bytes)
		list := got[n*size:]
		if l := binary.LittleEndian.Uint32(list[16:]); int(l) != size {
			t.Errorf("list %d says it has %d bytes, want %d", n, l, size)
		}
		if l := binary.LittleEndian.Uint32(list[24:]); int(l) != 16+len(block.Bytes) {
			t.Errorf("list %d says its certificate has %d bytes", n, l)
		}
		if _, err := x509.ParseCertificate(list[44:size]); err != nil {
			t.Errorf("list %d: %v", n, err)
		}
	}
	for _, bad := range []string{"", "no PEM", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY"}))} {
		if _, err := signatureLists([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestTrustIsReadAtPowerOn(t *testing.T) {
	m := testMachine(Default().Servers[2])
	m.Server.Boot, m.StateDir, m.HTTPSCA = NetHTTPS, t.TempDir(), filepath.Join(t.TempDir(), "ca.crt")
	if err := m.trust(); err == nil || !strings.Contains(err.Error(), "https_ca") {
		t.Errorf("without a file: %v", err)
	}
	ca, err := pki.Open(filepath.Join(t.TempDir(), "ca"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.HTTPSCA, ca.CertPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := m.trust(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(m.caFile()); err != nil {
		t.Error(err)
	}
}
