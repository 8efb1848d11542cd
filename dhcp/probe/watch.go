package probe

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"socle/inventory"
)

// Watch watches for DHCP servers that are not this one: it looks for them at the start, before the first
// machine asks, and finds out the MAC of one whose offer a machine took. What it sees becomes evidence, and
// an event that is told once an hour for each server.
type Watch struct {
	opt   WatchOptions
	queue chan inventory.Evidence
	told  map[string]time.Time // server → when
}

// WatchOptions are what a watch needs; all but Allowed must be set.
type WatchOptions struct {
	Subnets []inventory.Subnet
	Allowed []netip.Addr // servers that are meant to answer
	Record  func(inventory.Evidence)
	Raise   func(inventory.Event) // must not block
	Log     *slog.Logger
}

const (
	toldAgain   = time.Hour
	foreignWait = 5 * time.Second // for answers at the start
)

// NewWatch makes a watch; Run runs it.
func NewWatch(o WatchOptions) *Watch {
	return &Watch{opt: o, queue: make(chan inventory.Evidence, 64), told: map[string]time.Time{}}
}

// Record takes evidence: it passes evidence on and keeps what names another server. What does not fit
// in the queue has no MAC, but all else.
func (w *Watch) Record(e inventory.Evidence) {
	w.opt.Record(e)
	if e.Outcome != inventory.OutElsewhere || !e.Peer.Is4() || e.Iface == "" {
		return
	}
	select {
	case w.queue <- e:
	default:
	}
}

// Run looks once and then names servers until ctx ends.
func (w *Watch) Run(ctx context.Context) error {
	for _, name := range w.interfaces() {
		if ctx.Err() == nil {
			w.look(ctx, name)
		}
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-w.queue:
			w.name(ctx, e)
		}
	}
}

// interfaces are those on which this server gives addresses or boot files.
func (w *Watch) interfaces() (names []string) {
	for _, s := range w.opt.Subnets {
		if s.Interface != "" && s.Mode != inventory.SubnetOff && !slices.Contains(names, s.Interface) {
			names = append(names, s.Interface)
		}
	}
	return names
}

// look probes one interface.
func (w *Watch) look(ctx context.Context, iface string) {
	r, err := Run(ctx, Options{Iface: iface, Wait: foreignWait})
	if err != nil {
		if ctx.Err() == nil {
			w.opt.Log.Warn("other DHCP servers were not looked for", "interface", iface, "err", err)
		}
		return
	}
	for _, s := range r.Servers {
		if slices.Contains(w.opt.Allowed, s.IP) || w.besideOthers(iface) && !slices.Contains(s.Kinds, Proxy) {
			continue
		}
		w.tell(iface, s.IP, s.MAC, fmt.Sprintf("answers on %s: %s", iface, s.Offers[0]))
		w.opt.Record(inventory.Evidence{Time: time.Now(), Source: "probe", Kind: inventory.SawForeign, Outcome: inventory.OutOffered,
			Peer: s.IP, PeerMAC: s.MAC, Iface: iface, Asked: "probe of " + iface, Reply: s.Offers[0]})
	}
}

// besideOthers tells whether an interface has a subnet on which somebody else gives the addresses.
func (w *Watch) besideOthers(iface string) bool {
	return slices.ContainsFunc(w.opt.Subnets, func(s inventory.Subnet) bool { return s.Interface == iface && s.Mode == inventory.SubnetProxy })
}

// name finds the MAC of the server whose offer a machine took.
func (w *Watch) name(ctx context.Context, e inventory.Evidence) {
	mac, err := Neighbour(ctx, e.Iface, e.Peer)
	if err != nil {
		w.opt.Log.Debug("the MAC of another DHCP server is not known", "server", e.Peer, "err", err)
	} else {
		w.opt.Record(inventory.Evidence{Time: e.Time, MAC: e.MAC, Machine: e.Machine, Source: "probe", Kind: inventory.SawForeign, Outcome: inventory.OutElsewhere,
			Peer: e.Peer, PeerMAC: mac, Iface: e.Iface, Asked: "who has " + e.Peer.String(), Reply: mac})
	}
	w.tell(e.Iface, e.Peer, mac, fmt.Sprintf("gave %s its address on %s", e.MAC, e.Iface))
}

func (w *Watch) tell(iface string, ip netip.Addr, mac, did string) {
	key, now := iface+" "+ip.String()+" "+mac, time.Now()
	if now.Sub(w.told[key]) < toldAgain {
		return
	}
	if len(w.told) > 1000 { // a flood of invented servers
		clear(w.told)
	}
	w.told[key] = now
	if mac == "" {
		mac = "unknown"
	}
	reason := fmt.Sprintf("another DHCP server, %s (MAC %s), %s; stop it there, or name it in dhcp.allowed", ip, mac, did)
	w.opt.Log.Warn("another DHCP server", "interface", iface, "server", ip, "mac", mac, "what", did)
	w.opt.Raise(inventory.Event{Time: now, Actor: inventory.ActorDHCP, Kind: "foreign-dhcp", Reason: reason})
}
