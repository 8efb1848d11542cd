package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/dhcpv6/nclient6"
	"github.com/insomniacslk/dhcp/iana"
)

const (
	leastRenew = 5 * time.Second // no server is asked more often, whatever it says
	retryPause = 5 * time.Second // after an answer that helps nobody
)

var (
	errInUse = errors.New("duplicate address")
	errGone  = errors.New("the address is no longer ours")
)

// lease6 is an address by DHCPv6 and the client that keeps it.
type lease6 struct {
	nic    string
	client *nclient6.Client
	names  *resolver
	log    *slog.Logger
	on     netip.Addr // what is set on the interface; zero: nothing
	given             // by the last answer
}

// given is an address as a server's answer gives it.
type given struct {
	reply *dhcpv6.Message
	addr  *dhcpv6.OptIAAddress
	since time.Time
	times times
}

// asAgent6 tells the server that the ramdisk asks, and names the machine by the interface's address alone: a ramdisk
// remembers no identifier. The number is the one that IANA keeps for examples (RFC 5612).
func (l *lease6) asAgent6(m dhcpv6.DHCPv6) {
	m.UpdateOption(dhcpv6.OptClientID(&dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: l.client.InterfaceAddr()}))
	m.UpdateOption(&dhcpv6.OptVendorClass{EnterpriseNumber: 32473, Data: [][]byte{[]byte("socle-agent")}})
}

// ask gets an address from any server and sets it.
func (l *lease6) ask(ctx context.Context) error {
	for {
		reply, err := l.client.RapidSolicit(ctx, l.asAgent6)
		if err != nil {
			return err
		}
		g, err := read(reply, time.Now())
		if err != nil {
			return err
		}
		if err := l.adopt(ctx, g); !errors.Is(err, errInUse) {
			return err
		}
	}
}

// adopt sets the address that a server gave, in the place of the one before. One that another host has is refused
// (RFC 8415 section 18.2.8).
func (l *lease6) adopt(ctx context.Context, g given) error {
	l.given = g
	addr := g.address()
	if l.on.IsValid() && l.on != addr {
		l.drop()
	}
	if err := onLink(l.nic, addr); err != nil {
		return err
	}
	if !l.on.IsValid() {
		// For good at first: a duplicate whose time is limited is taken off by the kernel without a word.
		if err := set(l.nic, addr, 0, 0); err != nil {
			return err
		}
		l.on = addr
		if _, err := usable(ctx, l.nic, func(a netip.Addr) bool { return a == addr }); err != nil {
			l.drop()
			if errors.Is(err, errInUse) {
				l.refuse(ctx, err)
			}
			return err
		}
	}
	age := time.Since(g.since)
	if err := set(l.nic, l.on, max(g.addr.PreferredLifetime-age, 0), max(g.addr.ValidLifetime-age, time.Second)); err != nil {
		return err
	}
	if dns := g.reply.Options.DNS(); len(dns) > 0 {
		l.names.learn(6, dns)
	}
	return nil
}

// refuse tells the server that another host has the address. A server that does not hear it will give it again, and
// hear it again.
func (l *lease6) refuse(ctx context.Context, why error) {
	l.log.Warn("The address is refused and another one asked for", "nic", l.nic, "err", why)
	if _, err := l.exchange(ctx, dhcpv6.MessageTypeDecline); err != nil {
		l.log.Warn("The server does not answer the refusal", "nic", l.nic, "err", err)
	}
}

func (l *lease6) drop() {
	unset(l.nic, l.on)
	l.on = netip.Addr{}
}

func (g given) address() netip.Addr {
	a, _ := netip.AddrFromSlice(g.addr.IPv6Addr.To16()) // read has checked it
	return a
}

// read finds the address in an answer. The error is errGone when the server takes it back, or knows nothing of it.
func read(reply *dhcpv6.Message, now time.Time) (given, error) {
	if s := reply.Options.Status(); s != nil && s.StatusCode != iana.StatusSuccess {
		return given{}, fmt.Errorf("the server gives no address: %s", s)
	}
	i := reply.Options.OneIANA()
	if i == nil {
		return given{}, errors.New("the server's answer has no identity association")
	}
	if s := i.Options.Status(); s != nil && s.StatusCode != iana.StatusSuccess {
		if s.StatusCode == iana.StatusNoBinding {
			return given{}, fmt.Errorf("%w: %s", errGone, s)
		}
		return given{}, fmt.Errorf("the server gives no address: %s", s)
	}
	none := errors.New("the server gives no address that can be used")
	for _, a := range i.Options.Addresses() {
		if a.ValidLifetime == 0 {
			none = fmt.Errorf("%w: the server takes %s back", errGone, a.IPv6Addr)
		}
		// One that is preferred for longer than it is valid is to be discarded (RFC 8415 section 21.6).
		if addr, ok := netip.AddrFromSlice(a.IPv6Addr.To16()); ok && a.ValidLifetime > 0 && a.PreferredLifetime <= a.ValidLifetime && addr.IsGlobalUnicast() {
			return given{reply: reply, addr: a, since: now, times: lifetimes(i.T1, i.T2, a.ValidLifetime)}, nil
		}
	}
	return given{}, none
}

