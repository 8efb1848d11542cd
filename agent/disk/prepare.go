package disk

import (
	"context"
	"fmt"
	"unicode/utf16"

	"socle/api"
)

// wipe is how much of the disk's head and tail, and of the new partition's, is emptied: every signature that
// blkid, LVM, md, ZFS and Ceph know lies within.
const wipe = 4 << 20

// Prepare empties a disk and gives it one partition over all of it, named label. The file system is the
// deployed system's to make.
func Prepare(ctx context.Context, d *Device, label string) error {
	if n := len(utf16.Encode([]rune(label))); n == 0 || n > nameUnits {
		return fail(api.CodeBadParams, "preparing the disk: a partition's name has 1 to %d characters, %q has %d", nameUnits, label, n)
	}
	if d.Size() < 4*wipe {
		return fail(api.CodeTooSmall, "preparing the disk: it has only %d bytes", d.Size())
	}
	for _, off := range []int64{0, d.Size() - wipe} {
		if err := context.Cause(ctx); err != nil {
			return fail(api.CodeInternal, "preparing the disk: %w", err)
		}
		if err := d.Zero(off, wipe); err != nil {
			return fail(api.CodeDiskError, "emptying %d bytes at %d: %w", wipe, off, err)
		}
	}
	t := NewTable(d.Size(), d.Sector())
	first := uint64(align / t.sector)
	last := (t.lastUsable()+1)/first*first - 1 // the end aligned as well
	if _, err := t.Add(Partition{Type: TypeLinux, First: first, Last: last, Name: label}); err != nil {
		return fail(api.CodeDiskError, "preparing the disk: %w", err)
	}
	if err := t.Write(d); err != nil {
		return fail(api.CodeDiskError, "preparing the disk: %w", err)
	}
	return confirm(d, label, t.Disk)
}

// Blank empties a disk's head and tail, so that nothing on it is taken for a partition or a boot loader.
func Blank(d *Device) error {
	size := min(wipe, d.Size())
	for _, off := range []int64{0, d.Size() - size} {
		if err := d.Zero(off, size); err != nil {
			return fail(api.CodeDiskError, "emptying %d bytes at %d: %w", size, off, err)
		}
	}
	if err := d.Forget(); err != nil {
		return fail(api.CodeDiskError, "bringing the empty ends to the disk: %w", err)
	}
	if err := d.Reread(); err != nil {
		return fail(api.CodeDiskError, "making the kernel read the partition table again: %w", err)
	}
	return nil
}

// confirm reads the table back from the medium.
func confirm(d *Device, label string, id GUID) error {
	if err := d.Forget(); err != nil {
		return fail(api.CodeDiskError, "bringing the partition table to the disk: %w", err)
	}
	back, err := ReadTable(d, d.Size(), d.Sector())
	if err == nil && back.Disk != id {
		err = fmt.Errorf("it is another table")
	}
	if _, ok := back.partition(label); err == nil && !ok {
		err = fmt.Errorf("it has no partition %q", label)
	}
	if err != nil {
		return fail(api.CodeDiskError, "reading the partition table back: %w", err)
	}
	if err := d.Reread(); err != nil {
		return fail(api.CodeDiskError, "making the kernel read the partition table again: %w", err)
	}
	return nil
}

// partition is Find that bears a nil table.
func (t *Table) partition(name string) (Partition, bool) {
	if t == nil {
		return Partition{}, false
	}
	return t.Find(name)
}
