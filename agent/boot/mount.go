package boot

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

type mount struct {
	kind, dir string
	flags     uintptr
	data      string
}

var mounts = []mount{
	{kind: "proc", dir: "/proc", flags: unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV},
	{kind: "sysfs", dir: "/sys", flags: unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV},
	{kind: "devtmpfs", dir: "/dev", flags: unix.MS_NOSUID},
	{kind: "tmpfs", dir: "/run", flags: unix.MS_NOSUID | unix.MS_NODEV, data: "mode=0755"},
	{kind: "tmpfs", dir: "/tmp", flags: unix.MS_NOSUID | unix.MS_NODEV, data: "mode=1777"},
}

// Mount mounts the kernel's file systems. What is mounted already is no error.
func Mount() error {
	var errs []error
	for _, m := range mounts {
		errs = append(errs, m.do())
	}
	return errors.Join(errs...)
}

// MountEFI shows the firmware's variables below /sys, where there are any.
func MountEFI() error {
	const dir = "/sys/firmware/efi/efivars"
	if _, err := os.Stat(dir); err != nil {
		return nil //nolint:nilerr // a BIOS server, or a kernel without EFI support
	}
	return mount{kind: "efivarfs", dir: dir, flags: unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV}.do()
}

func (m mount) do() error {
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return fmt.Errorf("making %s: %w", m.dir, err)
	}
	if err := unix.Mount(m.kind, m.dir, m.kind, m.flags, m.data); err != nil && !errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("mounting %s on %s: %w", m.kind, m.dir, err)
	}
	return nil
}
