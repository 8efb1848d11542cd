package config

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
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
	if !slices.Contains([]string{RecordWatched, RecordAlways}, c.Console.Record) {
		bad("console.record: %q is neither %s nor %s", c.Console.Record, RecordWatched, RecordAlways)
	}
	if c.Console.RecordingMiB < 1 || c.Console.RecordingMiB > 64<<10 {
		bad("console.recording_mib: %d is not between 1 and 65536", c.Console.RecordingMiB)
	}
	if c.Console.SSHListen != "" {
		if _, _, err := net.SplitHostPort(c.Console.SSHListen); err != nil {
			bad("console.ssh_listen: %q is not host:port: %w", c.Console.SSHListen, err)
		}
	}
	if c.Boot.TLS != "" {
		if _, _, err := net.SplitHostPort(c.Boot.TLS); err != nil {
			bad("boot.tls_listen: %q is not host:port: %w", c.Boot.TLS, err)
		}
	}
	if i := slices.IndexFunc(c.Subnets, func(s Subnet) bool { return s.HTTPS }); i >= 0 && c.Boot.TLS == "" {
		bad("subnets[%d] %q: https needs boot.tls_listen", i, c.Subnets[i].Name)
	}
	for i, r := range c.Boot.TFTPRules {
		switch {
		case strings.Trim(strings.ToLower(r.MAC), "0123456789abcdef:") != "":
			bad("boot.tftp_rules[%d]: mac %q is not the beginning of aa:bb:cc:dd:ee:ff", i, r.MAC)
		case r.Block != 0 && (r.Block < 8 || r.Block > 65464):
			bad("boot.tftp_rules[%d]: block %d is not within 8 and 65464", i, r.Block)
		case r.Window < 0 || r.Window > 32767:
			bad("boot.tftp_rules[%d]: window %d is not within 1 and 32767", i, r.Window)
		case r.Block == 0 && r.Window == 0:
			bad("boot.tftp_rules[%d]: names neither block nor window", i)
		}
	}
	if c.Health.Every != 0 && c.Health.Every < 30*time.Second {
		bad("health.every: %v is too often: BMCs are slow, use 30s or more, or 0 for never", c.Health.Every)
	}
	if e := c.Health.Events; e != EventsAuto && e != EventsPost && e != EventsOff {
		bad("health.events: %q: use %s, %s or %s", e, EventsAuto, EventsPost, EventsOff)
	}
	if u := c.Health.EventsURL; u != "" && !strings.HasPrefix(u, "https://") {
		bad("health.events_url: %q: use a URL that begins with https://", u)
	}
	if c.Health.Parallel < 1 || c.Health.Parallel > 1024 {
		bad("health.parallel: %d is not within 1 and 1024", c.Health.Parallel)
	}
	if p, err := inventory.ParsePowerPolicy(c.Power.Drift); err != nil || p == inventory.PowerByDefault {
		bad("power.drift: %q is none of accept, restore, alarm", c.Power.Drift)
	}
	errs = append(errs, checkBurnIn(c.BurnIn)...)
	errs = append(errs, checkOutliers(c.Outliers)...)
	errs = append(errs, checkSubnets(c.Subnets)...)
	errs = append(errs, checkSubnets6(c.Subnets6)...)
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
		case !validDrift(r.PowerDrift):
			bad("roles[%d] %q: power_drift %q is none of accept, restore, alarm", i, r.Name, r.PowerDrift)
		}
		names[r.Name] = true
		for j, set := range r.Bios {
			if len(set.Attributes) == 0 {
				bad("roles[%d] %q: bios[%d] names no attributes", i, r.Name, j)
			}
			for name, v := range set.Attributes {
				if _, ok := inventory.PlainValue(v); !ok || name == "" {
					bad("roles[%d] %q: bios[%d]: %q: a value is a text, a whole number, true or false", i, r.Name, j, name)
				}
			}
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// validDrift tells whether a role's policy is one, or none.
func validDrift(p inventory.PowerPolicy) bool {
	_, err := inventory.ParsePowerPolicy(string(p))
	return err == nil && p != "default"
}
