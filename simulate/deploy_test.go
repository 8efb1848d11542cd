package simulate_test

import (
	"bytes"
	"context"
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
	f, err := simulate.New(simulate.Spec{Servers: servers, Seed: 2})
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
	if n := running.Stats.Reached(simulate.SystemUp); n != servers {
		t.Errorf("%d systems phoned home, of %d", n, servers)
	}
	if n := running.Stats.Counted(simulate.ChunkBytes); n < servers*int64(len(raw)) {
		t.Errorf("%d bytes of images were fetched for %d servers", n, servers)
	}
}
