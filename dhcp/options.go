package dhcp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"socle/inventory"
	"socle/pxe"
)

// Host is what the inventory knows of the machine behind a MAC.
type Host struct {
	Machine string     // ID
	Name    string     // told to the client as its host name when it is one
	Addr    netip.Addr // reserved for it; zero: from the pool
	Stray   bool       // no manifest announces it
	Boot    inventory.Boot
}

// View is what the inventory says of a MAC ("aa:bb:cc:dd:ee:ff"). It is asked for every packet, under a
// lock: it must answer from memory.
//
// A View may also have a method Reserved(netip.Addr) (mac string, ok bool), which keeps reserved addresses
// inside the pool from being given to others, and a method HostByUUID(uuid string) (Host, bool), which is
// asked for a MAC that is not known, by the lower-case system UUID of option 97.
type View interface {
	Host(mac string) (Host, bool)
}

// A View may also have a method NetBoot(mac string) inventory.NetBoot, which tells what was tried to boot the machine.
type tracker interface {
	NetBoot(mac string) inventory.NetBoot
}

type reserver interface {
	Reserved(addr netip.Addr) (mac string, ok bool)
}

type uuidView interface {
	HostByUUID(uuid string) (Host, bool)
}

// Leases is where leases are kept over a restart, and where several servers agree on them.
//
// SaveLeases returns when the leases are on stable storage, but for those whose address is held by another
// MAC at their start: of these it returns what stands there instead. Leases of one address apply in order.
//
// LeaseChanges returns what others than this process wrote after a mark, and the next mark; with a mark of -1
// it returns everything.
type Leases interface {
	SaveLeases(ctx context.Context, leases []inventory.Lease) (lost []inventory.Lease, err error)
	LeaseChanges(ctx context.Context, after int64) (leases []inventory.Lease, mark int64, err error)
}

// Options are what a server needs; Subnets, View, Leases and BootURL must be set.
type Options struct {
	Subnets []inventory.Subnet
	// ServerAddr is the server identifier and the address of TFTP that clients are told; zero: the first
	// address that the interface has within the subnet.
	ServerAddr netip.Addr
	View       View
	Leases     Leases
	Recorder   pxe.Recorder // nil: evidence is forgotten
	// Alarm is told what an operator must see, e.g. that an address is in use by a stranger. It must not block;
	// nil: nobody is.
	Alarm      func(inventory.Event)
	BootURL    string // "http://ADDRESS:PORT" of package pxe's HTTP handler
	BootTLSURL string // "https://ADDRESS:PORT" of the same; needed where a subnet has HTTPS
	// BootTries is how many boots by one way may fail before the next is tried; 0: inventory.DefaultBootTries.
	BootTries int
	Log       *slog.Logger // nil: silent
	Now       func() time.Time
	Workers   int // that decide, default 2
	Queue     int // packets that are under way, default 4096; what does not fit is shed, the client asks again
	// OfferTime is how long an address is kept for a client that was offered it (default 30 s), and
	// DeclineTime how long one is avoided that a client found in use (default 10 min).
	OfferTime, DeclineTime time.Duration
	SaveTimeout            time.Duration // of one call of the lease store, default 5 s
	SyncEvery              time.Duration // how often the leases of other servers are read, default 500 ms
	// Free addresses are asked for in rounds, ProbeEvery after each other, whose answers are awaited for ProbeWait
	// (default 250 ms both).
	ProbeEvery, ProbeWait time.Duration
	// Recheck is how often a missing interface is looked for and a present one is compared (default 2 s).
	Recheck time.Duration
}

func (o *Options) check() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if o.View == nil || o.Leases == nil {
		fail("a view of the inventory and a lease store must be given")
	}
	if u, err := url.Parse(o.BootURL); err != nil || u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		fail("boot URL %q: give http://ADDRESS:PORT as machines reach it", o.BootURL)
	}
	if slices.ContainsFunc(o.Subnets, func(s inventory.Subnet) bool { return s.HTTPS }) {
		if u, err := url.Parse(o.BootTLSURL); err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
			fail("boot URL %q: a subnet wants HTTPS: give https://ADDRESS:PORT as firmware reaches it", o.BootTLSURL)
		}
	}
	if len(o.Subnets) == 0 {
		fail("no subnet is given")
	}
	if o.ServerAddr.IsValid() && !o.ServerAddr.Is4() {
		fail("server address %s is not IPv4", o.ServerAddr)
	}
	errs = append(errs, inventory.CheckSubnets(o.Subnets)...)
	if attached := func(s inventory.Subnet) bool { return s.Interface != "" }; len(o.Subnets) > 0 && !slices.ContainsFunc(o.Subnets, attached) {
		fail("no subnet names an interface, so there is nowhere to listen (also for relays)")
	}
	return errors.Join(errs...)
}

func (o *Options) defaults() {
	o.BootURL, o.BootTLSURL = strings.TrimSuffix(o.BootURL, "/"), strings.TrimSuffix(o.BootTLSURL, "/")
	for i := range o.Subnets {
		s := &o.Subnets[i]
		s.Prefix = s.Prefix.Masked()
		positive(&s.LeaseTime, time.Hour)
		if s.Mode == "" {
			s.Mode = inventory.SubnetFull
		}
	}
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
	positive(&o.OfferTime, 30*time.Second)
	positive(&o.DeclineTime, 10*time.Minute)
	positive(&o.SaveTimeout, 5*time.Second)
	positive(&o.SyncEvery, 500*time.Millisecond)
	positive(&o.ProbeEvery, 250*time.Millisecond)
	positive(&o.ProbeWait, 250*time.Millisecond)
	positive(&o.Recheck, 2*time.Second)
}

func positive[T int | time.Duration](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}
