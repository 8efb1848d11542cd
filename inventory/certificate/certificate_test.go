package certificate_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"socle/hardware"
	"socle/inventory"
	"socle/inventory/acceptance"
	"socle/inventory/certificate"
	"socle/inventory/signing"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 5, time.UTC)

func key(t testing.TB, seed byte) signing.Key {
	t.Helper()
	k, err := signing.NewKey(bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func statement(number int64, previous string) certificate.Statement {
	f := inventory.Finding{Source: inventory.FromParts, Kind: inventory.FindFirmware, Subject: "BIOS", Got: "<1.9>", Reason: "BIOS: 1.9 & not 2.0 – old"}
	m := inventory.Machine{ID: "m1", Name: "hv01", State: inventory.Ready, FactsAt: now, Identity: inventory.Identity{Serial: "S1"}, Facts: &hardware.Facts{
		Firmware: hardware.Firmware{Version: "1.9"}, BMC: &hardware.BMC{Version: "7"},
		Memory: hardware.Memory{DIMMs: []hardware.DIMM{{Locator: "A1", SizeBytes: 16 << 30, PartNumber: "P", Serial: "D1"}}}, Disks: []hardware.Disk{{Name: "sda", Model: "M", Serial: "K1", SizeBytes: 1e12, Firmware: "F"}},
	}}
	u := acceptance.Judge(acceptance.Default(), acceptance.Case{Machine: m, Findings: []inventory.Findings{{Source: inventory.FromParts, List: []inventory.Finding{f}}},
		Waivers: []acceptance.Waiver{{ID: "w1", Machine: "hv01", Finding: f, Reason: "agreed", By: "token:ann", At: now}}}, now)
	r := acceptance.NewReport(acceptance.Scope{Kind: acceptance.OfRack, Name: "r1"}, now, []acceptance.Unit{u}, nil)
	measured := map[string][]inventory.Measurement{"m1": {{Metric: "disk.read", Subject: "sda", Value: 1.5, Unit: "MB/s", Time: now}, {Metric: "cpu.ops", Value: 1e21, Unit: "1/s", Time: now}}}
	s := certificate.New(r, map[string]inventory.Machine{"m1": m}, measured, "token:ann", "", now)
	s.Number, s.Previous = number, previous
	return s
}

func seal(t testing.TB, number int64, previous string) certificate.Certificate {
	t.Helper()
	c, err := certificate.Seal(statement(number, previous), key(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSealed: what was sealed is read again, with all that it says.
func TestSealed(t *testing.T) {
	c := seal(t, 1, "")
	again, err := certificate.Parse(c.File())
	if err != nil || again.Verify() != nil || again.Digest() != c.Digest() || !bytes.Equal(again.Key, key(t, 1).Public()) {
		t.Fatalf("%v, %v", err, again.Verify())
	}
	s := again.Statement
	m := s.Machines[0]
	if s.Report.Verdict != acceptance.Waived || s.Issued != "2026-11-26T12:00:00Z" || len(m.Parts) != 2 || m.Parts[0].Serial != "D1" || len(m.Firmware) != 3 || m.Measured[0].Metric != "cpu.ops" {
		t.Errorf("%+v", s)
	}
	if w := s.Report.Units[0].Checks; w[len(w)-1].Waiver == nil || w[len(w)-1].Waiver.Reason != "agreed" {
		t.Errorf("%+v", w)
	}
	if !json.Valid(c.File()) {
		t.Error("the file is no JSON")
	}
}

// TestEveryByteCounts: whichever byte is changed, the certificate is refused.
func TestEveryByteCounts(t *testing.T) {
	file := seal(t, 1, "").File()
	for i := range file {
		for _, bit := range []byte{1, 0x20, 0x80} {
			bad := bytes.Clone(file)
			bad[i] ^= bit
			if c, err := certificate.Parse(bad); err == nil && c.Verify() == nil && bytes.Equal(c.Key, key(t, 1).Public()) {
				t.Fatalf("byte %d, %q for %q, is not noticed", i, bad[i], file[i])
			}
		}
	}
}

// TestParseRefuses: what says the same in other bytes is not what was issued.
func TestParseRefuses(t *testing.T) {
	file := string(seal(t, 1, "").File())
	replaced := func(old, new string) string { //nolint:predeclared // what stands there then
		s := strings.Replace(file, old, new, 1)
		if s == file {
			t.Fatalf("no %q in %s", old, file)
		}
		return s
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(file), "", " "); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, says string }{
		"nothing":             {"", "does not begin"},
		"indented":            {indented.String(), "formatted anew"},
		"cut":                 {file[:len(file)-1], "end is not there"},
		"twice":               {file + file, "formatted anew|something is behind|statement"},
		"more":                {file + "\n", "end is not there"},
		"another format":      {replaced(certificate.Format, "socle-certificate/2"), "this program reads"},
		"an unknown field":    {replaced(`"by":`, `"hidden":1,"by":`), "unknown field"},
		"a field twice":       {replaced(`"by":`, `"by":"x","by":`), "not written as"},
		"another case":        {replaced(`"by":`, `"By":`), "not written as"},
		"an escaped letter":   {replaced(`hv01`, `\u0068v01`), "not written as"},
		"no UTF-8":            {replaced(`agreed`, "agr\xffed"), "not written as"},
		"a machine less":      {replaced(`"machines":[{`, `"machines":[],"x":[{`), "unknown field"},
		"number without past": {replaced(`"number":1`, `"number":2`), "do not belong"},
		"a short key":         {replaced(`,"key":"`, `,"key":"AA==`), "32 bytes"},
	} {
		_, err := certificate.Parse([]byte(c.text))
		said := false
		for _, w := range strings.Split(c.says, "|") {
			said = said || err != nil && strings.Contains(err.Error(), w)
		}
		if !errors.Is(err, certificate.ErrFormat) || !said {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	forged := strings.Replace(file, base64.StdEncoding.EncodeToString(key(t, 1).Public()), base64.StdEncoding.EncodeToString(key(t, 2).Public()), 1)
	if c, err := certificate.Parse([]byte(forged)); err != nil || !errors.Is(c.Verify(), signing.ErrSignature) {
		t.Errorf("another key: %v", err)
	}
}

// TestFollows: each names the one before it.
func TestFollows(t *testing.T) {
	first := seal(t, 1, "")
	second := seal(t, 2, first.Digest())
	third := seal(t, 3, second.Digest())
	stranger := seal(t, 2, strings.Repeat("0", 64))
	for name, err := range map[string]error{"first": first.Follows(nil), "second": second.Follows(&first), "third": third.Follows(&second)} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for says, err := range map[string]error{"is not the first": second.Follows(nil), "does not come after": third.Follows(&first), "another predecessor": stranger.Follows(&first)} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

// TestDraft: what was written before its number was known is the same, byte for byte, as what is written with it, and is read again.
func TestDraft(t *testing.T) {
	k, before := key(t, 1), strings.Repeat("0a", 32)
	d, err := certificate.NewDraft(statement(9, "whatever"))
	if err != nil {
		t.Fatal(err)
	}
	for number, previous := range map[int64]string{1: "", 2: before, 1 << 60: before} {
		c, err := d.Seal(number, previous, k)
		if err != nil {
			t.Fatal(err)
		}
		again, err := certificate.Parse(c.File())
		if err != nil || again.Verify() != nil || again.Link() != c.Link() || c.Statement.Number != number || c.Statement.Previous != previous || again.Digest() != c.Digest() || c.Entry() != again.Entry() {
			t.Errorf("%d: %v", number, err)
		}
		if stated, err := json.Marshal(c.Statement); err != nil || !bytes.HasPrefix(c.File(), append([]byte(`{"statement":`), stated...)) {
			t.Errorf("%d: it is not written as it says: %v", number, err)
		}
	}
	for number, previous := range map[int64]string{0: "", -1: before, 1: before, 2: "", 3: "x\"", 4: strings.ToUpper(before), 5: before[:62]} {
		if _, err := d.Seal(number, previous, k); err == nil {
			t.Errorf("number %d after %q is sealed", number, previous)
		}
	}
}

// TestLink: the short way to a file's link reads what the long one does, and a file names the machines that it judges, and no others.
func TestLink(t *testing.T) {
	c := seal(t, 2, strings.Repeat("0", 64))
	l, err := certificate.LinkOf(c.File())
	if err != nil || l != c.Link() || l.Digest != c.Digest() || l.Number != 2 {
		t.Errorf("%+v, %v", l, err)
	}
	if _, err := certificate.LinkOf([]byte("x")); !errors.Is(err, certificate.ErrFormat) {
		t.Error(err)
	}
	s := statement(1, "")
	s.Note = certificate.Mention("m2") // somebody writes the words of a file into it
	noted, err := certificate.Seal(s, key(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	for id, in := range map[string]bool{"m1": true, "m2": false, "m": false, "w1": false} {
		if strings.Contains(string(noted.File()), certificate.Mention(id)) != in {
			t.Errorf("%s: it is the other way round", id)
		}
	}
}

// TestSignedAsDocumented: what the manual says to other programs is so.
func TestSignedAsDocumented(t *testing.T) {
	file := seal(t, 1, "").File()
	cut := bytes.LastIndex(file, []byte(`,"key":"`))
	var parts struct{ Key, Signature []byte }
	if err := json.Unmarshal(file, &parts); err != nil {
		t.Fatal(err)
	}
	message := append([]byte("socle-signature/1\x00certificate\x00"), file[len(`{"statement":`):cut]...)
	if !ed25519.Verify(parts.Key, message, parts.Signature) {
		t.Error("the signature is of something else")
	}
}

// FuzzParse: what is accepted is what would be written, and nothing breaks it.
func FuzzParse(f *testing.F) {
	f.Add(seal(f, 1, "").File())
	f.Add([]byte(`{"statement":{},"key":"","signature":""}` + "\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		c, err := certificate.Parse(file)
		if err == nil && !bytes.Equal(c.File(), file) {
			t.Error("it was read as something else")
		}
	})
}
