package config

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"socle/inventory"
)

// Subnet is one network on which DHCP answers.
type Subnet struct {
	Name          string                  `yaml:"name" doc:"for people and logs"`
	Interface     string                  `yaml:"interface,omitempty" doc:"network interface that is attached to it; empty: it is reached through relays only"`
	SharedNetwork string                  `yaml:"shared_network,omitempty" doc:"name of the link that it shares with other subnets: when one is full, clients get addresses of the next; subnets of one interface share it in any case"`
	Mode          inventory.SubnetMode    `yaml:"mode,omitempty" doc:"full (default): addresses and boot files; proxy: boot files beside somebody else's DHCP server; reservations: only clients that have one; off: nobody is answered"`
	Server        netip.Addr              `yaml:"server,omitempty" doc:"our own address, told to clients; must be given with an interface, and is on the subnet then"`
	Prefix        netip.Prefix            `yaml:"prefix" doc:"e.g. 198.18.0.0/24"`
	Gateway       netip.Addr              `yaml:"gateway,omitempty" doc:"default router; empty: none is told"`
	DNS           []netip.Addr            `yaml:"dns,omitempty" doc:"name servers"`
	NTP           []netip.Addr            `yaml:"ntp,omitempty" doc:"time servers"`
	Domain        string                  `yaml:"domain,omitempty" doc:"domain name"`
	PoolFirst     netip.Addr              `yaml:"pool_first,omitempty" doc:"first dynamic address, of a pool for all clients"`
	PoolLast      netip.Addr              `yaml:"pool_last,omitempty" doc:"last dynamic address"`
	Pools         []inventory.Pool        `yaml:"pools,omitempty" doc:"further pools, for all clients or a class of them, tried in this order before the one above"`
	Reservations  []inventory.Reservation `yaml:"reservations,omitempty" doc:"addresses that are kept for single clients"`
	LeaseTime     time.Duration           `yaml:"lease_time,omitempty" doc:"default 1h"`
	HTTPS         bool                    `yaml:"https,omitempty" doc:"firmware that boots by HTTP is sent to https URLs only (boot.tls_listen); it has to trust DIR/boot-ca.crt"`
}

// checkSubnets finds everything that is wrong with the subnets.
func checkSubnets(subnets []Subnet) (errs []error) {
	attached := len(subnets) == 0
	list := make([]inventory.Subnet, 0, len(subnets))
	for i, s := range subnets {
		attached = attached || s.Interface != ""
		list = append(list, s.Inventory())
		for _, err := range s.missing() {
			errs = append(errs, fmt.Errorf("subnets[%d] %q: %w", i, s.Name, err))
		}
	}
	if !attached {
		errs = append(errs, errors.New("subnets: none has an interface, so there is nowhere to listen (also for relays)"))
	}
	return append(errs, inventory.CheckSubnets(list)...)
}

// missing finds what a subnet needs and does not have.
func (s Subnet) missing() (errs []error) {
	if s.Interface != "" && !s.Server.IsValid() {
		errs = append(errs, errors.New("server is missing"))
	}
	dynamic := s.PoolFirst.IsValid() || s.PoolLast.IsValid() || len(s.Pools) > 0
	if full := s.Mode == "" || s.Mode == inventory.SubnetFull; full && !dynamic {
		errs = append(errs, errors.New("pool_first and pool_last, or pools, are missing; mode reservations needs none"))
	}
	return errs
}

// Inventory is the subnet in the words of the inventory.
func (s Subnet) Inventory() inventory.Subnet {
	lease := s.LeaseTime
	if lease == 0 {
		lease = time.Hour
	}
	return inventory.Subnet{Name: s.Name, Interface: s.Interface, Shared: s.SharedNetwork, Mode: s.Mode, Server: s.Server,
		Prefix: s.Prefix.Masked(), Gateway: s.Gateway, DNS: s.DNS, NTP: s.NTP, Domain: s.Domain, PoolFirst: s.PoolFirst, PoolLast: s.PoolLast,
		Pools: s.Pools, Reservations: s.Reservations, LeaseTime: lease, HTTPS: s.HTTPS}
}
