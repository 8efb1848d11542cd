package config

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"socle/inventory"
)

// Subnet6 is one IPv6 network on which DHCPv6 answers.
type Subnet6 struct {
	Name           string         `yaml:"name" doc:"for people and logs"`
	Interface      string         `yaml:"interface" doc:"network interface that is attached to it, or that its relays reach"`
	Server         netip.Addr     `yaml:"server" doc:"our own IPv6 address, not a link-local one: boot URLs, TFTP and the API are named by it"`
	Prefix         netip.Prefix   `yaml:"prefix" doc:"e.g. 2001:db8:1::/64"`
	PoolFirst      netip.Addr     `yaml:"pool_first,omitempty" doc:"first dynamic address; none: only clients with a reservation get one"`
	PoolLast       netip.Addr     `yaml:"pool_last,omitempty" doc:"last dynamic address, in the same /64"`
	DNS            []netip.Addr   `yaml:"dns,omitempty" doc:"name servers, told by DHCPv6 and by router advertisements"`
	NTP            []netip.Addr   `yaml:"ntp,omitempty" doc:"time servers"`
	Domain         string         `yaml:"domain,omitempty" doc:"domain search list of one name"`
	LeaseTime      time.Duration  `yaml:"lease_time,omitempty" doc:"valid lifetime of an address, default 1h"`
	Reservations   []Reservation6 `yaml:"reservations,omitempty" doc:"addresses that are kept for single clients"`
	Advertisements bool           `yaml:"router_advertisements,omitempty" doc:"send router advertisements (prefix, flags M and O, name servers): hosts ask DHCPv6 only after one; leave it off where a router does so"`
	Router         bool           `yaml:"router,omitempty" doc:"name this host as the default router in them; else their router lifetime is 0"`
	Autonomous     bool           `yaml:"autonomous,omitempty" doc:"let hosts make addresses of their own from the prefix as well (SLAAC); the prefix must be a /64"`
}

// Reservation6 keeps an IPv6 address for one client.
type Reservation6 struct {
	Address netip.Addr `yaml:"address" doc:"in the prefix; in a pool or outside of it"`
	MAC     string     `yaml:"mac,omitempty" doc:"of the interface that asks; this or uuid"`
	UUID    string     `yaml:"uuid,omitempty" doc:"SMBIOS system UUID, which firmware and iPXE send in their DUID"`
}

// checkSubnets6 finds everything that is wrong with the IPv6 subnets.
func checkSubnets6(subnets []Subnet6) (errs []error) {
	for i, s := range subnets {
		for _, err := range s.check() {
			errs = append(errs, fmt.Errorf("subnets6[%d] %q: %w", i, s.Name, err))
		}
		for j, t := range subnets[:i] {
			if s.Prefix.IsValid() && t.Prefix.IsValid() && s.Prefix.Overlaps(t.Prefix) {
				errs = append(errs, fmt.Errorf("subnets6[%d] %q: prefix %s overlaps %s of subnets6[%d]", i, s.Name, s.Prefix, t.Prefix, j))
			}
		}
	}
	return errs
}

func (s Subnet6) check() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if s.Interface == "" {
		bad("interface is missing")
	}
	if !s.Prefix.IsValid() || !s.Prefix.Addr().Is6() || s.Prefix.Bits() < 32 || s.Prefix.Bits() > 126 {
		return append(errs, fmt.Errorf("prefix %s is not an IPv6 prefix of /32 to /126, e.g. 2001:db8:1::/64", s.Prefix))
	}
	if !s.Server.Is6() || s.Server.IsLinkLocalUnicast() || s.Server.Zone() != "" {
		bad("server must be a global or unique local IPv6 address of ours, e.g. 2001:db8:1::1")
	}
	if s.PoolFirst.IsValid() != s.PoolLast.IsValid() {
		bad("pool_first and pool_last: give both or none")
	} else if s.PoolFirst.IsValid() {
		switch {
		case !s.Prefix.Contains(s.PoolFirst) || !s.Prefix.Contains(s.PoolLast):
			bad("pool %s to %s is not in %s", s.PoolFirst, s.PoolLast, s.Prefix)
		case s.PoolLast.Less(s.PoolFirst):
			bad("pool_last %s lies before pool_first %s", s.PoolLast, s.PoolFirst)
		case netip.PrefixFrom(s.PoolFirst, 64).Masked() != netip.PrefixFrom(s.PoolLast, 64).Masked():
			bad("pool %s to %s: both ends must lie in one /64", s.PoolFirst, s.PoolLast)
		}
	}
	for _, a := range append(append([]netip.Addr{}, s.DNS...), s.NTP...) {
		if !a.Is6() {
			bad("dns and ntp: %s is not an IPv6 address", a)
		}
	}
	if s.LeaseTime != 0 && s.LeaseTime < time.Minute {
		bad("lease_time %s: give at least 1m", s.LeaseTime)
	}
	if s.Autonomous && s.Prefix.Bits() != 64 {
		bad("autonomous: hosts make addresses in a /64 only, not in %s", s.Prefix)
	}
	if (s.Router || s.Autonomous) && !s.Advertisements {
		bad("router and autonomous are told in router advertisements: set router_advertisements as well")
	}
	return append(errs, s.checkReservations()...)
}

func (s Subnet6) checkReservations() (errs []error) {
	seen := map[any]int{}
	for i, r := range s.Reservations {
		bad := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("reservations[%d] %s: %w", i, r.Address, fmt.Errorf(format, args...)))
		}
		if !s.Prefix.Contains(r.Address) || r.Address == s.Server {
			bad("it is not a client's address in %s", s.Prefix)
		}
		if (r.MAC == "") == (r.UUID == "") {
			bad("name the client by mac or by uuid")
		}
		if r.MAC != "" && inventory.NormalizeMAC(r.MAC) == "" {
			bad("mac %q is none", r.MAC)
		}
		if r.UUID != "" && normalUUID(r.UUID) == "" {
			bad("uuid %q is none", r.UUID)
		}
		for _, key := range []any{r.Address, inventory.NormalizeMAC(r.MAC), normalUUID(r.UUID)} {
			if key == "" {
				continue
			}
			if j, twice := seen[key]; twice {
				bad("reservations[%d] has the same %v", j, key)
			}
			seen[key] = i
		}
	}
	return errs
}

var uuidText = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// normalUUID brings a UUID to lower case, or to "" when it is none.
func normalUUID(s string) string {
	if s = strings.ToLower(s); uuidText.MatchString(s) {
		return s
	}
	return ""
}

// Inventory is the subnet in the words of the inventory.
func (s Subnet6) Inventory() inventory.Subnet6 {
	out := inventory.Subnet6{Name: s.Name, Interface: s.Interface, Prefix: s.Prefix.Masked(), Server: s.Server, DNS: s.DNS, NTP: s.NTP, Domain: s.Domain,
		PoolFirst: s.PoolFirst, PoolLast: s.PoolLast, LeaseTime: s.LeaseTime, Advertise: s.Advertisements, Router: s.Router, Autonomous: s.Autonomous}
	if out.LeaseTime == 0 {
		out.LeaseTime = time.Hour
	}
	for _, r := range s.Reservations {
		out.Reservations = append(out.Reservations, inventory.Reservation6{MAC: inventory.NormalizeMAC(r.MAC), UUID: normalUUID(r.UUID), Addr: r.Address})
	}
	return out
}
