// Package secret keeps passwords out of sight: a type that never prints itself, and a keyring that seals
// what is stored, with a key that lies outside the database.
package secret

import (
	"log/slog"
	"strings"
)

// Secret is a text that must not be seen in logs, errors, JSON or %v. Reveal is the only way to it.
type Secret struct{ text string }

// Redacted is what a Secret shows of itself.
const Redacted = "[redacted]"

// New wraps a text.
func New(text string) Secret { return Secret{text: text} }

// Reveal returns the text. Call it where it is handed to what needs it, and keep it nowhere.
func (s Secret) Reveal() string { return s.text }

// Empty tells whether there is no secret at all.
func (s Secret) Empty() bool { return s.text == "" }

// String implements fmt.Stringer without the text.
func (s Secret) String() string { return Redacted }

// GoString implements fmt.GoStringer without the text.
func (s Secret) GoString() string { return Redacted }

// LogValue implements slog.LogValuer without the text.
func (s Secret) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText implements encoding.TextMarshaler without the text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// Pair is two secrets of one owner while one takes the place of the other.
type Pair struct{ Current, Other Secret }

// between parts two secrets in one text. It is a control character, which no password of a manifest can have.
const between = "\x1f"

// Join makes one secret of two, for who has a place for one only.
func Join(a, b Secret) Secret { return New(a.text + between + b.text) }

// Split takes apart what Join made; of any other secret both are the secret itself.
func Split(s Secret) (a, b Secret) {
	first, second, two := strings.Cut(s.text, between)
	if !two {
		return s, s
	}
	return New(first), New(second)
}
