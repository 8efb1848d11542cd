package dhcp6

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"socle/inventory"
	"socle/pxe"
)

// Host is what the inventory knows of the machine behind a MAC or a UUID.
type Host struct {
	Machine string     // ID
	Addr    netip.Addr // on which others rely on finding it; zero: none
	Boot    inventory.Boot
}

// View is what the inventory says of a MAC ("aa:bb:cc:dd:ee:ff") or of a system UUID (lower case). It is
// asked for every packet, under a lock: it must answer from memory.
type View interface {
	Host(mac string) (Host, bool)
	HostByUUID(uuid string) (Host, bool)
	// Active names the machine that others rely on finding at an address, which is not for anybody else.
	Active(addr netip.Addr) (machine string, ok bool)
}

// Leases is where leases are kept over a restart, and shared with other servers.
//
// SaveLeases returns when the leases are on stable storage, but for those whose address is held by another MAC
// at their start: of these it returns what stands there instead. Leases of one address apply in order.
//
// LeaseChanges returns what others than this process wrote after a mark, and the next mark; with a mark of -1
// it returns everything. There may be leases of IPv4 among them.
type Leases interface {
	SaveLeases(ctx context.Context, leases []inventory.Lease) (lost []inventory.Lease, err error)
	LeaseChanges(ctx context.Context, after int64) (leases []inventory.Lease, mark int64, err error)
}

// Options are what a server needs; Subnets, ServerID, View, Leases and BootPort must be set.
type Options struct {
	Subnets []inventory.Subnet6
	// ServerID is the server's DUID: it must stay the same for good, and be another one for each server.
	ServerID []byte
	View     View
	Leases   Leases
	Recorder pxe.Recorder // nil: evidence is forgotten
	// BootURL makes the base URL of package pxe's HTTP handler ("http://[ADDRESS]:PORT") for clients of a
	// subnet whose server address is given.
	BootURL func(server netip.Addr) string
	Log     *slog.Logger // nil: silent
	Now     func() time.Time
	// BootTries is how many boots by one way may fail before the next is tried; 0: inventory.DefaultBootTries.
	BootTries int
	Workers   int // that decide, default 2
	Queue     int // packets that wait for them, default 4096; what does not fit is dropped, the client asks again
	// MaxLeases is how many addresses of a subnet are given out at most (default 65536): clients can call
	// themselves what they like, and an IPv6 pool never ends.
	MaxLeases int
	// Rate and Burst bound the packets of one client, by DUID (default 20 a second, 40 at once).
	Rate, Burst int
	// DeclineTime is how long an address is avoided that a client found in use (default 10 min).
	DeclineTime time.Duration
	SaveTimeout time.Duration // of one call of SaveLeases, default 5 s
	// Recheck is how often a missing interface is looked for and a present one is compared (default 2 s).
	Recheck time.Duration
	// SyncEvery is how often leases of other servers are looked for (default 1 s).
	SyncEvery time.Duration
}

func (o *Options) check() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if o.View == nil || o.Leases == nil || o.BootURL == nil {
		fail("a view of the inventory, a lease store and a boot URL must be given")
	}
	if len(o.ServerID) < 3 || len(o.ServerID) > maxDUID {
		fail("server identifier of %d bytes: give a DUID of 3 to %d", len(o.ServerID), maxDUID)
	}
	if len(o.Subnets) == 0 {
		fail("no subnet is given")
	}
	for i := range o.Subnets {
		s := &o.Subnets[i]
		if err := checkSubnet(s); err != nil {
			fail("subnet %d (%s): %w", i+1, s.Name, err)
			continue
		}
		if o.BootURL != nil {
			if err := checkURL(o.BootURL(s.Server)); err != nil {
				fail("subnet %d (%s): %w", i+1, s.Name, err)
			}
		}
		for _, t := range o.Subnets[:i] {
			if t.Prefix.Overlaps(s.Prefix) {
				fail("subnet %d (%s): %s overlaps %s of %s", i+1, s.Name, s.Prefix, t.Prefix, t.Name)
			}
		}
	}
	return errors.Join(errs...)
}

func checkURL(text string) error {
	if u, err := url.Parse(text); err != nil || u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("boot URL %q: it must be http://[ADDRESS]:PORT as machines reach it", text)
	}
	return nil
}

func checkSubnet(s *inventory.Subnet6) error {
	if !s.Prefix.IsValid() || !s.Prefix.Addr().Is6() || s.Prefix.Addr().Is4In6() || s.Prefix.Bits() < 32 || s.Prefix.Bits() > 126 {
		return fmt.Errorf("prefix %s: give an IPv6 prefix of /32 to /126", s.Prefix)
	}
	s.Prefix = s.Prefix.Masked()
	if s.LeaseTime == 0 {
		s.LeaseTime = time.Hour
	}
	if s.LeaseTime < time.Minute {
		return fmt.Errorf("lease time %s: give at least 1m", s.LeaseTime)
	}
	if s.Interface == "" {
		return errors.New("no interface is named, so there is nowhere to listen (also for relays)")
	}
	if !s.Server.Is6() {
		return fmt.Errorf("server %s: give an IPv6 address of ours", s.Server)
	}
	for _, a := range append(append([]netip.Addr{}, s.DNS...), s.NTP...) {
		if !a.Is6() || a.Is4In6() {
			return fmt.Errorf("DNS or NTP server %s is not IPv6", a)
		}
	}
	for _, r := range s.Reservations {
		if !s.Prefix.Contains(r.Addr) || r.Addr == s.Server {
			return fmt.Errorf("reserved address %s is not a client's address in %s", r.Addr, s.Prefix)
		}
	}
	if !s.PoolFirst.IsValid() && !s.PoolLast.IsValid() {
		return nil
	}
	if !s.Prefix.Contains(s.PoolFirst) || !s.Prefix.Contains(s.PoolLast) || s.PoolLast.Less(s.PoolFirst) {
		return fmt.Errorf("pool %s to %s is not a range in %s", s.PoolFirst, s.PoolLast, s.Prefix)
	}
	if high(s.PoolFirst) != high(s.PoolLast) {
		return fmt.Errorf("pool %s to %s: both ends must lie in one /64", s.PoolFirst, s.PoolLast)
	}
	return nil
}

func (o *Options) defaults() {
	if o.Recorder == nil {
		o.Recorder = pxe.NoRecorder{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	positive(&o.Workers, 2)
	positive(&o.Queue, 4096)
	positive(&o.MaxLeases, 65536)
	positive(&o.Rate, 20)
	positive(&o.Burst, 40)
	positive(&o.DeclineTime, 10*time.Minute)
	positive(&o.SaveTimeout, 5*time.Second)
	positive(&o.Recheck, 2*time.Second)
	positive(&o.SyncEvery, time.Second)
}

func positive[T int | time.Duration](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}
