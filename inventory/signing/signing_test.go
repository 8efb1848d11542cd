package signing_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"socle/inventory/signing"
)

func TestSignaturesAreForAPurpose(t *testing.T) {
	key, err := signing.NewKey(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	other, err := signing.NewKey(bytes.Repeat([]byte{8}, 32))
	if err != nil {
		t.Fatal(err)
	}
	s := key.Sign(signing.Snapshot, []byte("text"))
	for name, err := range map[string]error{
		"another purpose": signing.Verify(key.Public(), signing.Certificate, []byte("text"), s),
		"another text":    signing.Verify(key.Public(), signing.Snapshot, []byte("test"), s),
		"another key":     signing.Verify(other.Public(), signing.Snapshot, []byte("text"), s),
		"no key":          signing.Verify(nil, signing.Snapshot, []byte("text"), s),
		"no signature":    signing.Verify(key.Public(), signing.Snapshot, []byte("text"), nil),
		"purpose in text": signing.Verify(key.Public(), "", []byte("snapshot\x00text"), s),
	} {
		if !errors.Is(err, signing.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := signing.Verify(key.Public(), signing.Snapshot, []byte("text"), s); err != nil {
		t.Error(err)
	}
	if f := signing.Fingerprint(key.Public()); !strings.HasPrefix(f, "SHA256:") || len(f) != 71 || f == signing.Fingerprint(other.Public()) {
		t.Error(f)
	}
	if _, err := signing.NewKey([]byte("short")); err == nil {
		t.Error("a short seed makes a key")
	}
}
