package lab

import (
	"context"
	"fmt"

	"socle/lab/redfish"
)

// redfishVM shows a server to the Redfish service.
type redfishVM struct{ vm *vm }

var _ redfish.VM = redfishVM{}

// Power implements redfish.VM.
func (r redfishVM) Power(context.Context) (bool, error) { return r.vm.on(), nil }

// SetPower implements redfish.VM.
func (r redfishVM) SetPower(ctx context.Context, action string) error {
	a, ok := map[string]Action{
		redfish.On: PowerOn, redfish.ForceOff: PowerOff, redfish.GracefulShutdown: PowerSoft, redfish.GracefulRestart: PowerSoftCycle,
		redfish.ForceRestart: PowerReset, redfish.PowerCycle: PowerCycle, redfish.NMI: PowerNMI,
	}[action]
	if !ok {
		return fmt.Errorf("reset type %q is not known", action)
	}
	return r.vm.power(ctx, a, "redfish")
}

// NextBoot implements redfish.VM.
func (r redfishVM) NextBoot(context.Context) (string, bool, error) {
	d, once := r.vm.nextBoot()
	switch d {
	case BootPXE:
		return redfish.DevicePXE, once, nil
	case BootDisk:
		return redfish.DeviceDisk, once, nil
	case BootCD:
		return redfish.DeviceCD, once, nil
	default:
		return redfish.DeviceNone, false, nil
	}
}

// SetNextBoot implements redfish.VM.
func (r redfishVM) SetNextBoot(ctx context.Context, device string, once, _ bool) error {
	d, ok := map[string]Device{redfish.DeviceNone: BootNone, redfish.DevicePXE: BootPXE, redfish.DeviceDisk: BootDisk}[device]
	if device == redfish.DeviceCD && r.vm.machine.Server.virtualDrive() {
		d, ok = BootCD, true
	}
	if !ok {
		return fmt.Errorf("boot device %q: this server has none", device)
	}
	return r.vm.setNextBoot(ctx, d, once, "redfish")
}

// Describe implements redfish.VM.
func (r redfishVM) Describe() redfish.Description {
	s := r.vm.machine.Server
	d := redfish.Description{
		Name: s.Name, Serial: s.Serial, UUID: s.UUID, Manufacturer: s.Manufacturer, Model: s.Product,
		UEFI: s.Firmware == UEFI, CPUs: 1, MemoryMiB: s.MemoryMiB, BMCMAC: s.BMC.MAC,
		ConsolePort: sshConsolePort,
	}
	for _, n := range s.NICs {
		d.MACs = append(d.MACs, n.MAC)
	}
	return d
}
