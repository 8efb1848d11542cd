package redfishtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"socle/internal/secret"
	"socle/lab/redfish"
)

// Spec is one server of a fleet and its controller.
type Spec struct {
	Name   string
	Serial string
	Model  string         // empty: what the shape says
	Shape  *redfish.Shape // nil: generic
	Seed   uint64
	On     bool // at the start
	BIOS   bool // the firmware is no UEFI
	MAC    string
	User   string
	// RestartTime is how long the controller is away when it restarts; 0: as redfish.Options has it.
	RestartTime time.Duration
	// Password is what the controller wants, not what a client was told: a wrong one is a controller that refuses.
	Password secret.Secret
	Faults   []redfish.Fault   // from the start
	Health   map[string]string // of components that are not OK, see redfish.BMC.SetHealth
	WorkTime time.Duration     // how long tasks take; 0: as redfish.Options has it
	Address  netip.AddrPort    // where it listens; zero: a free port of 127.0.0.1
}

// Specs are n servers n0001, n0002 … of one shape, that differ in name, serial, MAC address and seed.
func Specs(n int, shape *redfish.Shape, user string, password secret.Secret) []Spec {
	all := make([]Spec, n)
	for i := range all {
		id := fmt.Sprintf("%04d", i+1)
		all[i] = Spec{
			Name: "n" + id, Serial: "SN" + id, Shape: shape, Seed: uint64(i + 1), User: user, Password: password, //nolint:gosec // not negative
			MAC: fmt.Sprintf("52:54:00:f1:%02x:%02x", (i+1)>>8, (i+1)&0xff),
		}
	}
	return all
}

// Loopback is the i-th address, from 0, of 127.1.0.0/16: all of it is this host, so that each controller can have its
// own address and the usual port.
func Loopback(i int, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, byte(i / 250), byte(i%250 + 1)}), port)
}

// Member is one running controller of a fleet.
type Member struct {
	Spec
	BMC *redfish.BMC
	VM  *VM
}

// Fleet are many controllers in this process.
type Fleet struct {
	Members []*Member
	stop    context.CancelFunc
	running sync.WaitGroup
	mu      sync.Mutex
	errs    []error
}

// Start lets controllers listen; their addresses are filled in. Close ends them.
func Start(specs []Spec) (*Fleet, error) {
	ctx, stop := context.WithCancel(context.Background())
	f := &Fleet{stop: stop}
	for _, s := range specs {
		if err := f.add(ctx, s); err != nil {
			return nil, errors.Join(fmt.Errorf("starting the controller of %s: %w", s.Name, err), f.Close())
		}
	}
	return f, nil
}

func (f *Fleet) add(ctx context.Context, s Spec) error {
	if !s.Address.IsValid() {
		s.Address = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)
	}
	m := &Member{Spec: s, VM: NewVM(redfish.Description{
		Name: s.Name, Serial: s.Serial, UUID: uuid(s.Seed), Manufacturer: "Socle", Model: s.Model, MACs: []string{s.MAC}, UEFI: !s.BIOS,
		CPUs: 2, MemoryMiB: 65536, BMCMAC: strings.Replace(s.MAC, "52:54", "52:55", 1),
	})}
	m.VM.on = s.On
	m.BMC = redfish.New(redfish.Options{Machine: m.VM, User: s.User, Password: s.Password, Shape: s.Shape, Seed: s.Seed, WorkTime: s.WorkTime, RestartTime: s.RestartTime})
	for _, fault := range s.Faults {
		m.BMC.Faults().Add(fault)
	}
	for component, health := range s.Health {
		if err := m.BMC.SetHealth(component, health); err != nil {
			return err
		}
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.Address.String())
	if err != nil {
		return err
	}
	m.Address = l.Addr().(*net.TCPAddr).AddrPort()
	f.Members = append(f.Members, m)
	f.running.Go(func() {
		if err := redfish.Serve(ctx, l, m.BMC); err != nil {
			f.mu.Lock()
			f.errs = append(f.errs, err)
			f.mu.Unlock()
		}
	})
	return nil
}

// uuid is one for tests: the seed.
func uuid(seed uint64) string {
	return fmt.Sprintf("50c1e000-0000-4000-8000-%012x", seed&0xffffffffffff)
}

// Close ends all controllers and tells which of them could not serve.
func (f *Fleet) Close() error {
	f.stop()
	f.running.Wait()
	return errors.Join(f.errs...)
}
