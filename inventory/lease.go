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

// Evidence is one packet or request of a boot: what was asked, what was answered.
type Evidence struct {
	Time    time.Time
	MAC     string
	Machine string // ID, empty while unknown
	Source  string // "dhcp", "tftp", "http", "agent"
	Asked   string // e.g. "DISCOVER arch=7 class=PXEClient"
	Reply   string // e.g. "OFFER 198.18.0.10 file=snponly.efi"
	Bytes   int64
	// Path is set when this is a try of that way to boot: its first file was handed over whole. It is counted, not kept.
	Path BootPath
}
