package api

import (
	"encoding/json"
	"time"
)

// OrderStatus is one piece of work that was given to the agent of a machine.
type OrderStatus struct {
	ID       string          `json:"id"`
	Kind     string          `json:"kind"`
	State    string          `json:"state" enum:"issued,taken,done,failed,refused,lost"`
	Session  string          `json:"session"`
	Done     int64           `json:"done"`  // bytes
	Total    int64           `json:"total"` // bytes
	Wire     int64           `json:"wire"`  // bytes over the network
	Code     string          `json:"code,omitempty"`
	Message  string          `json:"message,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"`
	IssuedAt time.Time       `json:"issued_at"`
	TakenAt  *time.Time      `json:"taken_at,omitempty"`
	EndedAt  *time.Time      `json:"ended_at,omitempty"`
}

// OrderList is the answer of GET /api/v1/machines/{ref}/orders, newest first.
type OrderList struct {
	Orders []OrderStatus `json:"orders"`
}

// Evidence is one packet or request of a boot: what was asked, and what was answered.
type Evidence struct {
	Time   time.Time `json:"time"`
	MAC    string    `json:"mac,omitempty"`
	Source string    `json:"source"` // "dhcp", "tftp", "http", "agent"
	Asked  string    `json:"asked"`
	Reply  string    `json:"reply"`
	Bytes  int64     `json:"bytes,omitempty"`

	Kind      string `json:"kind,omitempty"`    // what the machine did: discover, request, tftp, script, file, session, power-on, …
	Outcome   string `json:"outcome,omitempty"` // how it ended: offered, acked, complete, stalled, not-found, …
	Client    string `json:"client,omitempty"`  // firmware, loader, agent or system
	Arch      string `json:"arch,omitempty"`    // DHCP option 93, in decimal
	File      string `json:"file,omitempty"`
	Total     int64  `json:"total,omitempty"` // bytes of the file
	Address   string `json:"address,omitempty"`
	Peer      string `json:"peer,omitempty"` // another server
	PeerMAC   string `json:"peer_mac,omitempty"`
	Interface string `json:"interface,omitempty"`
	Relay     string `json:"relay,omitempty"`
	Port      string `json:"port,omitempty"` // of the relay, by option 82
}

// EvidenceList is the answer of GET /api/v1/machines/{ref}/evidence, oldest first.
type EvidenceList struct {
	Evidence []Evidence `json:"evidence"`
}

// Image is one image of the store, without its chunks.
type Image struct {
	Name     string      `json:"name"`
	Digest   string      `json:"digest"` // "sha256:…", of the index
	Kind     string      `json:"kind,omitempty"`
	Arch     string      `json:"arch,omitempty"`
	Size     int64       `json:"size"`             // bytes of the raw image
	Stored   int64       `json:"stored,omitempty"` // bytes of its chunks as served
	Firmware []string    `json:"firmware,omitempty"`
	Created  *time.Time  `json:"created,omitempty"`
	Recipe   *RecipeInfo `json:"recipe,omitempty"`
}

// ImageList is the answer of GET /api/v1/images, by name.
type ImageList struct {
	Images []Image `json:"images"`
}

// Role is what a machine can become. Match, SystemDisk and DataDisks are the rules of the configuration.
type Role struct {
	Name       string         `json:"name"`
	Image      string         `json:"image"`
	Priority   int            `json:"priority"`
	Verify     string         `json:"verify"`
	Match      map[string]any `json:"match,omitempty"`
	SystemDisk map[string]any `json:"system_disk,omitempty"`
	DataDisks  map[string]any `json:"data_disks,omitempty"`
}

// RoleList is the answer of GET /api/v1/roles, in the order of the configuration.
type RoleList struct {
	Roles []Role `json:"roles"`
}

// Subnet is a network on which Socle answers DHCP.
type Subnet struct {
	Name         string   `json:"name"`
	Interface    string   `json:"interface,omitempty"`
	Prefix       string   `json:"prefix"`
	Gateway      string   `json:"gateway,omitempty"`
	DNS          []string `json:"dns,omitempty"`
	NTP          []string `json:"ntp,omitempty"`
	Domain       string   `json:"domain,omitempty"`
	PoolFirst    string   `json:"pool_first,omitempty"`
	PoolLast     string   `json:"pool_last,omitempty"`
	LeaseSeconds int64    `json:"lease_s,omitempty"`
	// Mode is "full", "proxy", "reservations" or "off".
	Mode string `json:"mode"`
	// Shared names the link that it shares with other subnets; empty: it is that of its interface.
	Shared string `json:"shared_network,omitempty"`
	// Pools are those besides PoolFirst to PoolLast, which are for all clients or some.
	Pools []AddressRange `json:"pools,omitempty"`
	// Reservations are how many addresses are kept for single clients.
	Reservations int `json:"reservations,omitempty"`
}

// AddressRange is a range of addresses, both ends included.
type AddressRange struct {
	First string `json:"first"`
	Last  string `json:"last"`
}

// SubnetList is the answer of GET /api/v1/subnets.
type SubnetList struct {
	Subnets []Subnet `json:"subnets"`
}
