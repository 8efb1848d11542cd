package recipe

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
)

// Where Debian's packages put GRUB's modules.
const (
	grubDir  = "/usr/lib/grub"
	grubBIOS = "i386-pc"
	grubEFI  = "x86_64-efi"
)

// grubPrefix is where GRUB finds its configuration: on the third partition of the disk that it was loaded
// from. No search by label, so that the copy of an image on another disk of the server is never taken.
const grubPrefix = "(,gpt3)/boot/grub"

var (
	grubModules  = []string{"part_gpt", "ext2", "normal", "linux", "configfile", "echo", "test", "serial", "terminal", "search", "search_fs_uuid", "sleep", "reboot", "halt", "ls", "cat"}
	grubBIOSOnly = []string{"biosdisk"}
	grubEFIOnly  = []string{"fat", "efi_gop", "chain"}
)

// grubConfig starts the newest kernel at once; a key press within no time is nobody's intention, so the
// menu is shown only when Escape is held (GRUB's hidden timeout of 0 looks at the keyboard once).
func grubConfig(rootUUID string) string {
	return `# By Socle.
set default=0
set timeout_style=hidden
set timeout=0
menuentry "Debian (Socle)" {
	linux /vmlinuz root=UUID=` + rootUUID + ` ro console=tty0 console=ttyS0,115200 quiet systemd.show_status=true
	initrd /initrd.img
}
menuentry "Debian (Socle), rescue" {
	linux /vmlinuz root=UUID=` + rootUUID + ` ro console=tty0 console=ttyS0,115200 systemd.unit=rescue.target
	initrd /initrd.img
}
`
}

// grubCore makes GRUB's image for one platform in a file and returns its path.
func (b *build) grubCore(ctx context.Context, platform string, only []string) (string, error) {
	out := filepath.Join(b.work, "grub."+platform)
	args := append([]string{"-O", platform, "-o", out, "-p", grubPrefix}, grubModules...)
	_, err := command(ctx, nil, nil, "grub-mkimage", append(args, only...)...)
	return out, err
}

// Offsets in boot.img and in core.img's first sector, diskboot.img (GRUB 2.06, include/grub/i386/pc/boot.h
// and grub-core/boot/i386/pc/diskboot.S).
const (
	bootKernelSector = 0x5c  // u64: where core.img starts
	bootDriveCheck   = 0x66  // two bytes: a jump over the repair of a wrong drive number
	coreBlockList    = 0x1f4 // u64 start, u16 length of the rest of core.img
	bootCodeLen      = 440   // what of boot.img goes into the MBR; the rest is the partition table's
)

// patchGRUB makes boot.img and core.img find each other, when core.img will start at the given sector. It
// is what grub-install does, without a disk that the kernel must see.
func patchGRUB(boot, core []byte, at int64, room int64) ([]byte, []byte, error) {
	if len(boot) != sector || boot[510] != 0x55 || boot[511] != 0xaa {
		return nil, nil, fmt.Errorf("GRUB's boot.img has %d bytes or no signature: is grub-pc-bin intact?", len(boot))
	}
	if len(core) < 2*sector || int64(len(core)) > room*sector {
		return nil, nil, fmt.Errorf("GRUB's core.img has %d bytes, between %d and %d fit", len(core), 2*sector, room*sector)
	}
	boot, core = append([]byte(nil), boot...), append([]byte(nil), core...)
	if over := len(core) % sector; over != 0 {
		core = append(core, make([]byte, sector-over)...)
	}
	binary.LittleEndian.PutUint64(boot[bootKernelSector:], uint64(at)) //nolint:gosec // never negative
	// On a hard disk grub-install replaces the jump by two NOPs: some BIOSes hand over a wrong drive number.
	boot[bootDriveCheck], boot[bootDriveCheck+1] = 0x90, 0x90
	binary.LittleEndian.PutUint64(core[coreBlockList:], uint64(at+1))                 //nolint:gosec // never negative
	binary.LittleEndian.PutUint16(core[coreBlockList+8:], uint16(len(core)/sector-1)) //nolint:gosec // at most room
	return boot[:bootCodeLen], core, nil
}

// installBIOS writes boot.img and core.img to the disk.
func (b *build) installBIOS(ctx context.Context, disk *os.File, at, room int64) error {
	corePath, err := b.grubCore(ctx, grubBIOS, grubBIOSOnly)
	if err != nil {
		return err
	}
	boot, err := os.ReadFile(filepath.Join(grubDir, grubBIOS, "boot.img"))
	if err != nil {
		return fmt.Errorf("reading GRUB's boot block: %w", err)
	}
	core, err := os.ReadFile(corePath) //nolint:gosec // made above
	if err != nil {
		return fmt.Errorf("reading GRUB's image: %w", err)
	}
	if boot, core, err = patchGRUB(boot, core, at, room); err != nil {
		return err
	}
	if _, err = disk.WriteAt(boot, 0); err == nil {
		_, err = disk.WriteAt(core, at*sector)
	}
	if err != nil {
		return fmt.Errorf("writing GRUB's boot blocks: %w", err)
	}
	return nil
}
