//go:build e2e

package verify

import (
	"context"
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
	t.Run("a stranger is not let in", func(t *testing.T) {
		other, err := pki.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		v := New(Options{CA: other, Dial: g.dial, Patience: time.Second})
		if _, err := v.Verify(t.Context(), target); err == nil {
			t.Error("a client of another authority may use the hypervisor")
		} else {
			t.Log(err)
		}
	})
}
