package certificate

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"socle/inventory"
	"socle/inventory/signing"
)

// MaxBytes bounds a certificate's file.
const MaxBytes = 256 << 20

// ErrFormat says that a file is no certificate as this package writes it. Whoever formats one anew makes it worthless.
var ErrFormat = errors.New("it is no certificate as it was issued")

// Certificate is one file: the statement as it was signed, the public key and the signature.
type Certificate struct {
	Statement Statement
	Key       []byte // public, 32 bytes
	file      []byte
	stated    []byte
	signature []byte
}

// A file is these around the statement, the key and the signature, and ends with a line feed.
const (
	head   = `{"statement":`
	middle = `,"key":"`
	tail   = `","signature":"`
	end    = "\"}\n"
)

// Parse reads a file, byte for byte as it was issued: other spaces, a second key of one name, an unknown field or anything
// behind it is ErrFormat. It does not say that the signature is right: see Verify.
func Parse(file []byte) (Certificate, error) {
	wrong := func(format string, args ...any) (Certificate, error) {
		return Certificate{}, fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
	}
	if len(file) > MaxBytes {
		return wrong("it has more than %d bytes", MaxBytes)
	}
	inner, ok := bytes.CutPrefix(file, []byte(head))
	if !ok {
		return wrong("it does not begin with %s; was it formatted anew?", head)
	}
	if inner, ok = bytes.CutSuffix(inner, []byte(end)); !ok {
		return wrong("its end is not there, or something is behind it")
	}
	at := bytes.LastIndex(inner, []byte(middle))
	if at < 0 {
		return wrong("it has no key")
	}
	public, signed, ok := strings.Cut(string(inner[at+len(middle):]), tail)
	if !ok {
		return wrong("it has no signature")
	}
	c := Certificate{file: bytes.Clone(file), stated: bytes.Clone(inner[:at])}
	for _, f := range []struct {
		to   *[]byte
		text string
		size int
		what string
	}{{&c.Key, public, 32, "key"}, {&c.signature, signed, 64, "signature"}} {
		var err error
		if *f.to, err = base64.StdEncoding.Strict().DecodeString(f.text); err != nil || len(*f.to) != f.size || strings.ContainsAny(f.text, "\r\n") {
			return wrong("its %s is not %d bytes in base64", f.what, f.size)
		}
	}
	if err := c.read(); err != nil {
		return Certificate{}, err
	}
	return c, nil
}

// read takes the statement apart, and wants it to be written as Seal writes it.
func (c *Certificate) read() error {
	var version struct {
		Format string `json:"format"`
	}
	if err := json.Unmarshal(c.stated, &version); err != nil {
		return fmt.Errorf("%w: its statement: %w", ErrFormat, err)
	}
	if version.Format != Format {
		return fmt.Errorf("%w: its format is %.40q, this program reads %s", ErrFormat, version.Format, Format)
	}
	d := json.NewDecoder(bytes.NewReader(c.stated))
	d.DisallowUnknownFields()
	if err := d.Decode(&c.Statement); err != nil {
		return fmt.Errorf("%w: its statement: %w", ErrFormat, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something is behind its statement", ErrFormat)
	}
	again, err := json.Marshal(c.Statement)
	if err != nil || !bytes.Equal(again, c.stated) {
		return fmt.Errorf("%w: its statement is not written as it would be; was it formatted anew?", ErrFormat)
	}
	if len(c.Statement.Machines) != len(c.Statement.Report.Units) || !c.Statement.placed() {
		return fmt.Errorf("%w: its parts do not belong together", ErrFormat)
	}
	for i, m := range c.Statement.Machines {
		if m.ID != c.Statement.Report.Units[i].ID {
			return fmt.Errorf("%w: its parts do not belong together", ErrFormat)
		}
	}
	return nil
}

// File is the certificate, byte for byte.
func (c Certificate) File() []byte { return bytes.Clone(c.file) }

// Digest is by which the next certificate and people name this one: SHA-256 of the file in hexadecimal.
func (c Certificate) Digest() string { return digest(c.file) }

// Entry is the certificate in a list.
func (c Certificate) Entry() inventory.CertificateEntry {
	s := c.Statement
	return inventory.CertificateEntry{Number: s.Number, Digest: c.Digest(), Kind: string(s.Report.Scope.Kind), Name: s.Report.Scope.Name,
		Verdict: string(s.Report.Verdict), Machines: len(s.Report.Units), Actor: s.By, Time: s.Report.At}
}

// Verify tells whether the key that the file names signed the statement; whether that key is to be trusted is for the caller.
func (c Certificate) Verify() error {
	return signing.Verify(c.Key, signing.Certificate, c.stated, c.signature)
}

// Follows tells whether the certificate is the next one after another, nil for the first.
func (c Certificate) Follows(before *Certificate) error {
	if before == nil {
		return c.Link().Follows(nil)
	}
	l := before.Link()
	return c.Link().Follows(&l)
}
