package inventory

import (
	"net/netip"
	"time"
)

// Sketch is what of a machine says who it is and what it boots: little enough that all of them fit in memory.
type Sketch struct {
	ID       string
	Name     string
	State    State
	Boot     Boot
	BootedAt time.Time // when its present power change was ordered (Op.At); zero: there is none
	InPlan   bool
	Doubtful bool       // its fault is about its identity
	Address  netip.Addr // on the provisioning network; zero while unknown
	Identity Identity   // normalized; BMCMAC also from what is known of its BMC
}

// Sketch draws the machine.
func (m *Machine) Sketch() Sketch {
	s := Sketch{ID: m.ID, Name: m.Name, State: m.State, Boot: m.Boot, InPlan: m.InPlan, Address: m.Address, Identity: m.Identity.Normalize(),
		BootedAt: m.BootedAt(), Doubtful: m.Fault != nil && m.Fault.Kind == FaultIdentity}
	if s.Identity.BMCMAC == "" {
		s.Identity.BMCMAC = NormalizeMAC(m.BMC.MAC)
	}
	return s
}

// BootedAt is when the machine's present power change was ordered; zero when there is none. What was handed out
// for an earlier boot is worth nothing in this one.
func (m *Machine) BootedAt() time.Time {
	if m.Op == nil {
		return time.Time{}
	}
	return m.Op.At
}

// RAM tells whether the boot is one of the agent's ramdisk.
func (b Boot) RAM() bool { return b == BootRamdisk || b == BootRescue }
