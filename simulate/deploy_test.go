package simulate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"socle/api"
	"socle/images"
	"socle/inventory"
	"socle/simulate"
)

// TestDeploy takes servers to work: an image is fetched chunk by chunk, the seed is read, and the system that it
// describes phones home over TLS after the reboot.
func TestDeploy(t *testing.T) {
	const servers = 3
	f, err := simulate.New(simulate.Spec{Servers: servers, Seed: 2, Odd: map[simulate.Oddity]int{simulate.SlowDisk: 1}})
	must(t, err)
	running := start(t, f, simulate.Options{SelfTest: 20 * time.Millisecond, Kernel: 20 * time.Millisecond, Retry: time.Second, ImageBytes: true})
	c := configuration(t, f)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	shelf, err := images.Open(filepath.Join(c.DataDir, "images"))
	must(t, err)
	raw := make([]byte, 2<<20)
	chance := rand.NewChaCha8([32]byte{})
	_, _ = chance.Read(raw) // never fails
	_, _, err = shelf.Add(ctx, api.Index{Name: "system", Kind: "disk", Arch: "amd64", Firmware: []string{"uefi"}}, bytes.NewReader(raw))
	must(t, err)
	c.Roles[0].Image = "system"
	client := serve(t, c)
	_, err = client.Import(ctx, bytes.NewReader(f.Manifest()), false)
	must(t, err)
	_, err = client.BuildOut(ctx)
	must(t, err)
	for _, s := range f.Servers {
		for {
			m, err := client.Machine(ctx, s.Name)
			must(t, err)
			if m.State == string(inventory.Active) {
				break
			}
			if ctx.Err() != nil || m.Fault != nil && m.Fault.RetryAt == nil {
				t.Fatalf("%s is %s at step %s, fault %+v", s.Name, m.State, m.Step, m.Fault)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	for _, s := range f.Servers {
		// A slow disk takes its time; the others write nothing, and are slow only if this host is.
		if took := wrote(ctx, t, client, s.Name); s.Odd == simulate.SlowDisk && took < 400*time.Millisecond {
			t.Errorf("%s, whose disks are slow, wrote %d bytes in %s", s.Name, len(raw), took)
		}
	}
	if n := running.Stats.Reached(simulate.SystemUp); n != servers {
		t.Errorf("%d systems phoned home, of %d", n, servers)
	}
	if n := running.Stats.Counted(simulate.ChunkBytes); n < servers*int64(len(raw)) {
		t.Errorf("%d bytes of images were fetched for %d servers", n, servers)
	}
}

// wrote is how long the writing of a machine's image took, as its agent says.
func wrote(ctx context.Context, t *testing.T, client *api.Client, name string) time.Duration {
	t.Helper()
	orders, err := client.Orders(ctx, name)
	must(t, err)
	for _, o := range orders {
		var r api.WriteResult
		if o.Kind == api.OrderWriteImage && json.Unmarshal(o.Result, &r) == nil {
			return time.Duration(r.Millis) * time.Millisecond
		}
	}
	t.Fatalf("%s has no order that wrote an image", name)
	return 0
}
