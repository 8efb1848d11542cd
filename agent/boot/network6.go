package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6/nclient6"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// dadWait is for the kernel to find out that nobody else has an address (RFC 4862 section 5.4: about 2 s).
const dadWait = 10 * time.Second

// configure6 gets an IPv6 address by DHCPv6. Where nobody answers that, one that the kernel made from a router's
// advertisement does as well. Prefix and routes are the kernel's business in both cases.
func configure6(ctx context.Context, name string, names *resolver, log *slog.Logger) (string, error) {
	if _, err := usable(ctx, name, netip.Addr.IsLinkLocalUnicast); err != nil {
		return "", fmt.Errorf("waiting for the link-local address: %w", err)
	}
	client, err := nclient6.New(name, nclient6.WithTimeout(2*time.Second), nclient6.WithRetry(8))
	if err != nil {
		return "", fmt.Errorf("opening a socket for DHCPv6: %w", err)
	}
	asked, cancel := context.WithTimeout(ctx, dhcpWait)
	defer cancel()
	l := &lease6{nic: name, client: client, names: names, log: log}
	if err = l.ask(asked); err == nil {
		go l.keep(ctx) // owned by ctx, which is the boot's
		return l.on.String() + "/128", nil
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

// onLink sees to it that neighbours are reached. Which they are is known from a router's advertisement; without one,
// those of the same /64 are taken to be. The route is not left to the kernel, which keeps the one of an address for a
// while after the address is over, when it looks like an advertised one.
func onLink(nic string, addr netip.Addr) error {
	link, err := netlink.LinkByName(nic)
	if err != nil {
		return fmt.Errorf("finding interface %s: %w", nic, err)
	}
	routes, err := netlink.RouteList(link, netlink.FAMILY_V6)
	if err != nil {
		return fmt.Errorf("reading the routes of %s: %w", nic, err)
	}
	for _, r := range routes {
		if ones := prefixLen(r.Dst); r.Gw == nil && ones > 0 && ones < 128 && r.Dst.Contains(addr.AsSlice()) {
			return nil
		}
	}
	if err := netlink.RouteReplace(ownRoute(link, addr)); err != nil {
		return fmt.Errorf("making a route to the neighbours of %s on %s: %w", addr, nic, err)
	}
	return nil
}

// ownRoute is the one that onLink makes.
func ownRoute(link netlink.Link, addr netip.Addr) *netlink.Route {
	mask := net.CIDRMask(64, 128)
	return &netlink.Route{LinkIndex: link.Attrs().Index, Dst: &net.IPNet{IP: net.IP(addr.AsSlice()).Mask(mask), Mask: mask}, Protocol: unix.RTPROT_DHCP}
}

func prefixLen(n *net.IPNet) int {
	if n == nil {
		return 0
	}
	ones, _ := n.Mask.Size()
	return ones
}

// set puts an address on an interface, or gives one that is there another time to live. The kernel takes it off when
// valid is over, and prefers others for new connections once preferred is (RFC 4862 section 5.5.4). With valid 0 it
// stays.
func set(nic string, addr netip.Addr, preferred, valid time.Duration) error {
	link, err := netlink.LinkByName(nic)
	if err != nil {
		return fmt.Errorf("finding interface %s: %w", nic, err)
	}
	a := &netlink.Addr{IPNet: &net.IPNet{IP: addr.AsSlice(), Mask: net.CIDRMask(128, 128)},
		PreferedLft: int(preferred / time.Second), ValidLft: int(valid / time.Second)}
	if err := netlink.AddrReplace(link, a); err != nil {
		return fmt.Errorf("setting address %s on %s: %w", addr, nic, err)
	}
	return nil
}

// unset takes an address off an interface, and the route that onLink made.
func unset(nic string, addr netip.Addr) {
	link, err := netlink.LinkByName(nic)
	if err != nil {
		return
	}
	list, err := netlink.AddrList(link, netlink.FAMILY_V6)
	for _, a := range list {
		if err == nil && a.IP.Equal(addr.AsSlice()) {
			_ = netlink.AddrDel(link, &a) // an address too many is no harm
		}
	}
	_ = netlink.RouteDel(ownRoute(link, addr)) // it may not be there
}
