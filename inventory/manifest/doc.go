// Package manifest reads the delivery manifest of a rack: the table that says which servers come, where they go and how
// their BMCs are reached.
//
// A manifest is wholly right or not used at all, as package sheet says, and nothing of a password is ever part of an error.
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
