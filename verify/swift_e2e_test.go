//go:build e2e

package verify

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"socle/inventory"
	"socle/lab/cloud"
	"socle/seed"
)

// The node and the proxy meet on loopback addresses: QEMU forwards the node's ports from there.
var (
	nodeAddr  = netip.MustParseAddr("127.7.0.10")
	proxyAddr = netip.MustParsePrefix("127.7.0.5/8")
)

func TestStorageNode(t *testing.T) {
	w := newWorld(t)
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	c, err := cloud.Start(t.Context(), cloud.Options{
		RootDir: filepath.Join(*flagImages, "controller"), StateDir: t.TempDir(), Address: proxyAddr, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop(context.Background()) })

	labels := []string{"d1", "d2", "d3", "d4"}
	in := seed.Input{Role: seed.Storage, SwiftHashSuffix: c.HashSuffix()}
	target := Target{Name: "st01", Address: nodeAddr, Role: inventory.Role{Name: "storage", Verify: CheckSwift}, Progress: func(s string) { t.Log(s) }}
	var ring []cloud.Disk
	for i, l := range labels {
		in.DataDisks = append(in.DataDisks, seed.DataDisk{Label: l, Serial: fmt.Sprintf("DATA-%d", i)})
		target.DataDisks = append(target.DataDisks, inventory.Data{Label: l, Serial: fmt.Sprintf("DATA-%d", i), SizeBytes: 1 << 30})
		ring = append(ring, cloud.Disk{Address: nodeAddr, Label: l, SizeBytes: 1 << 30})
	}
	g := w.guest(t, guestOptions{
		name: "st01", image: "storage", uefi: true, seed: in, dataDisks: labels, memory: 1024, forwardTo: nodeAddr.String(),
		ports: []int{seed.ObjectPort, seed.ContainerPort, seed.AccountPort},
	})
	g.start(t)
	w.phonedHome(t, g, 8*time.Minute)
	target.Reboot = func(context.Context) error { g.stop(); g.start(t); return nil }

	v := New(Options{
		CA: w.ca, Log: log, Patience: 6 * time.Minute,
		Swift: Swift{URL: c.URL(), User: c.User(), Key: c.Key()},
		Join:  func(ctx context.Context, _ Target) error { return c.SyncRing(ctx, ring) },
	})
	began := time.Now()
	evidence, err := v.Verify(t.Context(), target)
	for _, e := range evidence {
		t.Logf("evidence: %s", e)
	}
	if err != nil {
		proxy, _ := os.ReadFile(filepath.Join(t.TempDir(), "proxy.log"))
		t.Fatalf("%v\n%s", err, proxy)
	}
	t.Logf("verified in %.0f s", time.Since(began).Seconds())
}
