package inventory

import "fmt"

// State is where a machine stands on its road. A machine has exactly one.
type State string

// Stable states last until somebody wants something else.
const (
	Expected   State = "expected"   // announced by a manifest, not seen yet
	Discovered State = "discovered" // seen by DHCP, by its BMC or by the agent
	Ready      State = "ready"      // inspected, tested and accepted; holds nothing of value
	Active     State = "active"     // carries its role, verified from outside
	Retired    State = "retired"    // gone for good
)

// Transient states lead to a stable one, have a deadline, and leave a Fault when they fail.
const (
	Inspecting State = "inspecting"
	Testing    State = "testing"
	Deploying  State = "deploying"
	Erasing    State = "erasing"
	Rescuing   State = "rescuing"
)

// States lists every state in the order of the road.
func States() []State {
	return []State{Expected, Discovered, Inspecting, Testing, Ready, Deploying, Active, Rescuing, Erasing, Retired}
}

// Stable tells whether a machine may stay in s without a deadline.
func (s State) Stable() bool {
	switch s {
	case Expected, Discovered, Ready, Active, Retired:
		return true
	default:
		return false
	}
}

// ParseState reads the name of a state.
func ParseState(name string) (State, error) {
	for _, s := range States() {
		if string(s) == name {
			return s, nil
		}
	}
	return "", fmt.Errorf("unknown state %q: use one of %v", name, States())
}

// Power is what was last observed of the machine's power; it is an axis of its own, never a state.
type Power string

// What a BMC can say of the power of its server.
const (
	PowerUnknown Power = ""
	PowerOn      Power = "on"
	PowerOff     Power = "off"
)

// Boot is what a machine's next boot shall be: the one intent that DHCP, TFTP, iPXE, GRUB and the BMC's
// boot device all render.
type Boot string

// What a machine can boot.
const (
	BootNothing Boot = ""        // Socle has no opinion: answer nothing that boots
	BootDisk    Boot = "disk"    // its own disk
	BootRamdisk Boot = "ramdisk" // the agent
	BootRescue  Boot = "rescue"  // the ramdisk with a shell for a person
)
