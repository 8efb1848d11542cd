package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"socle/inventory"
)

// TestCertificate issues certificates, and verifies them without a server, with the right key and with wrong ones.
func TestCertificate(t *testing.T) {
	world, flags := rack(t)
	m, err := world.Machine(t.Context(), "hv01")
	if err != nil {
		t.Fatal(err)
	}
	world.Find(inventory.Findings{Machine: m.ID, Source: inventory.FromParts, List: []inventory.Finding{{Source: inventory.FromParts, Kind: inventory.FindMissing, Subject: "A1", Reason: "A1 is missing"}}})
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	play := func(code int, has string, line ...string) string {
		t.Helper()
		out, err := run(t.Context(), slices.Concat(line, flags)...)
		if err != nil {
			out += err.Error()
		}
		if exitCode(err) != code || !strings.Contains(out, has) {
			t.Errorf("%q: exit code %d, want %d and %q:\n%s", line, exitCode(err), code, has, out)
		}
		return out
	}
	write := func(name string, text []byte) string {
		t.Helper()
		if err := os.WriteFile(at(name), text, 0o600); err != nil {
			t.Fatal(err)
		}
		return at(name)
	}
	play(5, "the scope is rejected", "certificate", "issue", "hv01")
	play(0, "rejected", "certificate", "issue", "hv01", "--as-is", "-f", at("1.json"))
	play(0, "accepted", "certificate", "issue", "hv02", "--note", "after the repair", "-f", at("2.json"))
	play(1, "exists", "certificate", "issue", "hv02", "-f", at("2.json"))
	play(2, "only one of them", "certificate", "issue", "hv02", "--site", "x")
	play(0, "2       machines hv02", "certificate", "list")
	if out := play(0, "1       machines hv01", "certificate", "list", "--machine", "hv01"); strings.Contains(out, "hv02") {
		t.Error(out)
	}
	play(3, "", "certificate", "list", "--machine", "nobody")
	play(0, "", "certificate", "get", "--all", "-f", at("all.json"))
	play(3, "", "certificate", "get", "99")
	play(2, "no number", "certificate", "get", "one")
	play(2, "say --all", "certificate", "get")
	key := write("key.pem", []byte(play(0, "BEGIN PUBLIC KEY", "certificate", "key")))
	print := play(0, `"fingerprint": "SHA256:`, "certificate", "key", "-o", "json") //nolint:predeclared // of a finger
	_, print, _ = strings.Cut(print, `"fingerprint": "`)
	print, _, _ = strings.Cut(print, `"`)

	flags = nil // from here on there is no server
	for _, f := range []string{at("1.json"), at("all.json")} {
		play(0, "Who signed is NOT proven", "certificate", "verify", f)
		if out := play(0, "is as it was signed", "certificate", "verify", f, "--key", key); strings.Contains(out, "NOT proven") {
			t.Error(out)
		}
		play(0, "is as it was signed", "certificate", "verify", f, "--fingerprint", print)
	}
	play(0, `"origin_proven": true`, "certificate", "verify", at("2.json"), at("1.json"), "--key", key, "-o", "json")
	three, err := os.ReadFile(at("all.json"))
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(three, []byte("\n"))
	play(0, "Between 1 and 3 others", "certificate", "verify", at("1.json"), write("3.json", lines[2]), "--key", key)
	play(1, "signature is wrong", "certificate", "verify", write("bad.json", bytes.Replace(lines[0], []byte("rejected"), []byte("accepted"), 1)))
	play(1, "line 1: it is no certificate", "certificate", "verify", write("blank.json", bytes.Replace(lines[0], []byte(":"), []byte(": "), 1)))
	play(1, "no certificate", "certificate", "verify", write("empty.json", nil))
	play(1, "was signed with the key "+print, "certificate", "verify", at("1.json"), "--fingerprint", "SHA256:"+strings.Repeat("0", 64))
	play(2, "--fingerprint", "certificate", "verify", at("1.json"), "--fingerprint", "x")
	play(1, "no public key", "certificate", "verify", at("1.json"), "--key", at("1.json"))
	play(0, "", "certificate", "pdf", at("2.json"), at("2.pdf"))
	play(2, "3 certificates", "certificate", "pdf", at("all.json"), at("3.pdf"))
	play(1, "signature is wrong", "certificate", "pdf", at("bad.json"), at("3.pdf"))
	if pdf, err := os.ReadFile(at("2.pdf")); err != nil || !bytes.HasPrefix(pdf, []byte("%PDF-")) {
		t.Errorf("%v", err)
	}
}
