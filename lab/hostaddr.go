package lab

import (
	"fmt"
	"net"
	"net/netip"
)

// hostAddr is an address that the host has already.
type hostAddr struct {
	iface  string
	prefix netip.Prefix
}

// hostAddrs lists the host's IPv4 addresses.
func hostAddrs() ([]hostAddr, error) {
	links, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("listing the host's interfaces: %w", err)
	}
	var all []hostAddr
	for _, l := range links {
		addrs, err := l.Addrs()
		if err != nil {
			continue // it went away meanwhile
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() {
				all = append(all, hostAddr{l.Name, p})
			}
		}
	}
	return all, nil
}
