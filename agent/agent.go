package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"socle/agent/cable"
	"socle/agent/disk"
	"socle/agent/probe"
	"socle/api"
	"socle/hardware"
)

// Outcome is what shall become of the machine when the agent is done.
type Outcome string

// The ends of a run.
const (
	Reboot   Outcome = "reboot"
	PowerOff Outcome = "power-off"
)

// Options make an Agent.
type Options struct {
	Params   Params
	Client   *Client
	Root     probe.Root   // where the kernel's file systems are
	EFI      disk.EFIVars // the firmware's variables
	StateDir string       // on a file system that ends with the boot; empty: what was done is kept in memory only
	BootID   string       // of this boot; equal after the agent was started anew
	BootNIC  string       // kernel name of the interface that has the address; may be empty
	Version  string
	Log      *slog.Logger
	Now      func() time.Time
	// Listen hears neighbours on an interface until ctx ends; nil: LLDP is not listened for.
	Listen func(ctx context.Context, nic string, heard func(hardware.Neighbor)) error
	// Links tells which of these interfaces have a link, and each change, until ctx ends; nil: as the facts say.
	Links func(ctx context.Context, nics []string, told func(nic string, up bool, speedMbps int)) error
	// Collect measures the machine; nil: Root does.
	Collect func(ctx context.Context) hardware.Facts
	// Hands do what is ordered, by the kind of the order, where there is no real machine. When there are any, this package
	// does nothing by itself but to look, to reboot and to switch off, and refuses kinds of orders that no hand is for.
	Hands map[string]Hand
	// SetClock is told the server's time when the session opens; nil: the clock is left alone.
	SetClock func(time.Time)
}

// Hand does what one kind of order says, and tells how far it is, in bytes. An error may be a *disk.Failure, which says
// how it is reported.
type Hand func(ctx context.Context, o api.Order, progress func(done, total, wire int64)) (result any, err error)

// Agent serves one boot of one machine.
type Agent struct {
	Options
	ledger *ledger
	serial string // by which orders are bound

	ports *cable.Ports

	posting sync.Mutex      // held while facts or links are collected and sent: what is newer comes later
	told    []hardware.Link // what the server knows to be plugged in
}

// New makes an agent; it reads what an earlier run of the same boot left in StateDir.
func New(o Options) (*Agent, error) {
	l, err := openLedger(o.StateDir)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Agent{Options: o, ledger: l}, nil
}

// Run opens a session and carries out orders until one ends the boot, the server ends the session (ErrEnded),
// the server refuses the session, or ctx ends.
func (a *Agent) Run(ctx context.Context) (Outcome, error) {
	facts := a.collect(ctx)
	a.serial = probe.Serial(facts.System)
	a.introduce(facts)
	if err := a.open(ctx, facts); err != nil {
		return Reboot, err
	}
	if err := a.post(ctx, ""); err != nil {
		return Reboot, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	heard := a.listen(ctx)
	defer heard.Wait()
	defer cancel()
	for {
		var order *api.Order
		err := a.persist(ctx, "asking for an order", func() (err error) {
			order, err = a.Client.NextOrder(ctx)
			return err
		})
		if err != nil {
			return Reboot, err
		}
		if order == nil {
			continue
		}
		outcome, err := a.handle(ctx, *order)
		if err != nil {
			return Reboot, err
		}
		if outcome != "" {
			return outcome, nil
		}
	}
}

// introduce says on the console who and what the machine is.
func (a *Agent) introduce(f hardware.Facts) {
	serial := a.serial
	if serial == "" {
		serial = "none that is real: the firmware holds a placeholder"
	}
	cores := 0
	for _, c := range f.CPUs {
		cores += c.Cores
	}
	a.Log.Info(fmt.Sprintf("This is %s %s, serial %s, booted by %s", f.System.Manufacturer, f.System.Product, serial, f.Firmware.Mode))
	a.Log.Info(fmt.Sprintf("It has %d cores, %d MiB of memory, %d disks, %d interfaces", cores, f.Memory.TotalBytes>>20, len(f.Disks), len(f.NICs)))
	for _, p := range f.Problems {
		a.Log.Warn("Could not see everything: " + p)
	}
}

// open opens the session, or goes on with the one that an earlier run of this boot opened.
func (a *Agent) open(ctx context.Context, f hardware.Facts) error {
	if s := a.ledger.Session; s != nil {
		a.Client.Authorize(s.Token)
		a.Log.Info("Going on with the session of this boot", "session", s.Session)
		return nil
	}
	req := api.SessionRequest{Token: a.Params.Token, BootID: a.BootID, Serial: a.serial, UUID: f.System.UUID,
		AssetTag: f.System.AssetTag, NICMACs: f.MACs(), Version: a.Version, Arch: runtime.GOARCH, BootedMAC: a.Params.MAC}
	if f.BMC != nil {
		req.BMCMAC = f.BMC.MAC
	}
	var reply api.SessionReply
	a.Log.Info("Reporting to " + a.Params.Server)
	err := a.persist(ctx, "opening a session", func() (err error) {
		reply, err = a.Client.Session(ctx, req)
		return err
	})
	if err != nil {
		return fmt.Errorf("opening a session with %s was refused, so this machine gets no orders: %w", a.Params.Server, err)
	}
	if a.SetClock != nil && !a.Client.ServerTime().IsZero() {
		a.SetClock(a.Client.ServerTime())
	}
	a.Client.Authorize(reply.Token)
	a.welcome(reply)
	return a.ledger.change(func() { a.ledger.Session = &reply })
}

func (a *Agent) welcome(r api.SessionReply) {
	text := "Known to Socle as " + probe.Clean(r.Machine)
	if r.Place != "" {
		text += ", at " + probe.Clean(r.Place)
	}
	a.Log.Info(text)
	if r.Message != "" {
		a.Log.Info("Socle says: " + probe.Clean(r.Message))
	}
	a.Log.Info("Waiting for orders")
}

// persist tries until the server answers: for ever when the network or the server fails, not at all when the
// answer is a refusal. The first failure of a row is said, and then every tenth.
func (a *Agent) persist(ctx context.Context, what string, try func() error) error {
	pause := 500 * time.Millisecond
	for n := 0; ; n++ {
		err := try()
		if err == nil {
			if n > 0 {
				a.Log.Info("The server answers again", "after", n)
			}
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, ErrEnded) || errors.Is(err, disk.ErrPermanent) {
			return fmt.Errorf("%s: %w", what, err)
		}
		if n%10 == 0 {
			a.Log.Warn(fmt.Sprintf("Trouble while %s, trying again: %s", what, err))
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause + rand.N(pause/2)): //nolint:gosec // jitter
		}
		pause = min(pause*2, 10*time.Second)
	}
}
