//go:build e2e

package simulate_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"socle/api"
	"socle/inventory"
	"socle/simulate"
)

// waveRacks is how many racks are inspected at once, and patience how long all may take.
const (
	waveRacks = 5
	perRack   = 40
	patience  = 45 * time.Minute
)

// TestFleetE2E takes 2,000 servers (or SOCLE_SIMULATE_SERVERS) to being inspected, rack by rack, and asks for lists and pages as a
// person does, meanwhile and afterwards. Server and fleet share this process.
func TestFleetE2E(t *testing.T) {
	n := 2000
	if text := os.Getenv("SOCLE_SIMULATE_SERVERS"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		must(t, err)
	}
	f, err := simulate.New(simulate.Spec{Servers: n, Seed: 7, Odd: map[simulate.Oddity]int{simulate.MissingDIMM: 3, simulate.SwappedCables: 2,
		simulate.WrongFirmware: 2, simulate.NeverAppears: 1, simulate.DuplicateUUID: 1}})
	must(t, err)
	running := start(t, f, simulate.Options{SelfTest: 3 * time.Second, Kernel: 2 * time.Second})
	client := serve(t, configuration(t, f))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	begun := time.Now()
	_, err = client.Import(ctx, bytes.NewReader(f.Manifest()), false)
	must(t, err)
	t.Logf("%d servers imported in %s", n, time.Since(begun).Round(time.Millisecond))
	begun = time.Now()
	for first := 0; first < n; first += waveRacks * perRack {
		wave := f.Servers[first:min(first+waveRacks*perRack, n)]
		inspectAll(ctx, t, client, wave)
		last := wave[len(wave)-1].Index
		awaitReady(ctx, t, client, last+1-count(f.Servers[:last+1], simulate.NeverAppears))
		t.Logf("%s: %s", time.Since(begun).Round(time.Second), running.Stats.Line())
	}
	t.Logf("%d servers inspected in %s", n, time.Since(begun).Round(time.Second))
	var slowest time.Duration
	for range 10 {
		asked := time.Now()
		list, err := client.Machines(ctx, "", "")
		must(t, err)
		if len(list) != n {
			t.Fatalf("%d machines are listed of %d", len(list), n)
		}
		slowest = max(slowest, time.Since(asked))
	}
	t.Logf("the list of all machines took %s at most", slowest.Round(time.Millisecond))
	if slowest > time.Second {
		t.Errorf("the list of %d machines took %s: a second is the limit", n, slowest)
	}
	var b bytes.Buffer
	must(t, running.Stats.Summary(&b))
	t.Log(b.String())
}

// inspectAll orders the inspection of servers, some at a time.
func inspectAll(ctx context.Context, t *testing.T, client *api.Client, servers []simulate.Server) {
	t.Helper()
	var all sync.WaitGroup
	places, failed := make(chan struct{}, 16), make(chan error, len(servers))
	for _, s := range servers {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			if _, err := client.Inspect(ctx, s.Name, api.InspectRequest{}); err != nil {
				failed <- fmt.Errorf("%s: %w", s.Name, err)
			}
		})
	}
	all.Wait()
	select {
	case err := <-failed:
		t.Fatal(err)
	default:
	}
}

// awaitReady waits until so many machines are ready.
func awaitReady(ctx context.Context, t *testing.T, client *api.Client, want int) {
	t.Helper()
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		ready, err := client.Machines(ctx, string(inventory.Ready), "")
		must(t, err)
		if len(ready) >= want {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d machines are ready, of %d", len(ready), want)
		case <-tick.C:
		}
	}
}

func count(servers []simulate.Server, odd simulate.Oddity) int {
	return len(slices.DeleteFunc(slices.Clone(servers), func(s simulate.Server) bool { return s.Odd != odd }))
}
