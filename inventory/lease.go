package inventory

import (
	"net/netip"
	"time"
)

// Subnet is one network on which Socle answers DHCP.
type Subnet struct {
	Name      string
	Interface string // on which it is attached; requests by relay match by prefix instead
	Prefix    netip.Prefix
	Gateway   netip.Addr // zero: none is told
	DNS       []netip.Addr
	NTP       []netip.Addr
	Domain    string
	PoolFirst netip.Addr
	PoolLast  netip.Addr // inclusive
	LeaseTime time.Duration
}

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
