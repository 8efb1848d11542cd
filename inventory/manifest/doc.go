// Package manifest reads the delivery manifest of a rack: the CSV file (RFC 4180) that says which servers
// come, where they go and how their BMCs are reached.
//
// A manifest is wholly right or not used at all: every error is reported with its line and column, as if
// by a patient colleague who read it to the end. It comes from outside, so lines and file are bounded, and
// nothing of a password is ever part of an error.
package manifest

import (
	"socle/internal/secret"
	"socle/inventory"
)

// Row is one server of a manifest, checked and normalized, with the password of its BMC.
type Row struct {
	inventory.Planned
	Password secret.Secret
}
