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

// Evidence is one packet or request of a boot: what was asked, what was answered.
type Evidence struct {
	Time    time.Time
	MAC     string
	Machine string // ID, empty while unknown
	Source  string // "dhcp", "tftp", "http", "agent"
	Asked   string // e.g. "DISCOVER arch=7 class=PXEClient"
	Reply   string // e.g. "OFFER 198.18.0.10 file=snponly.efi"
	Bytes   int64
}
