package redfish

import "context"

// VM is the machine behind the service.
type VM interface {
	// Power tells whether the machine is on.
	Power(ctx context.Context) (on bool, err error)
	// SetPower carries out one of the reset types below. It may return before the machine has followed.
	// The service has already refused what makes no sense in the machine's present power state.
	SetPower(ctx context.Context, action string) error
	// NextBoot returns the device of the override, DeviceNone when there is none, and whether it holds for
	// one boot only. The machine itself drops an override that holds once, when it has booted by it.
	NextBoot(ctx context.Context) (device string, once bool, err error)
	// SetNextBoot sets the override, or clears it with DeviceNone. uefi never contradicts Describe.
	SetNextBoot(ctx context.Context, device string, once bool, uefi bool) error
	// Describe returns what does not change.
	Describe() Description
}

// Description is what the machine says of itself.
type Description struct {
	Name         string
	Serial       string
	UUID         string // RFC 4122 text
	Manufacturer string
	Model        string
	AssetTag     string
	MACs         []string // of the machine's own interfaces
	UEFI         bool     // the firmware is UEFI, else BIOS
	CPUs         int      // sockets; 0 is not told
	MemoryMiB    int      // 0 is not told
	BMCMAC       string   // of the controller's own interface; may be empty
	ConsolePort  int      // of SSH, where whoever runs the emulator serves the machine's console; 0: there is none
}

// Reset types that a VM is asked for (Redfish schema Resource, ResetType).
const (
	On               = "On"               // switch on
	ForceOff         = "ForceOff"         // cut the power
	GracefulShutdown = "GracefulShutdown" // ACPI power button
	GracefulRestart  = "GracefulRestart"  // ACPI power button, then on
	ForceRestart     = "ForceRestart"     // reset line; the power stays
	PowerCycle       = "PowerCycle"       // cut the power, then on
	NMI              = "Nmi"              // non-maskable interrupt
)

// Devices of the boot override (Redfish schema ComputerSystem, BootSource).
const (
	DeviceNone = "None"
	DevicePXE  = "Pxe"
	DeviceDisk = "Hdd"
	DeviceCD   = "Cd"
	DeviceHTTP = "UefiHttp" // UEFI machines only
	DeviceBIOS = "BiosSetup"
)

// resetTypes are the allowed values of the reset action.
func resetTypes() []string {
	return []string{On, ForceOff, GracefulShutdown, GracefulRestart, ForceRestart, PowerCycle, NMI}
}

// devices are the allowed values of the override's target.
func devices(uefi bool) []string {
	all := []string{DeviceNone, DevicePXE, DeviceDisk, DeviceCD, DeviceBIOS}
	if uefi {
		all = append(all, DeviceHTTP)
	}
	return all
}
