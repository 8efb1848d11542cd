package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
)

// netnsDir is where "ip netns" keeps the namespaces' names.
const netnsDir = "/run/netns"

// bridge is the rack's switch, inside its namespace.
const bridge = "rack"

// nsFile is the file that holds a rack's namespace.
func nsFile(lab string) string { return filepath.Join(netnsDir, InterfaceName(lab)) }

// ip runs iproute2's ip.
func ip(ctx context.Context, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ip", args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("running ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(out.String()))
	}
	return nil
}

// buildNetwork makes the namespace, the cable to the host, the switch in it and a tap for every card. Nothing of
// that name may be there yet.
func buildNetwork(ctx context.Context, s Spec) error {
	ns := s.Interface()
	steps := [][]string{
		{"netns", "add", ns},
		{"-n", ns, "link", "set", "lo", "up"},
		{"-n", ns, "link", "add", bridge, "type", "bridge", "stp_state", "0", "forward_delay", "0", "mcast_snooping", "0"},
		// Its own address would follow that of its lowest port, and the host would have to learn the BMCs anew.
		{"-n", ns, "link", "set", bridge, "address", MAC("rack "+s.Name, 0), "up"},
		{"link", "add", ns, "type", "veth", "peer", "name", "uplink", "netns", ns},
		{"-n", ns, "link", "set", "uplink", "master", bridge, "up"},
		{"addr", "add", s.HostAddr().String() + "/24", "dev", ns},
		{"addr", "add", s.ManagementHostAddr().String() + "/24", "dev", ns},
		{"link", "set", ns, "up"},
	}
	for _, srv := range s.Servers {
		steps = append(steps, []string{"-n", ns, "addr", "add", srv.BMC.Address.String() + "/24", "dev", bridge})
		for i := range srv.NICs {
			tap := tapName(srv.Name, i)
			steps = append(steps,
				[]string{"-n", ns, "tuntap", "add", tap, "mode", "tap"},
				[]string{"-n", ns, "link", "set", tap, "master", bridge, "up"})
		}
	}
	for _, args := range steps {
		if err := ip(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// checkSubnets refuses networks that another interface of the host has already.
func checkSubnets(s Spec, addrs []hostAddr) error {
	var f faults
	for _, a := range addrs {
		if a.iface == s.Interface() {
			continue
		}
		for _, n := range []string{s.Provisioning.String(), s.Management.String()} {
			f.add(a.prefix.Overlaps(s.Provisioning) && n == s.Provisioning.String() ||
				a.prefix.Overlaps(s.Management) && n == s.Management.String(),
				"network %s is in use on this host: interface %s has %s; choose another one with --subnet", n, a.iface, a.prefix)
		}
	}
	return errors.Join(f...)
}

// dropNetwork removes what buildNetwork made, as far as it is there.
func dropNetwork(ctx context.Context, lab string) error {
	name := InterfaceName(lab)
	var errs []error
	if link, err := netlink.LinkByName(name); err == nil {
		if link.Type() == "veth" {
			errs = append(errs, ip(ctx, "link", "delete", "dev", name))
		} else {
			errs = append(errs, fmt.Errorf("interface %s is a %s and not of this lab: it stays; remove it or use another --name", name, link.Type()))
		}
	}
	if _, err := os.Lstat(nsFile(lab)); err == nil {
		if err := ip(ctx, "netns", "delete", name); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
