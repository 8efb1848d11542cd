package certificate

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"

	"socle/inventory/signing"
)

// Draft is a statement that is written and read back already, all but its number and its predecessor: sealing it is quick
// enough for the transaction that gives it these.
type Draft struct {
	statement Statement
	rest      []byte // what follows the digest of the one before, as it stands in the file
}

// NewDraft writes a statement; its number and predecessor do not matter yet.
func NewDraft(s Statement) (Draft, error) {
	s.Number, s.Previous = 1, ""
	stated, err := json.Marshal(s)
	if err != nil {
		return Draft{}, fmt.Errorf("writing the certificate: %w", err)
	}
	rest, ok := bytes.CutPrefix(stated, begin(1, ""))
	if !ok {
		return Draft{}, fmt.Errorf("writing the certificate: it does not begin with its number: %.100q", stated)
	}
	c := Certificate{stated: stated}
	if err := c.read(); err != nil {
		return Draft{}, err
	}
	return Draft{c.Statement, rest}, nil
}

// begin is how a statement is written up to the digest of the one before it, which is hexadecimal.
func begin(number int64, previous string) []byte {
	return []byte(`{"format":"` + Format + `","number":` + strconv.FormatInt(number, 10) + `,"previous":"` + previous + `"`)
}

// Seal signs the draft as the certificate of a number, after the one with a digest.
func (d Draft) Seal(number int64, previous string, key signing.Key) (Certificate, error) {
	c := Certificate{Statement: d.statement, Key: key.Public(), stated: append(begin(number, previous), d.rest...)}
	c.Statement.Number, c.Statement.Previous = number, previous
	if !c.Statement.placed() {
		return Certificate{}, fmt.Errorf("sealing the certificate: number %d does not come after %q", number, previous)
	}
	c.signature = key.Sign(signing.Certificate, c.stated)
	var b bytes.Buffer
	b.WriteString(head)
	b.Write(c.stated)
	b.WriteString(middle + base64.StdEncoding.EncodeToString(c.Key) + tail + base64.StdEncoding.EncodeToString(c.signature) + end)
	if c.file = b.Bytes(); len(c.file) > MaxBytes {
		return Certificate{}, fmt.Errorf("sealing the certificate: it has more than %d bytes", MaxBytes)
	}
	return c, nil
}

// Seal signs a statement that has its number and its predecessor.
func Seal(s Statement, key signing.Key) (Certificate, error) {
	d, err := NewDraft(s)
	if err != nil {
		return Certificate{}, err
	}
	return d.Seal(s.Number, s.Previous, key)
}

// placed tells whether the number and the predecessor, a digest, belong together.
func (s Statement) placed() bool {
	if s.Number == 1 {
		return s.Previous == ""
	}
	return s.Number > 1 && isDigest(s.Previous)
}
