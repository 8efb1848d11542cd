// Package probe looks for DHCP servers on a network, before the first machine is powered on there: it asks
// as a BIOS and a UEFI PXE client, as UEFI HTTP boot and as a plain client, collects every answer for some
// seconds, asks each answerer for its boot service on port 4011, and names them all by their MAC, with the
// packet.
//
// It speaks Ethernet, not UDP: it sees who really sent an answer, needs no port and no address, and does
// not meet a DHCP server on its own host, which is never the one that is looked for. It takes no lease: it
// asks for offers and leaves them. What a server offers is its word, not a fact.
package probe
