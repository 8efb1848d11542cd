package boot

import (
	"fmt"
	"log/slog"
	"path/filepath"

	"golang.org/x/sys/unix"

	"socle/agent/kmod"
)

// named are modules that no device asks for by an alias, or not early enough.
var named = []string{"af_packet", "virtio_pci", "virtio_blk", "virtio_scsi", "virtio_net", "virtio_rng", "ahci", "ata_piix", "sd_mod", "nvme",
	"efivarfs", "ipmi_msghandler", "ipmi_devintf", "ipmi_si"}

// LoadModules loads what the machine's devices ask for. What cannot be loaded is said and left out: the
// machine may well do without.
func LoadModules(log *slog.Logger) error {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return fmt.Errorf("asking for the kernel's version: %w", err)
	}
	version := unix.ByteSliceToString(u.Release[:])
	l, err := kmod.Open(filepath.Join("/lib/modules", version))
	if err != nil {
		return fmt.Errorf("the ramdisk has no modules for the kernel %s, so there may be neither disks nor network: %w", version, err)
	}
	for _, err := range l.Coldplug("/sys") {
		log.Warn("A driver does not load", "err", err)
	}
	for _, m := range named {
		if err := l.Load(m); err != nil {
			log.Warn("A driver does not load", "err", err)
		}
	}
	for _, err := range l.Coldplug("/sys") { // what the named ones brought
		log.Warn("A driver does not load", "err", err)
	}
	return nil
}
