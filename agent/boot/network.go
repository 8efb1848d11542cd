package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"github.com/vishvananda/netlink"

	"socle/agent/probe"
)

const (
	linkWait = 15 * time.Second // for a first link to come up
	dhcpWait = 20 * time.Second // for an answer on one interface
)

// Wanted is what the boot script says of the network.
type Wanted struct {
	MAC     string       // of the interface that booted; empty: any with a link
	Address netip.Prefix // zero: by DHCP
	Gateway netip.Addr
	// Server is the base URL of the API. Where Address is zero it decides what is asked for: DHCP when it has an IPv4
	// address, DHCPv6 when it has an IPv6 address, both when it has a name.
	Server string
}

// Network gives one interface an address: the one that booted first, then any other with a link, round and
// round until one works or ctx ends. A lease is renewed in the background until ctx ends.
func Network(ctx context.Context, want Wanted, root probe.Root, log *slog.Logger) (nic, address string, err error) {
	if lo, err := netlink.LinkByName("lo"); err == nil {
		_ = netlink.LinkSetUp(lo) // nothing of ours needs it
	}
	names := &resolver{file: "/etc/resolv.conf"}
	for ctx.Err() == nil {
		list := candidates(ctx, want.MAC, root)
		if len(list) == 0 {
			log.Warn("No network interface has a link: is a cable plugged in, is the switch port up, and has the ramdisk the driver?",
				"interfaces", interfaceNames(root))
		}
		for _, name := range list {
			address, err := configure(ctx, name, want, names, log)
			if err == nil {
				return name, address, nil
			}
			log.Warn("No address on "+name+", trying on", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second):
		}
	}
	return "", "", context.Cause(ctx)
}

