// Package dhcp6 is a DHCPv6 server for networks on which servers boot (RFC 8415, 5970, 6355, 6939).
//
// It is built as package dhcp is: a pure function (packet, link, view of the inventory, leases) → answer,
// and around it one socket an interface, a bounded queue, and a committer that stores leases before the
// replies leave that tell of them. An ADVERTISE promises nothing and is not remembered, so that a flood of
// SOLICITs costs no memory.
//
// The packets are read by an own small reader and not by the library that the tests hold against it: firmware sends
// options that the library refuses together with the whole packet, and it follows nested relays as deep as a sender
// likes.
//
// What a machine boots is package pxe's decision; this package puts it into words of DHCPv6.
package dhcp6
