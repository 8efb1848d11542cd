package inventory

import (
	"encoding/json"
	"time"
)

// OrderState is how far an order came.
type OrderState string

// The states of an order. Done, Failed, Refused and Lost are final: an order is never carried out twice.
const (
	OrderIssued  OrderState = "issued"  // waits for the agent's poll
	OrderTaken   OrderState = "taken"   // handed to the agent
	OrderDone    OrderState = "done"    // carried out
	OrderFailed  OrderState = "failed"  // tried and failed
	OrderRefused OrderState = "refused" // the agent would not: wrong serial, second use
	OrderLost    OrderState = "lost"    // its boot ended before a final report came
)

// Final tells whether the order is over.
func (s OrderState) Final() bool { return s != OrderIssued && s != OrderTaken }

// Order is one single-use piece of work for the agent of one machine in one boot.
type Order struct {
	ID      string // UUID
	Machine string // machine ID
	Session string // the agent's session; an order does not outlive it
	Kind    string // see package api: "inspect", "write-image", …
	Serial  string // the machine's serial number, which the agent compares with what it sees
	Params  json.RawMessage
	State   OrderState
	// Seq is the number of the last report that was stored, so that one that comes twice counts once.
	Seq      int64
	Done     int64 // progress, in bytes
	Total    int64
	Wire     int64 // bytes that came over the network for it
	Code     string
	Message  string          // of the last report, plain words
	Result   json.RawMessage // of the final report
	IssuedAt time.Time
	TakenAt  time.Time
	EndedAt  time.Time
}

// Session is one boot of the agent on one machine.
type Session struct {
	ID        string // UUID
	Machine   string // machine ID
	BootID    string // /proc/sys/kernel/random/boot_id of that boot
	StartedAt time.Time
	SeenAt    time.Time // last request
	EndedAt   time.Time // zero while it lives
}
