package inventory

import (
	"encoding/json"
	"errors"
	"time"
)

// Errors that whoever keeps the inventory returns, so that callers can tell them apart.
var (
	ErrNotFound     = errors.New("not found")
	ErrAmbiguous    = errors.New("more than one machine answers to this")
	ErrNoToken      = errors.New("unknown, expired or revoked token")
	ErrTokenUsed    = errors.New("token was used already")
	ErrSessionEnded = errors.New("session has ended")
	ErrWhich        = errors.New("there are several baselines: name one")
	ErrWhichRack    = errors.New("several racks have this name")
	ErrCampaign     = errors.New("another firmware campaign is not over")
	ErrNoRoom       = errors.New("the disk of the database is full: nothing was changed; make room there and try again")
)

// EventFilter chooses from the history.
type EventFilter struct {
	Machine string // ID or name; empty: all
	After   int64  // only events with a higher Seq
	Limit   int    // at most so many; 0: a default
	Latest  bool   // the newest ones instead of the first; still in ascending order
}

// The kinds of tokens. Only hashes of tokens are kept.
const (
	TokenAdmin     = "admin"
	TokenBoot      = "boot"       // proves one boot of one machine, single use
	TokenMedium    = "medium"     // proves boots from a medium that was made for one machine
	TokenSession   = "session"    // the agent's, for one session
	TokenPhoneHome = "phone-home" // the deployed system's, single use
	TokenConsole   = "console"    // a guest's: the console of one machine and nothing else
)

// TokenSpec says which token to make.
type TokenSpec struct {
	Kind    string
	Machine string        // ID; empty for people's
	Subject string        // e.g. the session's ID, or who holds it
	TTL     time.Duration // 0: for ever
}

// Token is what is known of a token.
type Token struct {
	ID      string
	Kind    string
	Machine string
	Subject string
	Created time.Time
	Expires time.Time // zero: never
	UsedBy  string    // of a single-use token: who used it
}

// OrderReport is the agent's word on an order.
type OrderReport struct {
	Seq     int64
	State   OrderState
	Done    int64
	Total   int64
	Wire    int64
	Code    string
	Message string
	Result  json.RawMessage
}
