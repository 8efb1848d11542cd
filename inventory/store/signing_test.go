package store_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"socle/internal/secret"
	"socle/inventory/signing"
	"socle/inventory/store"
)

// TestSigningKey: one key for all processes, known again after a restart, and never replaced by another.
func TestSigningKey(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		other := b.open()
		keys := make(chan signing.Key, 2)
		for _, s := range []*store.Store{b.Store, other} {
			go func() {
				k, err := s.SigningKey(b.ctx)
				if err != nil {
					t.Error(err)
				}
				keys <- k
			}()
		}
		one, two := <-keys, <-keys
		if !bytes.Equal(one.Public(), two.Public()) {
			t.Fatal("two processes sign with different keys")
		}
		text := []byte("text")
		signature := one.Sign(signing.Snapshot, text)
		must(t, b.VerifySigned(b.ctx, one.Public(), signing.Snapshot, text, signature))
		stranger, err := signing.NewKey(make([]byte, 32))
		must(t, err)
		for name, err := range map[string]error{
			"another purpose": b.VerifySigned(b.ctx, one.Public(), signing.Certificate, text, signature),
			"a stranger's":    b.VerifySigned(b.ctx, stranger.Public(), signing.Snapshot, text, stranger.Sign(signing.Snapshot, text)),
		} {
			if !errors.Is(err, signing.ErrSignature) {
				t.Errorf("%s: %v", name, err)
			}
		}
		lost, err := secret.Open(filepath.Join(t.TempDir(), "keys"))
		must(t, err)
		s, err := store.Open(b.ctx, store.Options{URL: b.url, Keys: lost, Now: b.clock})
		must(t, err)
		if _, err := s.SigningKey(b.ctx); !errors.Is(err, secret.ErrSealed) {
			t.Errorf("with another keyring: %v", err)
		}
		must(t, s.Close())
		again, err := b.SigningKey(b.ctx)
		if err != nil || !bytes.Equal(again.Public(), one.Public()) {
			t.Errorf("the key was replaced: %v", err)
		}
	})
}
