//go:build e2e

package verify

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strconv"
	"testing"
	"time"

	"socle/internal/pki"
	"socle/internal/secret"
	"socle/inventory"
	"socle/seed"
)

// dial reaches a guest's ports through QEMU's forwards.
func (g *guest) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	n, _ := strconv.Atoi(port)
	if host == guestAddr.String() && g.ports[n] != 0 {
		address = "127.0.0.1:" + strconv.Itoa(g.ports[n])
	}
	return (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, network, address)
}

// guestAddr is the address that QEMU's user network gives a guest.
var guestAddr = netip.MustParseAddr("10.0.2.15")

func TestHypervisor(t *testing.T) {
	w := newWorld(t)
	pair, err := w.ca.ServerCert([]string{"hv01"}, []netip.Addr{guestAddr})
	if err != nil {
		t.Fatal(err)
	}
	in := seed.Input{Role: seed.Hypervisor, ServerCertPEM: pair.CertPEM, ServerKeyPEM: secret.New(string(pair.KeyPEM))}
	g := w.guest(t, guestOptions{name: "hv01", image: "hypervisor", seed: in, ports: []int{seed.LibvirtPort}, memory: 1536})
	g.start(t)
	w.phonedHome(t, g, 8*time.Minute)

	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	v := New(Options{CA: w.ca, Log: log, Dial: g.dial, Patience: 2 * time.Minute})
	target := Target{
		Name: "hv01", Address: guestAddr, Role: inventory.Role{Name: "hypervisor", Verify: CheckLibvirt},
		Progress: func(s string) { t.Log(s) },
	}
	for range 2 { // a second time: nothing is left of the first
		began := time.Now()
		evidence, err := v.Verify(t.Context(), target)
		for _, e := range evidence {
			t.Logf("evidence: %s", e)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("verified in %.0f s", time.Since(began).Seconds())
	}
	other, err := pki.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []struct {
		ca   *pki.CA
		name string
		ok   bool
	}{{w.ca, seed.ClientName, true}, {w.ca, "other", false}, {other, seed.ClientName, false}} {
		client, err := who.ca.ClientCert(who.name)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		raw, err := g.dial(ctx, "tcp", netip.AddrPortFrom(guestAddr, seed.LibvirtPort).String())
		if err != nil {
			t.Fatal(err)
		}
		err = admitted(ctx, tls.Client(raw, w.ca.ClientTLSConfig(client, "hv01")))
		if (err == nil) != who.ok {
			t.Errorf("client %q of authority %.8s: %v, want let in: %v", who.name, who.ca.Fingerprint(), err, who.ok)
		}
		_ = raw.Close()
		cancel()
	}
}
