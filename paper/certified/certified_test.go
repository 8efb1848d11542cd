package certified_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socle/inventory"
	"socle/inventory/acceptance"
	"socle/inventory/certificate"
	"socle/inventory/signing"
	"socle/paper/certified"
)

// issued is a certificate of a rack of 30 machines, one of them waived.
func issued(t *testing.T) certificate.Certificate {
	t.Helper()
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	var units []acceptance.Unit
	for n := range 30 {
		u := acceptance.Unit{ID: fmt.Sprint(n), Name: fmt.Sprintf("r50u%02d", n+1), Serial: fmt.Sprintf("ACME07%02d", n), Model: "e9", Rack: "lab/r50", U: n + 1, Verdict: acceptance.Accepted, Criteria: "default",
			Digest: strings.Repeat("ab", 32), Checks: []acceptance.Check{{Name: "state", Verdict: acceptance.Accepted, Detail: "it is ready"}}}
		if n == 10 {
			u.Verdict = acceptance.Waived
			u.Checks = append(u.Checks, acceptance.Check{Name: "parts", Verdict: acceptance.Waived, Detail: "BIOS: firmware 1.9.0 runs, 2.4.1 was ordered (waived by token:ann: update in January)"})
		}
		units = append(units, u)
	}
	measured := map[string][]inventory.Measurement{"0": {{Metric: "disk.read.random", Subject: "sda", Value: 79.97, Unit: "1/s", Time: now}}}
	s := certificate.New(acceptance.NewReport(acceptance.Scope{Kind: acceptance.OfRack, Name: "r50"}, now, units, nil), nil, measured, "token:ann", "first rack of the hall", now)
	s.Number = 1
	key, err := signing.NewKey(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	c, err := certificate.Seal(s, key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCertificateOnPaper: what a PDF reader finds on it is what the file says.
func TestCertificateOnPaper(t *testing.T) {
	c := issued(t)
	var first bytes.Buffer
	if err := certified.Write(&first, c); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "c.pdf")
	if err := os.WriteFile(file, first.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "pdftotext", "-layout", file, "-").Output()
	if err != nil {
		t.Fatalf("pdftotext: %v", err)
	}
	text := strings.Join(strings.Fields(string(out)), " ")
	for _, want := range []string{"Certificate of acceptance 1", "Rack r50", "Accepted, with waivers", "29 accepted, 1 waived, 0 open, 0 rejected", "first rack of the hall", "ACME0729",
		c.Digest(), signing.Fingerprint(c.Key), "update in January", "79.97 1/s", "none, it is the first"} {
		if !strings.Contains(text, want) {
			t.Errorf("the paper does not say %q", want)
		}
	}
}

// TestSamePaperAgain: the same certificate gives the same bytes, however often it is printed.
func TestSamePaperAgain(t *testing.T) {
	c := issued(t)
	var first bytes.Buffer
	if err := certified.Write(&first, c); err != nil {
		t.Fatal(err)
	}
	for n := range 10 {
		var again bytes.Buffer
		if err := certified.Write(&again, c); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Bytes(), again.Bytes()) {
			t.Fatalf("print %d differs from the first", n+2)
		}
	}
}
