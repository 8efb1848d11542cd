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
	"socle/internal/pgtest"
	"socle/inventory"
	"socle/simulate"
)

// waveRacks is how many racks are inspected at once, and patience how long all may take.
const (
	waveRacks = 5
	perRack   = 40
	patience  = 45 * time.Minute
)

// keptFleet names the data directory that TestFleetE2E leaves filled and opens again.
const keptFleet = "SOCLE_SIMULATE_DATA"

// TestFleetE2E takes 2,000 servers (or SOCLE_SIMULATE_SERVERS) to being inspected and tested, rack by rack, and then asks for pages, lists
// and commands as a person does: on each engine, with server and fleet in this process. With SOCLE_SIMULATE_DATA SQLite's data directory is
// kept, and one that has inspected servers is asked at once.
func TestFleetE2E(t *testing.T) {
	n := 2000
	if text := os.Getenv("SOCLE_SIMULATE_SERVERS"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		must(t, err)
	}
	f, err := simulate.New(simulate.Spec{Servers: n, Seed: 7, Odd: map[simulate.Oddity]int{simulate.MissingDIMM: 3, simulate.SwappedCables: 2,
		simulate.WrongFirmware: 2, simulate.SlowDisk: 3, simulate.NeverAppears: 1, simulate.DuplicateUUID: 1}})
	must(t, err)
	t.Run("sqlite", func(t *testing.T) { wholeFleet(t, f, "", os.Getenv(keptFleet)) })
	t.Run("postgres", func(t *testing.T) { wholeFleet(t, f, pgtest.URL(t), "") })
}

// wholeFleet runs a fleet and a server with a database; of SQLite it is that of dir, if there is one.
func wholeFleet(t *testing.T, f *simulate.Fleet, database, dir string) {
	running := start(t, f, simulate.Options{SelfTest: 3 * time.Second, Kernel: 2 * time.Second})
	c := configuration(t, f)
	c.Database.URL = database
	c.BurnIn = []inventory.BurnInPlan{{Tests: []string{api.TestCPU, api.TestMemory, api.TestDisk}, Seconds: 60, Memory: 80}}
	if dir != "" {
		c.DataDir = dir
		bootFiles(t, dir)
	}
	client := serve(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	kept, err := client.Machines(ctx, string(inventory.Ready), "")
	must(t, err)
	if len(kept) == 0 {
		fill(ctx, t, client, f, running)
	}
	measure(t, c, f)
	var b bytes.Buffer
	must(t, running.Stats.Summary(&b))
	t.Log(b.String())
}

// fill imports the fleet and inspects it, some racks at a time.
func fill(ctx context.Context, t *testing.T, client *api.Client, f *simulate.Fleet, running *simulate.Running) {
	t.Helper()
	n := len(f.Servers)
	begun := time.Now()
	_, err := client.Import(ctx, bytes.NewReader(f.Manifest()), false)
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
	list, err := client.Machines(ctx, "", "")
	must(t, err)
	if len(list) != n {
		t.Fatalf("%d machines are listed of %d", len(list), n)
	}
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
