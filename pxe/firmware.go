package pxe

import (
	"slices"
	"strings"

	"socle/inventory"
)

// Firmware is one line of the firmware table: how a machine of an architecture is brought to the ramdisk.
type Firmware struct {
	Arch Arch
	Name string // for people
	HTTP bool   // fetches by HTTP instead of TFTP
	Ways []Way  // in the order in which they are tried; none: nothing is provided
}

// Way is one way and the file that it begins with. Without a file the firmware is given nothing, so that it goes
// on to its next way of booting, for which this one makes room.
type Way struct {
	Path inventory.BootPath
	File string
}

// The ways of firmware. undionly.kpxe drives the NIC through the PXE stack that the BIOS left in memory,
// snponly.efi through the firmware's own network protocol: neither needs drivers of its own. ipxe.pxe and
// ipxe.efi bring drivers, for firmware whose own fail. shimx64.efi is what Secure Boot lets run. For arm64 Debian 12
// has no iPXE: its machines take the signed way, by TFTP, with and without Secure Boot. That way is none of HTTP
// boot, since Debian's signed GRUB cannot fetch its configuration from where shim came.
var (
	waysBIOS = []Way{{inventory.PathBIOS, "undionly.kpxe"}, {inventory.PathBIOSDrivers, "ipxe.pxe"}}
	waysX64  = []Way{{inventory.PathTFTP, "snponly.efi"}, {inventory.PathDrivers, "ipxe.efi"}, {inventory.PathSigned, "shimx64.efi"}}
	waysHTTP = []Way{{inventory.PathHTTP, "snponly.efi"}, {Path: inventory.PathRoom}, {inventory.PathDrivers, "ipxe.efi"}}
	waysARM  = []Way{{inventory.PathARM64, "shimaa64.efi"}}
	// waysTLS are those of HTTP boot where only TLS will do: nothing is given in clear.
	waysTLS   = []Way{{inventory.PathTLS, unifiedFile}}
	firmwares = []Firmware{
		{Arch: ArchBIOS, Name: "BIOS", Ways: waysBIOS},
		{Arch: ArchEFIX64, Name: "UEFI x86-64", Ways: waysX64},
		{Arch: ArchEFIX64Alt, Name: "UEFI x86-64", Ways: waysX64},
		{Arch: ArchEFIX64HTTP, Name: "UEFI x86-64 HTTP", Ways: waysHTTP, HTTP: true},
		{Arch: ArchEFIARM64, Name: "UEFI arm64", Ways: waysARM},
		{Arch: ArchEFIARM64HTTP, Name: "UEFI arm64 HTTP", Ways: []Way{{Path: inventory.PathRoom}}, HTTP: true},
		{Arch: ArchEFI386, Name: "UEFI x86 32-bit"},
		{Arch: ArchEFI386HTTP, Name: "UEFI x86 32-bit HTTP", HTTP: true},
		{Arch: ArchEFIARM32, Name: "UEFI arm 32-bit"},
	}
)

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
	// ActHTTPS loads a program by UEFI HTTP boot over TLS.
	ActHTTPS
	// ActScript makes a running iPXE fetch the start script by HTTP.
	ActScript
)

// Decision is what a client gets, and why, in words for the evidence.
type Decision struct {
	Action Action
	File   string // name of the loader, or path below the boot URL
	Why    string
	// Path is set when nothing is given to make room for this way: that is a try of it.
	Path inventory.BootPath
}

// Wanted is what is known of the machine that asks.
type Wanted struct {
	Known  bool           // by the inventory
	Target inventory.Boot // what the inventory wants of a known machine
	Net    inventory.NetBoot
	TLS    bool // firmware that boots by HTTP is sent to https only
	Tries  int  // of one way before the next one is tried; 0: inventory.DefaultBootTries
}

