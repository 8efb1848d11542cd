// Package signing signs bytes with an installation's key (Ed25519, RFC 8032) and verifies them, always for a purpose: what was
// signed as one thing is worth nothing as another.
package signing

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// Purpose is what a signature is for. It is part of what is signed.
type Purpose string

// The purposes.
const (
	Snapshot    Purpose = "snapshot"    // what a technician takes along
	Certificate Purpose = "certificate" // that machines were accepted
)

// ErrSignature says that something is not what was signed.
var ErrSignature = errors.New("its signature is wrong: it was changed, or is not what it is said to be")

// Key signs. Its secret half does not leave it.
type Key struct{ private ed25519.PrivateKey }

// NewKey makes a key of a seed of 32 bytes.
func NewKey(seed []byte) (Key, error) {
	if len(seed) != ed25519.SeedSize {
		return Key{}, fmt.Errorf("making a signing key: its seed has %d bytes, not %d", len(seed), ed25519.SeedSize)
	}
	return Key{ed25519.NewKeyFromSeed(seed)}, nil
}

// Public is by what others verify, 32 bytes.
func (k Key) Public() []byte {
	return k.private.Public().(ed25519.PublicKey) // it is one: see the package's documentation
}

// Sign signs bytes for a purpose.
func (k Key) Sign(p Purpose, message []byte) []byte {
	return ed25519.Sign(k.private, bound(p, message))
}

// Verify tells whether a key signed these bytes for this purpose; else the error is ErrSignature.
func Verify(public []byte, p Purpose, message, signature []byte) error {
	if len(public) != ed25519.PublicKeySize || !ed25519.Verify(public, bound(p, message), signature) {
		return ErrSignature
	}
	return nil
}

// bound is what is signed: no purpose holds the byte that ends it.
func bound(p Purpose, message []byte) []byte {
	return append([]byte("socle-signature/1\x00"+string(p)+"\x00"), message...)
}

// Fingerprint is by what people compare public keys: "SHA256:" and the hexadecimal digest.
func Fingerprint(public []byte) string {
	sum := sha256.Sum256(public)
	return "SHA256:" + hex.EncodeToString(sum[:])
}
