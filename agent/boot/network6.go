package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/dhcpv6/nclient6"
	"github.com/insomniacslk/dhcp/iana"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// dadWait is for the kernel to find out that nobody else has an address (RFC 4862 section 5.4: about 2 s).
const dadWait = 10 * time.Second

// NeedsIPv6 tells whether a server is named by an IPv6 address.
func NeedsIPv6(server string) bool {
	u, err := url.Parse(server)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(u.Hostname())
	return err == nil && a.Is6() && !a.Is4In6()
}

// configure6 gets an IPv6 address by DHCPv6. Where nobody answers that, one that the kernel made from a router's
// advertisement does as well. Prefix and routes are the kernel's business in both cases.
func configure6(ctx context.Context, name string, log *slog.Logger) (string, error) {
	if _, err := usable(ctx, name, netip.Addr.IsLinkLocalUnicast); err != nil {
		return "", fmt.Errorf("waiting for the link-local address: %w", err)
	}
	client, err := nclient6.New(name, nclient6.WithTimeout(2*time.Second), nclient6.WithRetry(8))
	if err != nil {
		return "", fmt.Errorf("opening a socket for DHCPv6: %w", err)
	}
	asked, cancel := context.WithTimeout(ctx, dhcpWait)
	defer cancel()
	l := &lease6{nic: name, client: client, log: log}
	address, err := l.ask(asked)
	if err == nil {
		go l.keep(ctx) // owned by ctx, which is the boot's
		return address, nil
	}
	err = errors.Join(fmt.Errorf("asking for an address by DHCPv6: %w", err), client.Close())
	own, none := usable(asked, name, func(a netip.Addr) bool { return a.IsGlobalUnicast() })
	if none != nil {
		return "", err
	}
	log.Warn("No address by DHCPv6, going on with the one from the router's advertisement", "address", own, "err", err)
	return own.String(), nil
}

// usable waits for an address that nobody else has.
func usable(ctx context.Context, name string, want func(netip.Addr) bool) (netip.Addr, error) {
	for end := time.Now().Add(dadWait); ; {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return netip.Addr{}, fmt.Errorf("finding interface %s: %w", name, err)
		}
		list, err := netlink.AddrList(link, netlink.FAMILY_V6)
		if err != nil {
			return netip.Addr{}, fmt.Errorf("listing the addresses of %s: %w", name, err)
		}
		for _, a := range list {
			addr, ok := netip.AddrFromSlice(a.IP)
			switch {
			case !ok || !want(addr):
			case a.Flags&unix.IFA_F_DADFAILED != 0:
				return addr, fmt.Errorf("address %s is in use by another host on this network: %w", addr, errInUse)
			case a.Flags&unix.IFA_F_TENTATIVE == 0:
				return addr, nil
			}
		}
		if ctx.Err() != nil || time.Now().After(end) {
			return netip.Addr{}, fmt.Errorf("%s has no such IPv6 address after %s", name, dadWait)
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

var errInUse = errors.New("duplicate address")

// lease6 is an address by DHCPv6 and the client that keeps it.
type lease6 struct {
	nic    string
	client *nclient6.Client
	log    *slog.Logger
	reply  *dhcpv6.Message // the last one that gave the address
	addr   *dhcpv6.OptIAAddress
	since  time.Time
}

// asAgent6 tells the server that the ramdisk asks, and names the machine by the interface's address alone: a ramdisk
// remembers no identifier. The number is the one that IANA keeps for examples (RFC 5612).
func (l *lease6) asAgent6(m dhcpv6.DHCPv6) {
	m.UpdateOption(dhcpv6.OptClientID(&dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: l.client.InterfaceAddr()}))
	m.UpdateOption(&dhcpv6.OptVendorClass{EnterpriseNumber: 32473, Data: [][]byte{[]byte("socle-agent")}})
}

// ask gets an address and sets it. One that another host has is given back, and another one asked for.
func (l *lease6) ask(ctx context.Context) (string, error) {
	for {
		reply, err := l.client.RapidSolicit(ctx, l.asAgent6)
		if err != nil {
			return "", err
		}
		if err := l.take(reply); err != nil {
			return "", err
		}
		p, err := l.set()
		if err == nil {
			_, err = usable(ctx, l.nic, func(a netip.Addr) bool { return a == p.Addr() })
		}
		if !errors.Is(err, errInUse) {
			return p.String(), err
		}
		l.log.Warn("The address is refused and another one asked for", "nic", l.nic, "err", err)
		l.remove(p.Addr())
		if _, err := l.exchange(ctx, dhcpv6.MessageTypeDecline); err != nil {
			return "", fmt.Errorf("refusing an address that is in use: %w", err)
		}
	}
}

// take reads the address out of a reply.
func (l *lease6) take(reply *dhcpv6.Message) error {
	i := reply.Options.OneIANA()
	if i == nil {
		return errors.New("the answer has no identity association")
	}
	for _, a := range i.Options.Addresses() {
		if a.ValidLifetime > 0 {
			l.reply, l.addr, l.since = reply, a, time.Now()
			return nil
		}
	}
	if s := i.Options.Status(); s != nil {
		return fmt.Errorf("the server gives no address: %s", s)
	}
	return errors.New("the server gives no address")
}

// set puts the address on the interface. Which others are on the link is known from a router's advertisement;
// without one, those of the same /64 are taken to be.
func (l *lease6) set() (netip.Prefix, error) {
	addr, ok := netip.AddrFromSlice(l.addr.IPv6Addr.To16())
	link, err := netlink.LinkByName(l.nic)
	if err != nil || !ok {
		return netip.Prefix{}, fmt.Errorf("finding interface %s: %w", l.nic, err)
	}
	bits := 64
	routes, err := netlink.RouteList(link, netlink.FAMILY_V6)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("reading the routes of %s: %w", l.nic, err)
	}
	for _, r := range routes {
		if ones := prefixLen(r.Dst); r.Gw == nil && ones > 0 && ones < 128 && r.Dst.Contains(l.addr.IPv6Addr) {
			bits = 128
		}
	}
	p := netip.PrefixFrom(addr, bits)
	ipnet := &net.IPNet{IP: l.addr.IPv6Addr, Mask: net.CIDRMask(bits, 128)}
	if err := netlink.AddrReplace(link, &netlink.Addr{IPNet: ipnet}); err != nil {
		return netip.Prefix{}, fmt.Errorf("setting address %s on %s: %w", p, l.nic, err)
	}
	if dns := l.reply.Options.DNS(); len(dns) > 0 {
		writeResolver(dns)
	}
	return p, nil
}

