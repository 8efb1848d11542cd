package inventory

import (
	"net/netip"
	"time"
)

// Subnet is one network on which Socle answers DHCP.
type Subnet struct {
	Name      string
	Interface string // on which it is attached; requests by relay match by prefix instead
	// Shared names the link of several subnets, so that one has addresses when another is full. Those of one
	// interface are on one link in any case.
	Shared       string
	Mode         SubnetMode // empty: SubnetFull
	Server       netip.Addr // our own address towards its clients; zero: one of the interface
	Prefix       netip.Prefix
	Gateway      netip.Addr // zero: none is told
	DNS          []netip.Addr
	NTP          []netip.Addr
	Domain       string
	PoolFirst    netip.Addr // of a pool for everybody; zero: none
	PoolLast     netip.Addr // inclusive
	Pools        []Pool     // further ones, tried before it, in their order
	Reservations []Reservation
	LeaseTime    time.Duration
	HTTPS        bool // firmware that boots by HTTP is sent to https only
}

// SubnetMode is how far Socle is the DHCP server of a subnet.
type SubnetMode string

// The modes of a subnet.
const (
	SubnetFull         SubnetMode = "full"         // addresses and boot files
	SubnetProxy        SubnetMode = "proxy"        // boot files only, beside somebody else's server (PXE 2.1, proxyDHCP)
	SubnetReservations SubnetMode = "reservations" // only clients with a reservation are answered
	SubnetOff          SubnetMode = "off"          // nobody is answered
)

// SubnetModes are all modes.
func SubnetModes() []SubnetMode {
	return []SubnetMode{SubnetFull, SubnetProxy, SubnetReservations, SubnetOff}
}

// Pool is a range of dynamic addresses, for all clients or those of a class.
type Pool struct {
	First netip.Addr `yaml:"first" doc:"first address"`
	Last  netip.Addr `yaml:"last" doc:"last address"`
	Match ClientRule `yaml:"match,omitempty" doc:"which clients get an address of it, see below; empty: all"`
}

// ClientRule says which clients are meant: those that fulfil every condition that is set.
type ClientRule struct {
	Arch        []uint16 `yaml:"arch,omitempty" doc:"one of these architectures (option 93), e.g. [7, 9]"`
	VendorClass string   `yaml:"vendor_class,omitempty" doc:"option 60 begins so, e.g. PXEClient"`
	UserClass   string   `yaml:"user_class,omitempty" doc:"option 77 has this class, e.g. iPXE"`
	Machine     string   `yaml:"machine,omitempty" doc:"known: a manifest announces it; unknown: none does"`
	CircuitID   string   `yaml:"circuit_id,omitempty" doc:"the relay says so (option 82, sub-option 1): text, or 0x and hexadecimal digits"`
	RemoteID    string   `yaml:"remote_id,omitempty" doc:"likewise, sub-option 2"`
}

// Reservation keeps an address for one client, which is named in one way: by its MAC, its client identifier,
// its system UUID, or the relay's port that it is behind (one or both of its identifiers).
type Reservation struct {
	Address   netip.Addr `yaml:"address" doc:"the address that is kept"`
	MAC       string     `yaml:"mac,omitempty" doc:"for this hardware address"`
	ClientID  string     `yaml:"client_id,omitempty" doc:"for this client identifier (option 61): text, or 0x and hexadecimal digits"`
	UUID      string     `yaml:"uuid,omitempty" doc:"for this system UUID (option 97), as dmidecode shows it"`
	CircuitID string     `yaml:"circuit_id,omitempty" doc:"for who is behind this port of a relay (option 82, sub-option 1): text, or 0x and hexadecimal digits"`
	RemoteID  string     `yaml:"remote_id,omitempty" doc:"likewise, sub-option 2"`
	Hostname  string     `yaml:"hostname,omitempty" doc:"host name that is told; empty: the machine's name"`
}
