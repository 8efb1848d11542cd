package inventory

import (
	"net/netip"
	"time"
)

// Subnet6 is the IPv6 part of a network: addresses by DHCPv6, and what routers' advertisements say of it.
type Subnet6 struct {
	Name      string
	Interface string // on which it is attached; requests by relay match by prefix instead
	Prefix    netip.Prefix
	Server    netip.Addr // our own address on it
	DNS       []netip.Addr
	NTP       []netip.Addr
	Domain    string
	PoolFirst netip.Addr // zero: reservations only
	PoolLast  netip.Addr // inclusive
	// LeaseTime is the valid lifetime of an address.
	LeaseTime    time.Duration
	Reservations []Reservation6
	// Advertise makes Socle send router advertisements. They make it the network's router only with Router.
	Advertise, Router bool
	// Autonomous lets hosts make addresses of their own from the prefix (SLAAC), beside those of DHCPv6.
	Autonomous bool
}

// Reservation6 keeps an address for the client that has the MAC or the system UUID.
type Reservation6 struct {
	MAC  string // normalized; empty: not by this
	UUID string // lower case; empty: not by this
	Addr netip.Addr
}
