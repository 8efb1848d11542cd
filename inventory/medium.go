package inventory

import "time"

// Medium is a machine's way to the ramdisk by the virtual media of its BMC, for one on whose network nothing can be
// booted from.
type Medium struct {
	Wanted  bool   `json:"wanted"`            // the ramdisk is booted this way
	Address string `json:"address,omitempty"` // of the ramdisk, with the length of its network; empty: by DHCP
	Gateway string `json:"gateway,omitempty"`
	MAC     string `json:"mac,omitempty"` // of the interface to use; empty: any with a link
	// In is since when a medium of ours may lie in the drive; it is set before one is made, and cleared when the drive was
	// read to be empty.
	In time.Time `json:"in,omitzero"`
	// Stuck is why the last try to eject it failed; empty when there was none.
	Stuck string `json:"stuck,omitempty"`
}

// ByMedium tells whether the machine boots its ramdisk from a medium in its BMC's drive.
func (m *Machine) ByMedium() bool { return m.Medium != nil && m.Medium.Wanted }

// OwesEject tells whether a medium of ours may lie in the machine's drive.
func (m *Machine) OwesEject() bool { return m.Medium != nil && !m.Medium.In.IsZero() }
