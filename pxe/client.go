package pxe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"

	"socle/inventory"
)

// Client is what a booting machine says of itself. All of it is unproven.
type Client struct {
	MAC      string // of the interface that boots, normalized
	UUID     string // SMBIOS system UUID, lower case
	Serial   string
	AssetTag string
	Arch     Arch       // RFC 4578 section 2.1
	Addr     netip.Addr // zero when it has none yet
	IPXE     bool       // iPXE is running already
	HTTPBoot bool       // UEFI HTTP boot (UEFI 2.10 section 24.7)
}

// Plan is what a machine shall boot now.
type Plan struct {
	Target  inventory.Boot
	Machine string   // ID
	Name    string   // for people
	Params  []string // kernel parameters for the ramdisk, each "name" or "name=value" without white space
}

// ErrUnknown is what a Planner returns (wrapped) for a machine that it will not recognise. The script then
// says so, and asks again. Every other error means "cannot say now".
var ErrUnknown = errors.New("machine is not known")

// Planner says what a machine shall boot. It is asked each time a boot script is rendered, several times
// in one boot when the machine asks again.
type Planner interface {
	Plan(ctx context.Context, c Client) (Plan, error)
}

// Recorder takes the evidence of boots. Record must not block, and may be called by many goroutines.
type Recorder interface {
	Record(e inventory.Evidence)
}

// NoRecorder forgets all evidence.
type NoRecorder struct{}

// Record implements Recorder.
func (NoRecorder) Record(inventory.Evidence) {}

// Files holds the boot files: loaders under the names of Firmwares, "ramdisk/vmlinuz", "ramdisk/initrd".
// Open returns an error that is fs.ErrNotExist for a name it does not have. A file may also have a method
// Digest() string (content digest) or Stat (as *os.File), from which its ETag is made.
type Files interface {
	Open(name string) (file io.ReadSeekCloser, size int64, err error)
}

// Arch is a client system architecture type (RFC 4578 section 2.1 and the IANA registry "Processor
// Architecture Types").
type Arch uint16

// The architectures that clients name.
const (
	ArchBIOS         Arch = 0
	ArchEFI386       Arch = 6
	ArchEFIX64       Arch = 7 // registered as EBC at first; x64 firmware sends it
	ArchEFIX64Alt    Arch = 9
	ArchEFIARM32     Arch = 10
	ArchEFIARM64     Arch = 11
	ArchEFI386HTTP   Arch = 15
	ArchEFIX64HTTP   Arch = 16
	ArchEFIARM64HTTP Arch = 19
	// ArchUnknown says that the client named none.
	ArchUnknown Arch = 0xffff
)

// String names the architecture for people.
func (a Arch) String() string {
	for _, f := range firmwares {
		if f.Arch == a {
			return f.Name
		}
	}
	return fmt.Sprintf("architecture %d", uint16(a))
}

// UEFI tells whether the architecture is one of UEFI.
func (a Arch) UEFI() bool { return a != ArchBIOS && a != ArchUnknown }
