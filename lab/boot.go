package lab

import (
	"fmt"
	"slices"
	"strconv"
)

// Device is a kind of thing to boot from.
type Device string

// The devices that a BMC can be told to boot from next.
const (
	BootNone Device = "none" // no override: the firmware's own order
	BootPXE  Device = "pxe"
	BootDisk Device = "disk"
	BootCD   Device = "cd" // what lies in the drive of a Redfish BMC's virtual medium
)

// BootSetting is what a BMC remembers about booting.
type BootSetting struct {
	// Order is the device that is tried first on every boot; BootNone stands for BootDisk.
	Order Device `json:"order"`
	// Once overrides Order for the next boot of any cause, and is then forgotten; BootNone when nothing is pending.
	Once Device `json:"once"`
}

// first is the device that the next boot tries first.
func (b BootSetting) first() Device {
	for _, d := range []Device{b.Once, b.Order} {
		if d == BootPXE || d == BootDisk || d == BootCD {
			return d
		}
	}
	return BootDisk
}

// set remembers an override, as a BMC does.
func (b BootSetting) set(d Device, once bool) (BootSetting, error) {
	if !slices.Contains([]Device{BootNone, BootPXE, BootDisk, BootCD}, d) {
		return b, fmt.Errorf("boot device %q: this BMC knows none, pxe, disk and cd", d)
	}
	if once && d != BootNone {
		b.Once = d
		return b, nil
	}
	return BootSetting{Order: d, Once: BootNone}, nil
}

// consumed is the setting after a boot.
func (b BootSetting) consumed() BootSetting {
	b.Once = BootNone
	return b
}

// override is what a BMC answers when it is asked for the next boot's device.
func (b BootSetting) override() (d Device, once bool) {
	if b.Once != BootNone && b.Once != "" {
		return b.Once, true
	}
	if b.Order == "" {
		return BootNone, false
	}
	return b.Order, false
}

// bootOrder lists the QEMU device ids of a server in the order in which they are tried.
func bootOrder(s Server, first Device) []string {
	var nics, disks []string
	if s.Medium != "" {
		nics = []string{mediumID}
	} else {
		for i := range s.NICs {
			nics = append(nics, "nic"+strconv.Itoa(i))
		}
	}
	for i := range s.Disks {
		disks = append(disks, "disk"+strconv.Itoa(i))
	}
	var cd []string
	if s.virtualDrive() {
		cd = []string{mediumID}
	}
	switch first {
	case BootPXE:
		return slices.Concat(nics, disks, cd)
	case BootCD:
		return slices.Concat(cd, disks, nics)
	default:
		return slices.Concat(disks, nics, cd)
	}
}

// virtualDrive tells whether the server has a CD drive that its BMC fills: all with Redfish have one, but those whose
// medium the specification names, and arm64, whose machine has no such bus.
func (s Server) virtualDrive() bool {
	return s.BMC.Protocol == Redfish && s.Medium == "" && s.Arch != arm64
}

// bootable is the option that gives a device its place in the order; one that is not in it has none.
func bootable(order []string, id string) []string {
	if !slices.Contains(order, id) {
		return nil
	}
	return []string{"bootindex", strconv.Itoa(bootIndex(order, id))}
}

// bootIndex is the value of QEMU's bootindex property for a device: its place in the order, from 1.
func bootIndex(order []string, id string) int { return slices.Index(order, id) + 1 }
