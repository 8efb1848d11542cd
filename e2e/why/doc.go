// Package why holds the proof of the verdicts of docs/why.md: its tests provoke each fault with the clients,
// servers, relays and firmware that real racks have, against the real DHCP, TFTP and boot HTTP, and look
// whether the verdict names it. Everything happens in network namespaces of their own.
package why
