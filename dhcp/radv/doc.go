// Package radv tells hosts of an IPv6 network, as a router does, which prefix is on the link, that addresses
// come from DHCPv6, and who resolves names (RFC 4861, 4862, 8106). Firmware and iPXE ask DHCPv6 only after they
// were told to, and know no prefix otherwise.
//
// It sends advertisements only for the subnets that want them, and makes this host a router only where the
// configuration says that it is one: all others carry a router lifetime of zero, so that a network that has a
// router keeps it.
package radv
