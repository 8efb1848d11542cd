// Package secret keeps passwords out of sight: a type that never prints itself, and a keyring that seals
// what is stored, with a key that lies outside the database.
package secret

import "log/slog"

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
