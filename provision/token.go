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
	"strings"
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

// newBootToken signs a token for one script of one machine.
func newBootToken(key secret.Secret, c bootClaim) (secret.Secret, error) {
	id, err := uuid.Parse(c.machine)
	if err != nil {
		return secret.Secret{}, fmt.Errorf("machine ID %q: %w", c.machine, err)
	}
	b := make([]byte, 0, bootTokenLen)
	b = append(b, bootTokenVersion)
	b = append(b, id[:]...)
	var mac [6]byte
	_, _ = hex.Decode(mac[:], []byte(strings.ReplaceAll(c.mac, ":", ""))) // a MAC that is none stays zero
	b = append(b, mac[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.boot))               //nolint:gosec // its bits
	b = binary.BigEndian.AppendUint64(b, uint64(c.issued.UnixMicro())) //nolint:gosec // likewise
	var chance [8]byte
	_, _ = rand.Read(chance[:]) // never fails: see its documentation
	b = append(b, chance[:]...)
	b = append(b, sign(key, b)...)
	return secret.New(bootTokenPrefix + base64.RawURLEncoding.EncodeToString(b)), nil
}

func sign(key secret.Secret, signed []byte) []byte {
	h := hmac.New(sha256.New, []byte(key.Reveal()))
	_, _ = h.Write([]byte(bootTokenPrefix))
	_, _ = h.Write(signed)
	return h.Sum(nil)
}

// readBootToken checks the signature and the age of a token; inventory.ErrNoToken when either is wrong.
func readBootToken(key secret.Secret, text string, now time.Time) (c bootClaim, err error) {
	body, ok := strings.CutPrefix(text, bootTokenPrefix)
	if !ok || len(body) != base64.RawURLEncoding.EncodedLen(bootTokenLen) {
		return c, inventory.ErrNoToken
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || len(b) != bootTokenLen || b[0] != bootTokenVersion || !hmac.Equal(sign(key, b[:bootTokenSigned]), b[bootTokenSigned:]) {
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
	c, err := readBootToken(e.BootKey, text, e.Now())
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
