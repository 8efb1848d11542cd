package inventory

import (
	"errors"
	"time"
)

// ErrRacked says that a server was racked already.
var ErrRacked = errors.New("it was racked already")

// Racking is a person's word that a server stands where it is to be.
type Racking struct {
	Machine string // ID
	Place   Place
	Actor   string
	Time    time.Time
}
