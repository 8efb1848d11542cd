//go:build e2e

package boot

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/server4"
	"github.com/vishvananda/netlink"

	"socle/agent/probe"
)

// wire makes a pair of interfaces and a tree that shows the first one as hardware.
func wire(t *testing.T) probe.Root {
	t.Helper()
	// the agent writes /etc/resolv.conf, which is this mount namespace's own
	for _, args := range [][]string{{"mount", "-t", "tmpfs", "tmpfs", "/etc"}, {"ip", "link", "add", "agent-nic", "type", "veth", "peer", "name", "agent-server"},
		{"ip", "addr", "add", "192.0.2.1/24", "dev", "agent-server"}, {"ip", "link", "set", "agent-server", "up"}} {
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	dir := t.TempDir()
	nic := filepath.Join(dir, "class/net/agent-nic")
	if err := os.MkdirAll(filepath.Join(nic, "device"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(nic, "carrier"), []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return probe.Root{Sys: dir, Proc: dir, Dev: dir}
}

// TestDHCPE2E gets a short lease, sees it renewed, and follows the server to another address after a NAK.
func TestDHCPE2E(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	root := wire(t)
	var requests, offered atomic.Int32
	offered.Store(10)
	srv, err := server4.NewServer("agent-server", &net.UDPAddr{Port: 67}, func(conn net.PacketConn, _ net.Addr, m *dhcpv4.DHCPv4) {
		kind := dhcpv4.MessageTypeOffer
		yours := net.IPv4(192, 0, 2, byte(offered.Load()))
		if m.MessageType() == dhcpv4.MessageTypeRequest {
			requests.Add(1)
			kind = dhcpv4.MessageTypeAck
			if !m.ClientIPAddr.IsUnspecified() && !m.ClientIPAddr.Equal(yours) {
				kind = dhcpv4.MessageTypeNak
			}
		}
		r, err := dhcpv4.NewReplyFromRequest(m, dhcpv4.WithMessageType(kind), dhcpv4.WithYourIP(yours), dhcpv4.WithNetmask(net.CIDRMask(24, 32)),
			dhcpv4.WithRouter(net.IPv4(192, 0, 2, 254)), dhcpv4.WithDNS(net.IPv4(192, 0, 2, 53)), dhcpv4.WithLeaseTime(10),
			dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.IPv4(192, 0, 2, 1))))
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := conn.WriteTo(r.ToBytes(), &net.UDPAddr{IP: net.IPv4bcast, Port: 68}); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = srv.Serve() }()
	defer srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	nic, address, err := Network(ctx, Wanted{Server: "https://192.0.2.1:8443"}, root, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil || nic != "agent-nic" || address != "192.0.2.10/24" {
		t.Fatalf("got %q on %q, error %v", address, nic, err)
	}
	wantAddress(ctx, t, "192.0.2.10/24")
	if routes, err := netlink.RouteGet(net.IPv4(203, 0, 113, 1)); err != nil || len(routes) != 1 || !routes[0].Gw.Equal(net.IPv4(192, 0, 2, 254)) {
		t.Errorf("routes %v, error %v, want one by 192.0.2.254", routes, err)
	}
	if b, err := os.ReadFile("/etc/resolv.conf"); err != nil || string(b) != "nameserver 192.0.2.53\n" {
		t.Errorf("resolv.conf is %q, error %v", b, err)
	}
	for requests.Load() < 2 && ctx.Err() == nil {
		time.Sleep(100 * time.Millisecond)
	}
	if ctx.Err() != nil {
		t.Fatal("the lease is not renewed")
	}
	offered.Store(20)
	wantAddress(ctx, t, "192.0.2.20/24")
}

// wantAddress waits until the interface has this address and no other.
func wantAddress(ctx context.Context, t *testing.T, want string) {
	t.Helper()
	var got []netlink.Addr
	for ctx.Err() == nil {
		link, err := netlink.LinkByName("agent-nic")
		if err != nil {
			t.Fatal(err)
		}
		if got, err = netlink.AddrList(link, netlink.FAMILY_V4); err != nil {
			t.Fatal(err)
		}
		if len(got) == 1 && got[0].IPNet.String() == want {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("addresses %v, want %s alone", got, want)
}

// TestStaticE2E sets an address without asking anybody.
func TestStaticE2E(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	root := wire(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	want := Wanted{Address: netip.MustParsePrefix("192.0.2.7/24"), Gateway: netip.MustParseAddr("192.0.2.1")}
	if _, address, err := Network(ctx, want, root, slog.New(slog.DiscardHandler)); err != nil || address != "192.0.2.7/24" {
		t.Fatalf("got %q, error %v", address, err)
	}
	wantAddress(ctx, t, "192.0.2.7/24")
}
