package inventory

import (
	"net/netip"
	"time"
)

// Lease is an address that was given out.
type Lease struct {
	Addr     netip.Addr
	MAC      string // normalized
	ClientID string // hexadecimal, option 61; empty when the client sent none
	Hostname string // as the client said; data, not trusted
	Subnet   string
	Machine  string // ID, empty while unknown
	Starts   time.Time
	Expires  time.Time
}
