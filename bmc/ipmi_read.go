package bmc

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	ipmiclient "github.com/bougou/go-ipmi/pkg/client"
	"github.com/bougou/go-ipmi/pkg/types"
	"github.com/google/uuid"

	"socle/inventory"
)

// ipmiReader is one session of go-ipmi.
type ipmiReader struct {
	client  *ipmiclient.Client
	address string
	repos   *repositories
	last    []inventory.Sensor // as read in this session
}

// close ends the session, so that the controller has it free again.
func (r *ipmiReader) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = r.client.Close(ctx) // it ends by itself a minute later
}

// abandon closes the socket of a session that never came about, without a word to the controller.
func (r *ipmiReader) abandon() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = r.client.Close(ctx)
}

// power reads the chassis status (IPMI 2.0 section 28.2).
func (r *ipmiReader) power(ctx context.Context) (inventory.Power, error) {
	s, err := r.client.GetChassisStatus(ctx)
	if err != nil {
		return inventory.PowerUnknown, ipmiError(err)
	}
	if s.PowerIsOn {
		return inventory.PowerOn, nil
	}
	return inventory.PowerOff, nil
}

// boot reads the boot flags (IPMI 2.0 section 28.13, parameter 5). The bit that calls them valid is not
// asked for: some controllers keep the device and not the bit.
func (r *ipmiReader) boot(ctx context.Context) (Override, error) {
	var flags types.BootOptionParam_BootFlags
	if err := r.client.GetSystemBootOptionsParamFor(ctx, &flags); err != nil {
		// Some call the parameter unsupported until it has been set once.
		if answer, ok := types.IsResponseError(err); ok && answer.CompletionCode() == types.CodeParameterNotSupported {
			return Override{Device: BootNone}, nil
		}
		return Override{}, ipmiError(err)
	}
	o := Override{Always: flags.Persist, UEFI: flags.BIOSBootType == types.BIOSBootTypeEFI}
	switch flags.BootDeviceSelector {
	case types.BootDeviceSelectorNoOverride:
		return Override{Device: BootNone, UEFI: o.UEFI}, nil
	case types.BootDeviceSelectorForcePXE:
		o.Device = BootPXE
	case types.BootDeviceSelectorForceHardDrive, types.BootDeviceSelectorForceHardDriveSafe:
		o.Device = BootDisk
	case types.BootDeviceSelectorForceCDROM, types.BootDeviceSelectorForceRemoteCDROM:
		o.Device = BootCD
	case types.BootDeviceSelectorForceBIOSSetup:
		o.Device = BootSetup
	default:
		o.Device = Device(flags.BootDeviceSelector.String())
	}
	return o, nil
}

// probe asks for the device ID (section 20.1), which every controller has, and for what some have besides:
// the FRU's product area, the system's GUID and the address of the first LAN channel.
func (r *ipmiReader) probe(ctx context.Context) (Info, error) {
	id, err := r.client.GetDeviceID(ctx)
	if err != nil {
		return Info{}, ipmiError(err)
	}
	i := Info{Protocol: inventory.IPMI, Firmware: fmt.Sprintf("%d.%02d", id.MajorFirmwareRevision, id.MinorFirmwareRevision)}
	if fru, err := r.client.GetFRU(ctx, 0, ""); err == nil && fru.ProductInfoArea != nil {
		p := fru.ProductInfoArea
		i.Vendor, i.Model, i.Serial = printable(p.Manufacturer), printable(p.Name), printable(p.SerialNumber)
	}
	if guid, err := r.client.GetSystemGUID(ctx); err == nil {
		i.UUID = systemUUID(guid.GUID[:])
	}
	var mac types.LanConfigParam_MAC
	if err := r.client.GetLanConfigParamFor(ctx, 1, &mac); err == nil {
		i.MAC = inventory.NormalizeMAC(mac.MAC.String())
	}
	if ctx.Err() != nil {
		return Info{}, ipmiError(ctx.Err())
	}
	return i, nil
}

// printable is a field of a FRU as text; its padding goes.
func printable(b []byte) string {
	return strings.TrimFunc(strings.ToValidUTF8(string(b), ""), func(r rune) bool { return r <= ' ' || r == 0x7f })
}

// systemUUID reads a GUID in the one of its three byte orders in which it looks like a UUID of RFC 4122, random
// ones (version 4) before the others: section 20.8 asks for one order, most controllers copy that of SMBIOS,
// some send that of the text. It is empty when none of them fits.
func systemUUID(guid []byte) string {
	for _, versions := range [][]uuid.Version{{4}, {1, 2, 3, 5}} {
		for _, mode := range []types.GUIDMode{types.GUIDModeSMBIOS, types.GUIDModeRFC4122, types.GUIDModeIPMI} {
			u, err := types.ParseGUID(guid, mode)
			if err == nil && slices.Contains(versions, u.Version()) && u.Variant() == uuid.RFC4122 {
				return strings.ToLower(u.String())
			}
		}
	}
	return ""
}

// managerHealth is not known: IPMI has no word for it.
func (*ipmiReader) managerHealth(context.Context) (inventory.Health, error) {
	return inventory.HealthUnknown, nil
}

func (*ipmiReader) startUpdate(context.Context, FirmwareFile) (string, error) {
	return "", fmt.Errorf("%w: firmware is updated over Redfish only", ErrUnsupported)
}

func (*ipmiReader) task(context.Context, string) (Task, error) { return Task{}, nil }