// Decide says what a client in its firmware, or in iPXE, gets next. A machine that is not known is let in, so
// that the script can say what is the matter and the inventory sees it.
//
// A machine that is known to boot its own disk gets no file while it is still in its firmware: the firmware
// then tries its next device, without depending on anything of Socle's. That is safe because "disk" is a
// positive statement; a machine that is absent from the view is never sent to its disk.
func Decide(c Client, w Wanted) Decision {
	if c.IPXE {
		return Decision{Action: ActScript, File: StartPath, Why: "iPXE runs"}
	}
	if w.Known && w.Target == inventory.BootDisk {
		return Decision{Action: ActNothing, Why: "boots its own disk"}
	}
	f, ok := firmwareOf(c.Arch)
	switch {
	case !ok:
		return Decision{Action: ActNothing, Why: "no loader is known for " + c.Arch.String()}
	case len(f.Ways) == 0:
		return Decision{Action: ActNothing, Why: "no loader is provided for " + f.Name}
	}
	tls := w.TLS && (f.HTTP || c.HTTPBoot)
	if x64 := f.Arch == ArchEFIX64HTTP || f.Arch == ArchEFIX64 || f.Arch == ArchEFIX64Alt; tls && !x64 {
		return Decision{Action: ActNothing, Why: "nothing is provided over TLS for " + f.Name}
	}
	if tls {
		f.Ways = waysTLS
	}
	way, why := f.way(w)
	switch {
	case tls:
		return Decision{Action: ActHTTPS, File: UnifiedPath + unifiedQuery(c), Why: f.Name + ", TLS" + why}
	case way.File == "":
		return Decision{Action: ActNothing, Path: way.Path, Why: f.Name + ", to make it try " + way.Path.String() + why}
	case f.HTTP || c.HTTPBoot:
		return Decision{Action: ActHTTP, File: FilesPath + way.File, Why: f.Name + why}
	default:
		return Decision{Action: ActTFTP, File: way.File, Why: f.Name + why}
	}
}

// way chooses among the ways of a firmware, and says in brackets' words why when it is not the usual one. It is
// the first one of those that were tried the fewest rounds, so that all have their turn and then begin anew. One
// that came by an unusual way begins with that: so a machine that enforces Secure Boot is spared the ways that its
// firmware refuses.
func (f Firmware) way(w Wanted) (Way, string) {
	tries := w.Tries
	if tries <= 0 {
		tries = inventory.DefaultBootTries
	}
	best, bestRound := f.Ways[0], w.Net.Count(f.Ways[0].Path)/tries
	if i := slices.IndexFunc(f.Ways, func(way Way) bool { return way.Path == w.Net.Came && way.File != "" }); i > 0 {
		best, bestRound = f.Ways[i], w.Net.Count(w.Net.Came)/tries
	}
	for _, way := range f.Ways {
		if round := w.Net.Count(way.Path) / tries; round < bestRound {
			best, bestRound = way, round
		}
	}
	switch {
	case best == f.Ways[0]:
		return best, ""
	case w.Net.Tried() == "":
		return best, ", came by " + best.Path.String() + " before"
	default:
		return best, ", no agent came by " + w.Net.Tried()
	}
}

// BootFile names what an unknown client loads next: a loader to fetch by TFTP, a path below the boot URL
// (it begins with "/"), or nothing.
func BootFile(c Client) string { return Decide(c, Wanted{}).File }

// isLoader tells whether the table names a file: TFTP hands out nothing else of its own.
func isLoader(name string) bool { return name != "" && loaderPath(name, false) != "" }

// loaderPath is the way that begins with a loader, by HTTP or by TFTP; empty for every other file.
func loaderPath(name string, http bool) inventory.BootPath {
	if http && name == unifiedFile {
		return inventory.PathTLS
	}
	for _, f := range firmwares {
		for _, way := range f.Ways {
			if way.File == name && f.HTTP == http {
				return way.Path
			}
		}
	}
	return ""
}

// Try is the way that a line of boot evidence is a try of, or empty: its first file was handed over whole, or
// nothing was given to make room for it.
func Try(e inventory.Evidence) inventory.BootPath {
	switch {
	case e.Kind == inventory.SawTFTP && e.Outcome == inventory.OutComplete:
		return loaderPath(strings.TrimLeft(e.File, "/"), false)
	case e.Kind == inventory.SawFile && e.Outcome == inventory.OutComplete:
		return loaderPath(e.File, true)
	default:
		return e.Path
	}
}
