package pxe

import (
	"slices"

	"socle/inventory"
)

// Firmware is one line of the firmware table: what a machine of an architecture loads first.
type Firmware struct {
	Arch   Arch
	Name   string // for people
	Loader string // the iPXE that fits; empty: none is provided
	HTTP   bool   // fetched by HTTP instead of TFTP
}

// firmwares is the firmware table. undionly.kpxe drives the NIC through the PXE stack that the BIOS left
// in memory, snponly.efi through the firmware's own network protocol: neither needs drivers of its own.
var firmwares = []Firmware{
	{Arch: ArchBIOS, Name: "BIOS", Loader: "undionly.kpxe"},
	{Arch: ArchEFIX64, Name: "UEFI x86-64", Loader: "snponly.efi"},
	{Arch: ArchEFIX64Alt, Name: "UEFI x86-64", Loader: "snponly.efi"},
	{Arch: ArchEFIX64HTTP, Name: "UEFI x86-64 HTTP", Loader: "snponly.efi", HTTP: true},
	{Arch: ArchEFIARM64, Name: "UEFI arm64", Loader: "snponly-arm64.efi"},
	{Arch: ArchEFIARM64HTTP, Name: "UEFI arm64 HTTP", Loader: "snponly-arm64.efi", HTTP: true},
	{Arch: ArchEFI386, Name: "UEFI x86 32-bit"},
	{Arch: ArchEFI386HTTP, Name: "UEFI x86 32-bit HTTP", HTTP: true},
	{Arch: ArchEFIARM32, Name: "UEFI arm 32-bit"},
}

// Firmwares returns the firmware table.
func Firmwares() []Firmware { return slices.Clone(firmwares) }

func firmwareOf(a Arch) (Firmware, bool) {
	i := slices.IndexFunc(firmwares, func(f Firmware) bool { return f.Arch == a })
	if i < 0 {
		return Firmware{}, false
	}
	return firmwares[i], true
}

// Action is what a client does next.
type Action int

// The actions.
const (
	// ActNothing gives no boot file: the firmware goes on to its next boot device.
	ActNothing Action = iota
	// ActTFTP loads iPXE by TFTP.
	ActTFTP
	// ActHTTP loads iPXE by UEFI HTTP boot.
	ActHTTP
	// ActScript makes a running iPXE fetch the start script by HTTP.
	ActScript
)

// Decision is what a client gets, and why, in words for the evidence.
type Decision struct {
	Action Action
	File   string // name of the loader, or path below the boot URL
	Why    string
}

// Decide says what a client in its firmware, or in iPXE, gets next. target is what the view of the
// inventory wants of a known machine; a machine that is not known is let in, so that the script can say
// what is the matter and the inventory sees it.
//
// A machine that is known to boot its own disk gets no file while it is still in its firmware: the firmware
// then tries its next device, without depending on anything of Socle's. That is safe because "disk" is a
// positive statement; a machine that is absent from the view is never sent to its disk.
func Decide(c Client, known bool, target inventory.Boot) Decision {
	if c.IPXE {
		return Decision{Action: ActScript, File: StartPath, Why: "iPXE runs"}
	}
	if known && target == inventory.BootDisk {
		return Decision{Action: ActNothing, Why: "boots its own disk"}
	}
	f, ok := firmwareOf(c.Arch)
	switch {
	case !ok:
		return Decision{Action: ActNothing, Why: "no loader is known for " + c.Arch.String()}
	case f.Loader == "":
		return Decision{Action: ActNothing, Why: "no loader is provided for " + f.Name}
	case f.HTTP || c.HTTPBoot:
		return Decision{Action: ActHTTP, File: FilesPath + f.Loader, Why: f.Name}
	default:
		return Decision{Action: ActTFTP, File: f.Loader, Why: f.Name}
	}
}

// BootFile names what an unknown client loads next: a loader to fetch by TFTP, a path below the boot URL
// (it begins with "/"), or nothing.
func BootFile(c Client) string { return Decide(c, false, inventory.BootNothing).File }

// isLoader tells whether the table names a file: TFTP hands out nothing else.
func isLoader(name string) bool {
	return name != "" && slices.ContainsFunc(firmwares, func(f Firmware) bool { return f.Loader == name })
}
