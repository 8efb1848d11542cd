// Package dhcp is a DHCPv4 server for networks on which servers boot (RFC 2131, 2132, 3046, 4578, 6842).
//
// Its heart is a pure function: (packet, link, view of the inventory, leases) → answer. Around it stand one
// socket per interface, a bounded queue with a fixed number of workers, and one committer that stores the
// leases of many answers at once. An ACK leaves after its lease is stored; when the store does not answer,
// no ACK leaves and the client asks again.
//
// The package knows machines only through its View and says nothing of its own about what they boot:
// package pxe decides, this one renders.
package dhcp
