// Package redfishtest holds a machine without hardware for tests of what speaks to a Redfish service.
package redfishtest

import (
	"context"
	"slices"
	"sync"
	"time"

	"socle/lab/redfish"
)

// VM is a machine that consists of a power state and a boot override. It keeps the list of what was done to it.
type VM struct {
	About redfish.Description
	// Lag is how long the machine takes to follow a change of power; the call returns at once.
	Lag time.Duration
	// Now tells the time; nil is time.Now.
	Now func() time.Time

	mu      sync.Mutex
	on      bool
	pending bool // a change of power that has not happened yet, to the value of next
	next    bool
	due     time.Time
	device  string
	once    bool
	booted  []string
	actions []string
}

// NewVM returns a machine that is off.
func NewVM(about redfish.Description) *VM {
	return &VM{About: about, device: redfish.DeviceNone}
}

func (v *VM) now() time.Time {
	if v.Now != nil {
		return v.Now()
	}
	return time.Now()
}

// settle lets a pending change happen when its time has come; the caller holds the lock.
func (v *VM) settle() {
	if v.pending && !v.now().Before(v.due) {
		v.on, v.pending = v.next, false
	}
}

// Power implements redfish.VM.
func (v *VM) Power(context.Context) (bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.settle()
	return v.on, nil
}

// SetPower implements redfish.VM.
func (v *VM) SetPower(_ context.Context, action string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.settle()
	v.actions = append(v.actions, action)
	switch action {
	case redfish.On, redfish.ForceRestart, redfish.PowerCycle, redfish.GracefulRestart:
		v.change(true)
		v.boot()
	case redfish.ForceOff, redfish.GracefulShutdown:
		v.change(false)
	}
	return nil
}

// change is to happen after the lag; the caller holds the lock.
func (v *VM) change(on bool) {
	v.next, v.pending, v.due = on, true, v.now().Add(v.Lag)
	v.settle()
}

// boot uses the override up; the caller holds the lock.
func (v *VM) boot() {
	v.booted = append(v.booted, v.device)
	if v.once {
		v.device, v.once = redfish.DeviceNone, false
	}
}

// NextBoot implements redfish.VM.
func (v *VM) NextBoot(context.Context) (string, bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.device, v.once, nil
}

// SetNextBoot implements redfish.VM.
func (v *VM) SetNextBoot(_ context.Context, device string, once, _ bool) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.device, v.once = device, once
	return nil
}

// Describe implements redfish.VM.
func (v *VM) Describe() redfish.Description { return v.About }

// Actions returns the reset types that were asked of the machine, in order.
func (v *VM) Actions() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.actions)
}

// Booted returns the device of the override at each boot, in order.
func (v *VM) Booted() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.booted)
}
