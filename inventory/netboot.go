package inventory

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// BootPath is one of the ways by which firmware is brought to the ramdisk.
type BootPath string

// The ways, in the order in which they are tried: those of UEFI x86-64, of BIOS, and of UEFI arm64. Each belongs to
// one kind of firmware, so that what was tried tells which kind it is.
const (
	PathHTTP    BootPath = "http"    // iPXE by UEFI HTTP boot, over the firmware's driver of the card
	PathTLS     BootPath = "https"   // the ramdisk as one program by UEFI HTTP boot over TLS
	PathRoom    BootPath = "pxe"     // nothing by HTTP boot, so that the firmware goes on to PXE
	PathTFTP    BootPath = "tftp"    // iPXE by TFTP, over the firmware's driver of the card
	PathDrivers BootPath = "drivers" // iPXE with drivers of its own
	PathSigned  BootPath = "signed"  // shim, GRUB and Debian's kernel, as Secure Boot wants it

	PathBIOS        BootPath = "bios"         // iPXE by TFTP, over the driver that the BIOS left in memory
	PathBIOSDrivers BootPath = "bios-drivers" // iPXE with drivers of its own

	PathARM64 BootPath = "arm64" // shim, GRUB and Debian's kernel for arm64
)

// String names the way for people.
func (p BootPath) String() string {
	switch p {
	case PathHTTP:
		return "iPXE by HTTP boot"
	case PathTLS:
		return "the ramdisk by HTTPS boot"
	case PathRoom:
		return "PXE instead of HTTP boot"
	case PathTFTP, PathBIOS:
		return "iPXE by TFTP"
	case PathDrivers, PathBIOSDrivers:
		return "iPXE with its own drivers"
	case PathSigned:
		return "signed shim and GRUB"
	case PathARM64:
		return "signed shim and GRUB for arm64"
	default:
		return string(p)
	}
}

// BootTry is how often one way was tried since an agent came from there.
type BootTry struct {
	Path  BootPath
	Count int
	Last  time.Time
}

// NetBoot is what is known of the network boots of one card: what was tried since an agent last spoke, and by
// which way that one came.
type NetBoot struct {
	Tries []BootTry
	Came  BootPath // of the last boot that reached the agent; empty while there was none
}

// ways are the ways of each kind of firmware that boots by PXE, or by HTTPS alone. A PXE client need not know HTTP
// boot, so that is no way on its own.
var ways = [][]BootPath{{PathTFTP, PathDrivers, PathSigned}, {PathTLS}, {PathBIOS, PathBIOSDrivers}, {PathARM64}}

// DefaultBootTries is how many boots by one way may fail to reach the agent before another one is tried.
const DefaultBootTries = 2

// Exhausted tells whether the card booted by all ways of its firmware, each at least a number of times (0:
// DefaultBootTries), and never reached the agent.
func (n NetBoot) Exhausted(tries int) bool {
	if tries <= 0 {
		tries = DefaultBootTries
	}
	all := func(of []BootPath) bool {
		return !slices.ContainsFunc(of, func(p BootPath) bool { return n.Count(p) < tries })
	}
	if slices.ContainsFunc(ways, all) {
		return true
	}
	if n.Count(PathTFTP)+n.Count(PathSigned)+n.Count(PathARM64) > 0 {
		return false // it does boot by PXE, and has not tried everything there
	}
	return all([]BootPath{PathHTTP, PathRoom, PathDrivers}) || n.Count(PathHTTP) == 0 && all([]BootPath{PathRoom})
}

// Count is how often a way was tried.
func (n NetBoot) Count(p BootPath) int {
	for _, t := range n.Tries {
		if t.Path == p {
			return t.Count
		}
	}
	return 0
}

// Last is the newest try; its time is zero when there was none.
func (n NetBoot) Last() (last BootTry) {
	for _, t := range n.Tries {
		if t.Last.After(last.Last) {
			last = t
		}
	}
	return last
}

// Tried names what was tried, for people: "iPXE by TFTP twice, signed shim and GRUB once".
func (n NetBoot) Tried() string {
	words := make([]string, 0, len(n.Tries))
	for _, t := range n.Tries {
		switch t.Count {
		case 0:
		case 1:
			words = append(words, t.Path.String()+" once")
		case 2:
			words = append(words, t.Path.String()+" twice")
		default:
			words = append(words, fmt.Sprintf("%s %d times", t.Path, t.Count))
		}
	}
	return strings.Join(words, ", ")
}
