package provision

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"socle/internal/secret"
	"socle/inventory"
)

// A boot token proves itself: nothing is written when a script is handed out, and every server that has the key
// takes it. What it says is no secret; it is signed. It is written down, as a hash, when its session opens.
//
//	version (1) | machine (16) | MAC of who asked (6) | its boot (8) | issued (8) | chance (8) | HMAC-SHA-256 (32)
//
// Its boot is Machine.BootedAt, and both times are microseconds.
const (
	bootTokenPrefix  = "socle-" + inventory.TokenBoot + "-"
	bootTokenVersion = 1
	bootTokenSigned  = 1 + 16 + 6 + 8 + 8 + 8
	bootTokenLen     = bootTokenSigned + sha256.Size
)

// bootTokenTTL is how long a boot may take from its script to the agent's first word.
const bootTokenTTL = 30 * time.Minute

// clockSkew is by how much the clocks of two servers may differ.
const clockSkew = 2 * time.Minute

// bootClaim is what a boot token says.
type bootClaim struct {
	machine string // ID
	mac     string // that asked for the script; empty: it named none
	boot    int64
	issued  time.Time
}

// bootOf numbers the boots of a machine: a token of another one is of no use.
func bootOf(ordered time.Time) int64 {
	if ordered.IsZero() {
		return 0
	}
	return ordered.UnixMicro()
}

// signer signs boot tokens. Each boot script needs one, so that what the key is prepared to is kept.
type signer struct{ ready sync.Pool } // of hash.Hash

func newSigner(key secret.Secret) *signer {
	return &signer{sync.Pool{New: func() any { return hmac.New(sha256.New, []byte(key.Reveal())) }}}
}

// append signs b and puts the signature behind it.
func (s *signer) append(b []byte) []byte {
	h, _ := s.ready.Get().(hash.Hash)
	defer s.ready.Put(h)
	h.Reset()
	_, _ = io.WriteString(h, bootTokenPrefix) // neither ever fails
	_, _ = h.Write(b)
	return h.Sum(b)
}

// valid tells whether the end of b is the signature of what stands before.
func (s *signer) valid(b []byte) bool {
	n := len(b) - sha256.Size
	return hmac.Equal(s.append(b[:n:n])[n:], b[n:])
}

// newBootToken signs a token for one script of one machine.
func newBootToken(key *signer, c bootClaim) (secret.Secret, error) {
	id, err := uuid.Parse(c.machine)
	if err != nil {
		return secret.Secret{}, fmt.Errorf("machine ID %q: %w", c.machine, err)
	}
	b := make([]byte, 0, bootTokenLen)
	b = append(b, bootTokenVersion)
	b = append(b, id[:]...)
	mac := macBytes(c.mac)
	b = append(b, mac[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.boot))               //nolint:gosec // its bits
	b = binary.BigEndian.AppendUint64(b, uint64(c.issued.UnixMicro())) //nolint:gosec // likewise
	var chance [8]byte
	_, _ = rand.Read(chance[:]) // never fails: see its documentation
	b = key.append(append(b, chance[:]...))
	text := make([]byte, 0, len(bootTokenPrefix)+base64.RawURLEncoding.EncodedLen(bootTokenLen))
	return secret.New(string(base64.RawURLEncoding.AppendEncode(append(text, bootTokenPrefix...), b))), nil
}

// macBytes are those of a normal MAC; of any other text, zeros.
func macBytes(mac string) (b [6]byte) {
	if inventory.NormalizeMAC(mac) != mac || mac == "" {
		return b
	}
	for i := range b {
		_, _ = hex.Decode(b[i:i+1], []byte{mac[3*i], mac[3*i+1]}) // they are digits
	}
	return b
}

// readBootToken checks the signature and the age of a token; inventory.ErrNoToken when either is wrong.
func readBootToken(key *signer, text string, now time.Time) (c bootClaim, err error) {
	body, ok := strings.CutPrefix(text, bootTokenPrefix)
	if !ok || len(body) != base64.RawURLEncoding.EncodedLen(bootTokenLen) {
		return c, inventory.ErrNoToken
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || len(b) != bootTokenLen || b[0] != bootTokenVersion || !key.valid(b) {
		return c, inventory.ErrNoToken
	}
	b = b[1:]
	c.machine = uuid.UUID(b[:16]).String()
	c.mac = inventory.NormalizeMAC(hex.EncodeToString(b[16:22]))
	c.boot = int64(binary.BigEndian.Uint64(b[22:]))                     //nolint:gosec // its bits
	c.issued = time.UnixMicro(int64(binary.BigEndian.Uint64(b[30:38]))) //nolint:gosec // likewise
	switch age := now.Sub(c.issued); {
	case age >= bootTokenTTL:
		return c, fmt.Errorf("%w: its boot script is %s old", inventory.ErrNoToken, age.Round(time.Second))
	case age < -clockSkew:
		return c, fmt.Errorf("%w: its boot script was made %s from now: set the servers' clocks right", inventory.ErrNoToken, (-age).Round(time.Second))
	}
	return c, nil
}

// useBootToken lets a boot use its token: the first time only while the boot that it was made for is wanted, and
// by the same boot again when the answer was lost. mac asked for its script.
func (e *Engine) useBootToken(ctx context.Context, text, bootID string) (token inventory.Token, mac string, err error) {
	c, err := readBootToken(e.signer, text, e.Now())
	if err != nil {
		return token, "", err
	}
	token, err = e.Store.Token(ctx, inventory.TokenBoot, text)
	if err == nil && token.UsedBy == bootID {
		return token, c.mac, nil
	}
	if err != nil && !errors.Is(err, inventory.ErrNoToken) {
		return token, "", err
	}
	m, err := e.Store.Machine(ctx, c.machine)
	switch {
	case errors.Is(err, inventory.ErrNotFound):
		return token, "", inventory.ErrNoToken
	case err != nil:
		return token, "", err
	case !m.Boot.RAM():
		return token, "", fmt.Errorf("%w: this server shall not boot the ramdisk any more", inventory.ErrNoToken)
	case bootOf(m.BootedAt()) != c.boot:
		return token, "", fmt.Errorf("%w: another boot of this server was ordered since", inventory.ErrNoToken)
	}
	token, err = e.Store.SpendToken(ctx, inventory.TokenSpec{Kind: inventory.TokenBoot, Machine: m.ID, Subject: m.Name, TTL: bootTokenTTL}, text, bootID)
	return token, c.mac, err
}