func interfaceNames(root probe.Root) string {
	var list []string
	for _, n := range root.NICs() {
		list = append(list, n.Name+" "+n.MAC)
	}
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

// candidates brings all interfaces up, waits for links, and lists those that have one, the wanted first.
func candidates(ctx context.Context, mac string, root probe.Root) []string {
	for end := time.Now().Add(linkWait); ; {
		var list []string
		all := true
		wanted := mac == ""
		for _, n := range root.NICs() {
			if link, err := netlink.LinkByName(n.Name); err == nil {
				_ = netlink.LinkSetUp(link) // one that does not come up has no link below
			}
			if !root.Carrier(n.Name) {
				all = false
				continue
			}
			if strings.EqualFold(n.MAC, mac) {
				wanted = true
				list = slices.Insert(list, 0, n.Name)
				continue
			}
			list = append(list, n.Name)
		}
		// the one that booted has a link: no need to wait for others
		if wanted && len(list) > 0 && (mac != "" || all) || time.Now().After(end) || ctx.Err() != nil {
			return list
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// asAgent tells the server that the ramdisk asks, neither the firmware nor the system on the disk.
var asAgent = dhcpv4.WithOption(dhcpv4.OptClassIdentifier("socle-agent"))

func configure(ctx context.Context, name string, want Wanted, names *resolver, log *slog.Logger) (string, error) {
	if want.Address.IsValid() {
		return want.Address.String(), apply(name, want.Address, want.Gateway, 0, log)
	}
	four := func(ctx context.Context) (string, error) { return configure4(ctx, name, names, log) }
	six := func(ctx context.Context) (string, error) { return configure6(ctx, name, names, log) }
	switch host := hostOf(want.Server); familyOf(host) {
	case 4:
		return four(ctx)
	case 6:
		return six(ctx)
	default:
		return either(ctx, host, names, four, six)
	}
}

// configure4 gets an IPv4 address by DHCP.
func configure4(ctx context.Context, name string, names *resolver, log *slog.Logger) (string, error) {
	client, err := nclient4.New(name, nclient4.WithTimeout(2*time.Second), nclient4.WithRetry(8))
	if err != nil {
		return "", fmt.Errorf("opening a socket for DHCP: %w", err)
	}
	asked, cancel := context.WithTimeout(ctx, dhcpWait)
	defer cancel()
	lease, err := client.Request(asked, asAgent)
	if err != nil {
		return "", errors.Join(fmt.Errorf("asking for an address by DHCP: %w", err), client.Close())
	}
	address, err := applyLease(name, lease, names, log)
	if err != nil {
		return "", errors.Join(err, client.Close())
	}
	go renew(ctx, name, client, lease, names, log) // owned by ctx, which is the boot's
	return address, nil
}

// renew keeps the lease until ctx ends: at half its time it is renewed, and once it is over an address is asked
// for anew.
func renew(ctx context.Context, name string, client *nclient4.Client, lease *nclient4.Lease, names *resolver, log *slog.Logger) {
	defer func() { _ = client.Close() }()
	for {
		total := max(lease.ACK.IPAddressLeaseTime(time.Hour), 10*time.Second)
		t1 := max(lease.ACK.IPAddressRenewalTime(total/2), 5*time.Second)
		expires := lease.CreationTime.Add(total)
		for wait := t1; ; wait = max(time.Until(expires)/4, 5*time.Second) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
			next, err := client.Renew(ctx, lease, asAgent)
			var nak *nclient4.ErrNak
			if errors.As(err, &nak) || err != nil && time.Now().After(expires) {
				next, err = client.Request(ctx, asAgent)
			}
			if err != nil {
				log.Warn("The address is not renewed yet", "nic", name, "err", err)
				continue
			}
			if _, err := applyLease(name, next, names, log); err != nil {
				log.Warn("The renewed address cannot be set", "nic", name, "err", err)
			}
			lease = next
			break
		}
	}
}

func applyLease(name string, lease *nclient4.Lease, names *resolver, log *slog.Logger) (string, error) {
	ack := lease.ACK
	mask := ack.SubnetMask()
	if mask == nil {
		mask = ack.YourIPAddr.DefaultMask()
	}
	ip, ok := netip.AddrFromSlice(ack.YourIPAddr.To4())
	ones, bits := mask.Size()
	if !ok || bits != 32 || ip.IsUnspecified() {
		return "", fmt.Errorf("reading the DHCP answer: address %s with mask %s is not usable", ack.YourIPAddr, mask)
	}
	var gateway netip.Addr
	if r := ack.Router(); len(r) > 0 {
		gateway, _ = netip.AddrFromSlice(r[0].To4())
	}
	mtu := 0
	if b := ack.Options.Get(dhcpv4.OptionInterfaceMTU); len(b) == 2 {
		mtu = int(b[0])<<8 | int(b[1])
	}
	names.learn(4, ack.DNS())
	p := netip.PrefixFrom(ip, ones)
	return p.String(), apply(name, p, gateway, mtu, log)
}

// apply sets an interface's address, and the default route by the gateway if there is one. Addresses that it had
// before are removed.
func apply(name string, p netip.Prefix, gateway netip.Addr, mtu int, log *slog.Logger) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("finding interface %s: %w", name, err)
	}
	if mtu >= 576 && mtu <= 9216 && mtu != link.Attrs().MTU {
		_ = netlink.LinkSetMTU(link, mtu) // the old one works as well
	}
	ipnet := &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
	if err := netlink.AddrReplace(link, &netlink.Addr{IPNet: ipnet}); err != nil {
		return fmt.Errorf("setting address %s on %s: %w", p, name, err)
	}
	old, err := netlink.AddrList(link, netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("listing the addresses of %s: %w", name, err)
	}
	for _, a := range old {
		if !a.Equal(netlink.Addr{IPNet: ipnet}) && p.Addr().Is4() {
			_ = netlink.AddrDel(link, &a) // an address too many is no harm
		}
	}
	if !gateway.IsValid() || gateway.IsUnspecified() {
		return nil
	}
	route := &netlink.Route{LinkIndex: link.Attrs().Index, Gw: gateway.AsSlice(), Flags: int(netlink.FLAG_ONLINK)}
	if err := netlink.RouteReplace(route); err != nil {
		// Socle may well be on this network; if it is not, the session says that it cannot be reached
		log.Warn("The gateway cannot be set, other networks are out of reach", "gateway", gateway, "err", err)
	}
	return nil
}
