//go:build e2e

package cloud

import (
	"context"
	"flag"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
)

var flagRoot = flag.String("root", "", "the directory that the recipe controller made")

// TestController runs the real proxy and the real ring builder in a namespace of its own.
func TestController(t *testing.T) {
	if *flagRoot == "" {
		t.Fatal("say where the controller's tree is: go test -tags e2e ./lab/cloud -args -root DIR")
	}
	const ns = "roles-cloud"
	ip := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v: %s", args, err, out)
		}
	}
	ip("netns", "add", ns)
	t.Cleanup(func() { ip("netns", "del", ns) })
	ip("link", "add", "roles-c0", "type", "veth", "peer", "name", "inside", "netns", ns)
	ip("address", "add", "198.18.66.1/24", "dev", "roles-c0")
	ip("link", "set", "roles-c0", "up")
	ip("-n", ns, "link", "set", "inside", "up")

	mounts := mountTable(t)
	ctx := t.Context()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	o := Options{RootDir: *flagRoot, StateDir: t.TempDir(), Namespace: ns, Interface: "inside", Address: netip.MustParsePrefix("198.18.66.5/24"), Log: log}
	c, err := Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop(context.Background()) })
	if c.Running() {
		t.Error("the proxy runs without a ring")
	}
	node := netip.MustParseAddr("198.18.66.9")
	disks := []Disk{{node, "d1", 1 << 30}, {node, "d2", 1 << 30}, {node, "d3", 1 << 30}, {node, "d4", 1 << 30}}
	for _, step := range [][]Disk{disks[:1], disks, disks, disks[1:]} {
		if err := c.SyncRing(ctx, step); err != nil {
			t.Fatal(err)
		}
		out, err := c.run(ctx, 1, "swift-ring-builder", "/etc/swift/object.builder")
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range disks {
			holds, want := strings.Contains(out, " "+d.Label+" "), contains(step, d)
			if holds != want {
				t.Errorf("the ring holds %s: %v, want %v:\n%s", d.Label, holds, want, out)
			}
		}
	}
	login(t, c, c.Key().Reveal(), http.StatusOK)
	login(t, c, "wrong", http.StatusUnauthorized)

	// Another start on the same state, as after Ctrl-C: the same cloud.
	if err := c.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	again, err := Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	login(t, again, c.Key().Reveal(), http.StatusOK)
	if err := again.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if err := again.Stop(ctx); err != nil {
		t.Error(err)
	}
	if now := mountTable(t); now != mounts {
		t.Errorf("mounts are left:\n%s", now)
	}
	if out, _ := exec.Command("ip", "netns", "pids", ns).Output(); len(out) > 0 {
		t.Errorf("processes are left: %s", out)
	}
}

func contains(disks []Disk, d Disk) bool {
	for _, x := range disks {
		if x == d {
			return true
		}
	}
	return false
}

func login(t *testing.T, c *Controller, key string, want int) {
	t.Helper()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, c.URL()+"/auth/v1.0", nil)
	req.Header.Set("X-Auth-User", c.User())
	req.Header.Set("X-Auth-Key", key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != want {
		t.Errorf("a login answers %s, want %d", resp.Status, want)
	}
}

// mountTable is what is mounted below the tree.
func mountTable(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		if strings.Contains(line, *flagRoot) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}
