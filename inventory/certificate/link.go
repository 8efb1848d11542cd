package certificate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Link is by which a certificate hangs on the one before it.
type Link struct {
	Number   int64
	Previous string // digest of the one before it; empty of the first
	Digest   string // of the file
}

// LinkOf reads a file's link without the rest, which takes a fraction of Parse's time and proves nothing of what it says.
func LinkOf(file []byte) (Link, error) {
	var f struct {
		Statement struct {
			Number   int64  `json:"number"`
			Previous string `json:"previous"`
		} `json:"statement"`
	}
	if err := json.Unmarshal(file, &f); err != nil {
		return Link{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return Link{f.Statement.Number, f.Statement.Previous, digest(file)}, nil
}

// Link is the certificate's own.
func (c Certificate) Link() Link {
	return Link{c.Statement.Number, c.Statement.Previous, c.Digest()}
}

// Follows tells whether a link is the next one after another, nil before the first.
func (l Link) Follows(before *Link) error {
	switch {
	case before == nil && l.Number == 1:
		return nil
	case before == nil:
		return fmt.Errorf("number %d is not the first", l.Number)
	case l.Number != before.Number+1:
		return fmt.Errorf("number %d does not come after number %d", l.Number, before.Number)
	case l.Previous != before.Digest:
		return fmt.Errorf("number %d names another predecessor than number %d, which is here: one of the two was replaced", l.Number, before.Number)
	}
	return nil
}

// Mention is the text that stands in the file of each certificate of a machine, and, as the file is written in one way only and
// quotes within texts are escaped, in no other.
func Mention(machineID string) string {
	id, _ := json.Marshal(machineID) // a string always has JSON
	return `{"id":` + string(id) + `,"parts":`
}

func isDigest(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == sha256.Size && hex.EncodeToString(raw) == s
}

func digest(file []byte) string {
	sum := sha256.Sum256(file)
	return hex.EncodeToString(sum[:])
}
