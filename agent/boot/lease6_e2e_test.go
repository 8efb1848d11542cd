//go:build e2e

package boot

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// gone waits until the agent has no address that begins so.
func gone(t *testing.T, limit time.Duration, prefix string) {
	t.Helper()
	awaitAddress(t, limit, prefix+" gone", func() bool { _, ok := address(t, prefix); return !ok })
}

// awaitAddress asks the kernel ten times a second: it has no signal for a time that runs.
func awaitAddress(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); !ok(); <-tick.C {
		if time.Now().After(end) {
			link, _ := netlink.LinkByName("agent-nic")
			list, _ := netlink.AddrList(link, netlink.FAMILY_V6)
			t.Fatalf("not %s after %s, there is %v", what, limit, list)
		}
	}
}

// reach tells whether the server's host is a neighbour: it refuses a connection to a port where nobody listens.
func reach(t *testing.T) {
	t.Helper()
	d := net.Dialer{Timeout: 5 * time.Second}
	if _, err := d.DialContext(t.Context(), "tcp6", "[2001:db8:1::1]:9"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the server's host does not answer: %v", err)
	}
}

// TestLease6E2E goes through the life of an address with servers of ours over one database: the one that gave it
// renews it; when that is gone, the other is asked from T2 on; when none is left, the kernel takes the address off at
// the lease's end; and once there is a server again, the agent has an address again. The lease is the shortest that a
// configuration may have: T1 is 22 s, T2 36 s, its end 60 s after it was given.
func TestLease6E2E(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	r := newRoom(t, "2001:db8:1::1/64")
	one := r.socle(server6{Name: 1, Advertise: true})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got, err := configure6(ctx, "agent-nic", r.names(), logger(t))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got, "2001:db8:1::1:") {
		t.Errorf("got %s, want one of the pool", got)
	}
	if b, err := os.ReadFile(r.resolv()); err != nil || string(b) != "nameserver 2001:db8:1::53\n" {
		t.Errorf("resolv.conf is %q, error %v", b, err)
	}
	first, ok := address(t, got)
	if !ok || first.ValidLft > 60 || first.ValidLft < 40 || first.PreferedLft > 45 {
		t.Errorf("the kernel has %+v (%v)", first, ok)
	}
	bare := strings.TrimSuffix(got, "/128")

	one.await(t, 40*time.Second, 1, agentMAC, "RENEW for="+bare, "REPLY "+bare)
	awaitAddress(t, 2*time.Second, "renewed in the kernel", func() bool { a, ok := address(t, got); return ok && a.ValidLft > 55 })

	one.kill()
	two := r.socle(server6{Name: 2, Advertise: true})
	two.await(t, 60*time.Second, 1, agentMAC, "RENEW for="+bare, "another server")
	two.await(t, 60*time.Second, 1, agentMAC, "REBIND for="+bare, "REPLY "+bare)
	awaitAddress(t, 2*time.Second, "rebound in the kernel", func() bool { a, ok := address(t, got); return ok && a.ValidLft > 55 })

	two.kill()
	gone(t, 70*time.Second, got)
	three := r.socle(server6{Name: 3, Advertise: true})
	three.await(t, 60*time.Second, 1, agentMAC, "SOLICIT", "REPLY "+bare)
	awaitAddress(t, 10*time.Second, "there again", func() bool { a, ok := address(t, got); return ok && a.ValidLft > 0 })
}

// TestForeignServer6E2E does the same with ISC dhcpd, whose leases may be short, and which knows no reply of two
// messages unless told: SOLICIT, ADVERTISE, REQUEST, REPLY.
func TestForeignServer6E2E(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	r := newRoom(t, "2001:db8:1::1/64")
	conf := filepath.Join(r.dir, "dhcpd.conf")
	leases := filepath.Join(r.dir, "leases")
	text := "authoritative;\ndefault-lease-time 24;\npreferred-lifetime 16;\noption dhcp-renewal-time 6;\noption dhcp-rebinding-time 12;\n" +
		"option dhcp6.name-servers 2001:db8:1::53;\nsubnet6 2001:db8:1::/64 { range6 2001:db8:1::100 2001:db8:1::1ff; }\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(leases, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	isc := func() *program {
		p := r.start(nil, "dhcpd", "-6", "-d", "-f", "-user", "root", "-group", "root", "-cf", conf, "-lf", leases, "-pf", filepath.Join(r.dir, "pid"), "server-nic")
		p.await(t, 10*time.Second, 1, "Sending on", "server-nic")
		return p
	}
	srv := isc()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got, err := configure6(ctx, "agent-nic", r.names(), logger(t))
	if err != nil || !strings.HasPrefix(got, "2001:db8:1::1") || !strings.HasSuffix(got, "/128") {
		t.Fatalf("got %q, error %v", got, err)
	}
	bare := strings.TrimSuffix(got, "/128")
	srv.await(t, time.Second, 1, "Sending Advertise")
	srv.await(t, time.Second, 1, "Reply NA", bare)
	srv.await(t, 20*time.Second, 2, "Renew message from")
	srv.await(t, 20*time.Second, 3, "Reply NA", bare)
	if a, ok := address(t, got); !ok || a.ValidLft < 10 || a.ValidLft > 24 || a.PreferedLft > 16 {
		t.Errorf("the kernel has %+v (%v)", a, ok)
	}
	reach(t) // no router says what is on the link
	srv.kill()
	gone(t, 30*time.Second, got)
	srv = isc()
	srv.await(t, 60*time.Second, 1, "Reply NA", bare)
	awaitAddress(t, 10*time.Second, "there again", func() bool { a, ok := address(t, got); return ok && a.ValidLft > 0 })
	reach(t)
}