func prefixLen(n *net.IPNet) int {
	if n == nil {
		return 0
	}
	ones, _ := n.Mask.Size()
	return ones
}

// remove takes an address off the interface.
func (l *lease6) remove(addr netip.Addr) {
	link, err := netlink.LinkByName(l.nic)
	if err != nil {
		return
	}
	list, err := netlink.AddrList(link, netlink.FAMILY_V6)
	for _, a := range list {
		if err == nil && a.IP.Equal(addr.AsSlice()) {
			_ = netlink.AddrDel(link, &a) // an address too many is no harm
		}
	}
}

// exchange sends a message about the address to the server that gave it, or, to rebind, to all.
func (l *lease6) exchange(ctx context.Context, kind dhcpv6.MessageType) (*dhcpv6.Message, error) {
	m, err := dhcpv6.NewMessage(l.asAgent6, dhcpv6.WithIANA(*l.addr))
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

// keep renews the address at T1, asks any server from T2 on, and asks for a new one once it is over, until ctx
// ends.
func (l *lease6) keep(ctx context.Context) {
	defer func() { _ = l.client.Close() }()
	t1, t2, valid := l.times()
	wait := l.since.Add(t1)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(wait)):
		}
		old := l.addr.IPv6Addr
		err := l.renew(ctx, t2, valid)
		if err != nil {
			l.log.Warn("The IPv6 address is not renewed yet", "nic", l.nic, "err", err)
			wait = time.Now().Add(max(time.Until(l.since.Add(valid))/4, 5*time.Second))
			continue
		}
		if a, ok := netip.AddrFromSlice(old); ok && !l.addr.IPv6Addr.Equal(old) {
			l.remove(a)
		}
		t1, t2, valid = l.times()
		wait = l.since.Add(t1)
	}
}

func (l *lease6) times() (t1, t2, valid time.Duration) {
	i := l.reply.Options.OneIANA()
	return lifetimes(i.T1, i.T2, l.addr.ValidLifetime)
}

// lifetimes are the times of an address. A server that says 0 leaves T1 and T2 to the client, which takes those that
// servers are recommended to say (RFC 8415 section 21.4: 0.5 and 0.8).
func lifetimes(t1, t2, of time.Duration) (renew, rebind, valid time.Duration) {
	valid = max(of, 10*time.Second)
	if t1 == 0 {
		t1 = valid / 2
	}
	if t2 == 0 {
		t2 = valid * 4 / 5
	}
	return max(t1, 5*time.Second), max(t1, t2), valid
}

func (l *lease6) renew(ctx context.Context, t2, valid time.Duration) error {
	kind := dhcpv6.MessageTypeRenew
	switch age := time.Since(l.since); {
	case age > valid:
		_, err := l.ask(ctx)
		return err
	case age > t2:
		kind = dhcpv6.MessageTypeRebind
	}
	reply, err := l.exchange(ctx, kind)
	if err != nil {
		return err
	}
	if err := l.take(reply); err != nil {
		_, err := l.ask(ctx) // this address is no longer ours
		return err
	}
	_, err = l.set()
	return err
}
