package simulate

import (
	"context"
	"errors"
	"sync"
	"time"

	"socle/lab/redfish"
)

// machine is a server's power and boot order, as its BMC has them in hand. While it is on, one goroutine boots it.
type machine struct {
	*Server
	run *run

	mu     sync.Mutex
	on     bool
	device string
	once   bool
	off    context.CancelCauseFunc // ends the boot that runs
	ended  chan struct{}           // closed when it has ended
	disk   *installed              // nil: nothing was written
	died   bool                    // the agent that was to die has
}

var errPowerOff = errors.New("the power is off")

// Power implements redfish.VM.
func (m *machine) Power(context.Context) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.on, nil
}

// SetPower implements redfish.VM.
func (m *machine) SetPower(_ context.Context, action string) error {
	switch action {
	case redfish.On:
		m.switchOn()
	case redfish.ForceOff, redfish.GracefulShutdown:
		m.switchOff()
	case redfish.ForceRestart, redfish.PowerCycle, redfish.GracefulRestart:
		m.switchOff()
		m.switchOn()
	}
	return nil
}

// NextBoot implements redfish.VM.
func (m *machine) NextBoot(context.Context) (string, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.device, m.once, nil
}

// SetNextBoot implements redfish.VM.
func (m *machine) SetNextBoot(_ context.Context, device string, once, _ bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.device, m.once = device, once
	return nil
}

// Describe implements redfish.VM.
func (m *machine) Describe() redfish.Description {
	f := m.run.fleet.base
	return redfish.Description{Name: m.Name, Serial: m.Serial, UUID: m.UUID, Manufacturer: f.System.Manufacturer, Model: f.System.Product, MACs: m.MACs,
		UEFI: true, CPUs: len(f.CPUs), MemoryMiB: int(f.Memory.TotalBytes >> 20), BMCMAC: m.BMCMAC} //nolint:gosec // a sample's
}

// device of the boot that begins; an override that holds once is used up.
func (m *machine) take() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	device := m.device
	if m.once {
		m.device, m.once = redfish.DeviceNone, false
	}
	return device
}

func (m *machine) switchOn() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.on {
		return
	}
	before := m.ended
	ctx, off := context.WithCancelCause(m.run.ctx)
	m.on, m.off, m.ended = true, off, make(chan struct{})
	m.run.stats.reach(m.Index, PoweredOn, 0)
	ended := m.ended
	m.run.tasks.Go(func() {
		defer close(ended)
		if before != nil {
			<-before
		}
		m.work(ctx)
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.ended == ended { // it has switched itself off
			m.on = false
		}
	})
}

func (m *machine) switchOff() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.on {
		m.on = false
		m.off(errPowerOff)
	}
}

// sleep waits, or until ctx ends, which it tells.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
