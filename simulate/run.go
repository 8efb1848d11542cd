package simulate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"socle/lab/redfish"
)

// Options say how a fleet is run.
type Options struct {
	Log *slog.Logger // nil: silent
	// SelfTest and Kernel are how long the firmware's self-test and the start of a kernel take, give or take a quarter.
	SelfTest, Kernel time.Duration
	// Tests is the most that tests of a plan take; 0: they take no time.
	Tests time.Duration
	// Retry is how long a server waits after a boot that failed; 0 is 30 s.
	Retry time.Duration
	Files Files // how much of the ramdisk's files is fetched; empty: FilesHead
	// ImageBytes has servers fetch what is written to their disks; else they read an image's index only, and say that it
	// was written.
	ImageBytes bool
	// BootAll switches all servers on at the start; else their BMCs wait for somebody who does.
	BootAll bool
}

// run is a fleet that runs.
type run struct {
	Options
	fleet *Fleet
	ctx   context.Context // ends all boots
	net   *network
	relay *relay
	stats *Stats
	log   *slog.Logger
	tasks sync.WaitGroup
}

// Running is a fleet that runs.
type Running struct {
	Stats *Stats
	run   *run
	stop  context.CancelFunc
	bmcs  sync.WaitGroup
	mu    sync.Mutex
	errs  []error
}

// Start makes the fleet's network, and runs all BMCs; it returns when they listen. It takes root.
func (f *Fleet) Start(ctx context.Context, o Options) (*Running, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Retry == 0 {
		o.Retry = 30 * time.Second
	}
	if o.Files == "" {
		o.Files = FilesHead
	}
	network, err := f.connect()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	stats := newStats()
	r := &run{Options: o, fleet: f, ctx: ctx, net: network, stats: stats, log: o.Log}
	all := &Running{Stats: stats, run: r, stop: stop}
	if r.relay, err = f.openRelay(network, stats); err != nil {
		return nil, errors.Join(err, all.Close())
	}
	r.tasks.Go(func() { all.failed(r.relay.run()) })
	for i := range f.Servers {
		if err := all.serve(ctx, &f.Servers[i]); err != nil {
			return nil, errors.Join(err, all.Close())
		}
	}
	return all, nil
}

// bmcPort is where BMCs listen.
const bmcPort = 443

// serve runs the BMC of a server. One that was not delivered has none.
func (a *Running) serve(ctx context.Context, s *Server) error {
	if s.Odd == NeverAppears {
		return nil
	}
	l, err := a.run.net.listen(ctx, netip.AddrPortFrom(s.BMC, bmcPort))
	if err != nil {
		return fmt.Errorf("starting the BMC of %s: %w", s.Name, err)
	}
	m := &machine{Server: s, run: a.run, device: redfish.DeviceNone}
	bmc := redfish.New(redfish.Options{Machine: m, User: bmcUser, Password: bmcPassword, Seed: a.run.fleet.Seed<<16 + uint64(s.Index)}) //nolint:gosec // not negative
	if s.Odd == BMCHangs {
		bmc.Faults().Add(redfish.Fault{Kind: redfish.Hang})
	}
	if a.run.BootAll {
		m.switchOn()
	}
	a.bmcs.Go(func() { a.failed(redfish.Serve(ctx, l, bmc)) })
	return nil
}

func (a *Running) failed(err error) {
	if err == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.errs = append(a.errs, err)
}

// Close switches everything off and tells what could not go on before.
func (a *Running) Close() error {
	a.stop()
	if a.run.relay != nil {
		a.failed(a.run.relay.conn.Close())
	}
	a.bmcs.Wait()
	a.run.tasks.Wait()
	a.failed(a.run.net.close())
	return errors.Join(a.errs...)
}

// some is a time that differs from server to server, by a quarter at most.
func (r *run) some(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return d*3/4 + rand.N(d/2+1) //nolint:gosec // it spreads load
}