// exchange sends a message about the address to the server that gave it, or, to rebind, to all.
func (l *lease6) exchange(ctx context.Context, kind dhcpv6.MessageType) (*dhcpv6.Message, error) {
	m, err := dhcpv6.NewMessage(l.asAgent6, dhcpv6.WithIANA(dhcpv6.OptIAAddress{IPv6Addr: l.addr.IPv6Addr}))
	if err != nil {
		return nil, err
	}
	m.MessageType = kind
	m.Options.OneIANA().IaId = l.reply.Options.OneIANA().IaId
	if kind != dhcpv6.MessageTypeRebind {
		m.AddOption(l.reply.GetOneOption(dhcpv6.OptionServerID))
	}
	m.AddOption(dhcpv6.OptElapsedTime(0))
	m.AddOption(dhcpv6.OptRequestedOption(dhcpv6.OptionDNSRecursiveNameServer))
	return l.client.SendAndRead(ctx, nclient6.AllDHCPRelayAgentsAndServers, m, nclient6.IsMessageType(dhcpv6.MessageTypeReply))
}

// keep has the address renewed until ctx ends.
func (l *lease6) keep(ctx context.Context) {
	defer func() { _ = l.client.Close() }()
	for ctx.Err() == nil {
		kind, until := l.times.at(time.Since(l.since))
		pause := time.Until(l.since.Add(until))
		if kind != dhcpv6.MessageTypeNone {
			err := l.refresh(ctx, kind, pause)
			if err == nil {
				continue
			}
			if ctx.Err() == nil {
				l.log.Warn("The IPv6 address is not renewed yet", "nic", l.nic, "by", kind, "err", err)
			}
			pause = retryPause
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// refresh asks for the address once more, or for another one. It gives up after limit, when other servers are to be
// asked, or anew.
func (l *lease6) refresh(ctx context.Context, kind dhcpv6.MessageType, limit time.Duration) error {
	asked, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if kind == dhcpv6.MessageTypeSolicit {
		if l.on.IsValid() {
			l.log.Warn("The IPv6 address is over: no server renewed it. Another one is asked for", "nic", l.nic, "address", l.on)
			l.drop()
		}
		return l.ask(asked)
	}
	reply, err := l.exchange(asked, kind)
	if err != nil {
		return err
	}
	g, err := read(reply, time.Now())
	if err == nil {
		err = l.adopt(ctx, g)
	}
	if errors.Is(err, errGone) || errors.Is(err, errInUse) {
		l.log.Warn("The IPv6 address is no longer ours, another one is asked for", "nic", l.nic, "err", err)
		if l.on.IsValid() {
			l.drop()
		}
		l.times = times{} // it is over
		return nil
	}
	return err
}

// times are the ages at which an address is to be renewed by the server that gave it, by any server, and is over.
type times struct{ renew, rebind, valid time.Duration }

// lifetimes are the times of an address. A server that says 0 leaves T1 and T2 to the client, which takes those that
// servers are recommended to say (RFC 8415 section 21.4: 0.5 and 0.8).
func lifetimes(t1, t2, valid time.Duration) times {
	if t1 == 0 {
		t1 = valid / 2
	}
	if t2 == 0 {
		t2 = valid * 4 / 5
	}
	t1 = max(t1, leastRenew)
	return times{t1, max(t1, t2), valid}
}

// at is what to do with an address of some age, and until which age (RFC 8415 sections 18.2.4 and 18.2.5); None is
// nothing. What is over is asked for again and again, a while each time.
func (t times) at(age time.Duration) (kind dhcpv6.MessageType, until time.Duration) {
	switch {
	case age >= t.valid:
		return dhcpv6.MessageTypeSolicit, age + dhcpWait
	case age < t.renew:
		return dhcpv6.MessageTypeNone, min(t.renew, t.valid)
	case age < t.rebind:
		return dhcpv6.MessageTypeRenew, min(t.rebind, t.valid)
	default:
		return dhcpv6.MessageTypeRebind, t.valid
	}
}
