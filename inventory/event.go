package inventory

import (
	"encoding/json"
	"time"
)

// Event is one line of the append-only history. Every change of a machine leaves one.
type Event struct {
	Seq     int64 // position in the history, made by the store, ascending
	Time    time.Time
	Machine string // ID; empty for events of the whole system
	Name    string // the machine's name at that time
	Actor   string // "token:admin", "agent", "dhcp", "provision", …
	Kind    string // "state", "power", "order", "hold", "fault", "import", "facts", …
	Reason  string // plain words
	// Before and After are the changed parts of the machine as JSON objects, or empty.
	Before json.RawMessage
	After  json.RawMessage
}

// Actors that are not people.
const (
	ActorAgent     = "agent"
	ActorDHCP      = "dhcp"
	ActorBoot      = "boot"
	ActorProvision = "provision"
	ActorHealth    = "health" // who looks after the servers through their BMCs
	ActorFirmware  = "firmware"
)

// Note is what a change says of itself for the history.
type Note struct {
	Kind   string
	Reason string
}
