package config

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"socle/inventory"
)

// Validate finds everything that is wrong with the configuration, not only the first thing.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for name, addr := range map[string]string{"listen": c.Listen, "boot.listen": c.Boot.Listen, "boot.tftp": c.Boot.TFTP} {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			bad("%s: %q is not host:port: %w", name, addr, err)
		}
	}
	if c.DataDir == "" {
		bad("data_dir: must not be empty")
	}
	for _, s := range c.Services {
		if !slices.Contains(Services(), s) {
			bad("services: unknown service %q: use some of %v", s, Services())
		}
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level) {
		bad("log.level: %q is none of debug, info, warn, error", c.Log.Level)
	}
	if !slices.Contains([]string{"text", "json"}, c.Log.Format) {
		bad("log.format: %q is neither text nor json", c.Log.Format)
	}
	for i, s := range c.Subnets {
		for _, err := range s.validate() {
			bad("subnets[%d] %q: %w", i, s.Name, err)
		}
	}
	names := map[string]bool{}
	for i, r := range c.Roles {
		switch {
		case r.Name == "":
			bad("roles[%d]: has no name", i)
		case names[r.Name]:
			bad("roles[%d]: a second role %q", i, r.Name)
		case r.Image == "":
			bad("roles[%d] %q: has no image", i, r.Name)
		case !slices.Contains([]string{"", "none", "libvirt", "swift"}, r.Verify):
			bad("roles[%d] %q: verify %q is none of none, libvirt, swift", i, r.Name, r.Verify)
		}
		names[r.Name] = true
	}
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

func (s Subnet) validate() (errs []error) {
	if !s.Prefix.IsValid() {
		return []error{errors.New("prefix is missing, e.g. 198.18.0.0/24")}
	}
	if s.Interface == "" {
		errs = append(errs, errors.New("interface is missing"))
	}
	for name, a := range map[string]netip.Addr{"server": s.Server, "pool_first": s.PoolFirst, "pool_last": s.PoolLast} {
		if !a.IsValid() {
			errs = append(errs, fmt.Errorf("%s is missing", name))
		}
	}
	if len(errs) > 0 {
		return errs
	}
	for _, a := range []struct {
		name string
		in   bool
	}{{"server " + s.Server.String(), s.Prefix.Contains(s.Server)}, {"pool_first " + s.PoolFirst.String(), s.Prefix.Contains(s.PoolFirst)},
		{"pool_last " + s.PoolLast.String(), s.Prefix.Contains(s.PoolLast)}} {
		if !a.in {
			errs = append(errs, fmt.Errorf("%s is not in %s", a.name, s.Prefix))
		}
	}
	if s.PoolLast.Less(s.PoolFirst) {
		errs = append(errs, fmt.Errorf("pool_last %s lies before pool_first %s", s.PoolLast, s.PoolFirst))
	}
	if s.Server.Compare(s.PoolFirst) >= 0 && s.Server.Compare(s.PoolLast) <= 0 {
		errs = append(errs, fmt.Errorf("server %s lies in the pool", s.Server))
	}
	return errs
}

// Inventory is the subnet in the words of the inventory.
func (s Subnet) Inventory() inventory.Subnet {
	lease := s.LeaseTime
	if lease == 0 {
		lease = time.Hour
	}
	return inventory.Subnet{Name: s.Name, Interface: s.Interface, Prefix: s.Prefix.Masked(), Gateway: s.Gateway, DNS: s.DNS, NTP: s.NTP,
		Domain: s.Domain, PoolFirst: s.PoolFirst, PoolLast: s.PoolLast, LeaseTime: lease}
}
