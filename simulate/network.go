package simulate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"socle/internal/netns"
)

// CableName is the interface that the host gets: the cable to the fleet. It is gone when the fleet is.
const CableName = "socle-sim"

// mostDials bounds the connections that are being opened at once: each holds a thread of the system.
const mostDials = 128

// network is the fleet's own: a namespace in which all addresses of servers and BMCs are at home, without one of them being
// set (a local route is all that the kernel needs), and a cable to the namespace in which this was called.
type network struct {
	space   *netns.Namespace
	dialing chan struct{}
}

// connect makes the network. It takes root.
func (s Spec) connect() (_ *network, err error) {
	space, err := netns.New()
	if err != nil {
		return nil, err
	}
	n := &network{space: space, dialing: make(chan struct{}, mostDials)}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("connecting the fleet: %w", err), space.Close())
		}
	}()
	if _, err := netlink.LinkByName(CableName); err == nil {
		return nil, fmt.Errorf("interface %s is there already: another fleet runs on this host", CableName)
	}
	cable := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: CableName}, PeerName: "uplink", PeerNamespace: netlink.NsFd(space.Fd())}
	if err := netlink.LinkAdd(cable); err != nil {
		return nil, fmt.Errorf("making the cable %s: %w", CableName, err)
	}
	if err := s.plug(CableName, s.Host()); err != nil {
		return nil, err
	}
	if err := route(CableName, s.Network, s.Router()); err != nil {
		return nil, err
	}
	return n, space.Do(func() error {
		lo, err := netlink.LinkByName("lo")
		if err == nil {
			err = netlink.LinkSetUp(lo)
		}
		if err != nil {
			return fmt.Errorf("switching on the loopback: %w", err)
		}
		if err := s.plug("uplink", s.Router()); err != nil {
			return err
		}
		for _, p := range []netip.Prefix{s.Provisioning(), s.Management()} {
			err := netlink.RouteAdd(&netlink.Route{LinkIndex: lo.Attrs().Index, Dst: ipNet(p), Type: unix.RTN_LOCAL, Table: unix.RT_TABLE_LOCAL, Scope: netlink.SCOPE_HOST})
			if err != nil {
				return fmt.Errorf("making %s local: %w", p, err)
			}
		}
		// All addresses are at home here, also those that no server has got: DHCP asks for these by echo requests.
		if err := os.WriteFile("/proc/sys/net/ipv4/icmp_echo_ignore_all", []byte("1"), 0); err != nil {
			return fmt.Errorf("keeping addresses without a server silent: %w", err)
		}
		return route("uplink", netip.MustParsePrefix("0.0.0.0/0"), s.Host())
	})
}

// plug gives one end of the cable its address.
func (s Spec) plug(name string, addr netip.Addr) error {
	link, err := netlink.LinkByName(name)
	if err == nil {
		err = netlink.AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{IP: addr.AsSlice(), Mask: net.CIDRMask(s.Cable().Bits(), 32)}})
	}
	if err == nil {
		err = netlink.LinkSetUp(link)
	}
	if err != nil {
		return fmt.Errorf("setting address %s on %s: %w", addr, name, err)
	}
	return nil
}

func route(name string, to netip.Prefix, by netip.Addr) error {
	link, err := netlink.LinkByName(name)
	if err == nil {
		err = netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(to), Gw: by.AsSlice()})
	}
	if err != nil {
		return fmt.Errorf("setting the route to %s by %s: %w", to, by, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 32)}
}

// close ends the network, once the last socket in it is closed. The cable is taken away at once, so that another fleet can
// come.
func (n *network) close() error {
	var err error
	if cable, gone := netlink.LinkByName(CableName); gone == nil {
		err = netlink.LinkDel(cable)
	}
	return errors.Join(err, n.space.Close())
}

// dial returns what opens connections from an address of the fleet.
func (n *network) dial(from netip.Addr) func(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: from.AsSlice()}, Timeout: dialTimeout}
	return func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		select {
		case n.dialing <- struct{}{}:
			defer func() { <-n.dialing }()
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		err = n.space.Do(func() (err error) {
			conn, err = d.DialContext(ctx, network, address)
			return err
		})
		return conn, err
	}
}

// listen waits for connections to an address of the fleet.
func (n *network) listen(ctx context.Context, at netip.AddrPort) (l net.Listener, err error) {
	var lc net.ListenConfig
	err = n.space.Do(func() (err error) {
		l, err = lc.Listen(ctx, "tcp4", at.String())
		return err
	})
	return l, err
}

// packets opens a UDP socket on an address of the fleet.
func (n *network) packets(at netip.AddrPort) (c *net.UDPConn, err error) {
	err = n.space.Do(func() (err error) {
		c, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
		return err
	})
	return c, err
}
