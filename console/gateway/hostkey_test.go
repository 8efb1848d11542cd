package gateway_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"socle/console/gateway"
)

func keyPair(t testing.TB) (ed25519.PrivateKey, ssh.PublicKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return private, key
}

func write2(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestKeyOwner: a key is known by its whole self, and one with options, which would not be kept, is not taken.
func TestKeyOwner(t *testing.T) {
	_, mine := keyPair(t)
	_, other := keyPair(t)
	line := func(k ssh.PublicKey, comment string) string {
		return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k))) + " " + comment + "\n"
	}
	file := filepath.Join(t.TempDir(), "keys")
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", ""},
		{"mine", line(mine, "anna"), "anna"},
		{"after another and a remark", "# the others\n\n" + line(other, "berta") + line(mine, "anna at home"), "anna at home"},
		{"another", line(other, "berta"), ""},
		{"with options", `command="x" ` + line(mine, "anna"), ""},
		{"broken line before", "ssh-ed25519 nonsense\n" + line(mine, "anna"), "anna"},
		{"without a comment", line(mine, ""), ssh.FingerprintSHA256(mine)},
	} {
		write2(t, file, c.text)
		if got, err := gateway.KeyOwner(file, mine); err != nil || got != c.want {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
	if _, err := gateway.KeyOwner(file+"x", mine); err == nil {
		t.Error("a file that is not there")
	}
	write2(t, file, strings.Repeat("#", 1<<20+1))
	if _, err := gateway.KeyOwner(file, mine); err == nil {
		t.Error("a file that is too large")
	}
	write2(t, file, "nonsense")
	if _, err := gateway.HostKey(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a broken host key: %v", err)
	}
}

// FuzzKeyOwner: whatever is in the file, nobody owns a key that is not there.
func FuzzKeyOwner(f *testing.F) {
	_, key := keyPair(f)
	line := string(ssh.MarshalAuthorizedKey(key))
	f.Add(line)
	f.Add("# x\n\ncommand=\"x\" " + line)
	f.Add("ssh-ed25519 AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(t.TempDir(), "keys")
		write2(t, file, text)
		owner, err := gateway.KeyOwner(file, key)
		if err != nil {
			t.Fatal(err)
		}
		if owner != "" && !strings.Contains(text, strings.Fields(line)[1][:20]) {
			t.Fatalf("%q owns the key by %q", owner, text)
		}
	})
}
