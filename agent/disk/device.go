package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"socle/api"
	"socle/hardware"
)

// Find returns the one disk with a serial number.
func Find(disks []hardware.Disk, serial string) (hardware.Disk, error) {
	if serial == "" {
		return hardware.Disk{}, fail(api.CodeNoDisk, "finding the disk: the order names no serial number")
	}
	var found, others []string
	var disk hardware.Disk
	for _, d := range disks {
		if strings.TrimSpace(d.Serial) == strings.TrimSpace(serial) {
			found = append(found, d.Name)
			disk = d
		}
		others = append(others, fmt.Sprintf("%s (%s)", d.Serial, d.Name))
	}
	switch len(found) {
	case 0:
		return hardware.Disk{}, fail(api.CodeNoDisk, "finding the disk: none has the serial %q; this server has %s", serial, strings.Join(others, ", "))
	case 1:
		return disk, nil
	default:
		return hardware.Disk{}, fail(api.CodeNoDisk, "finding the disk: %s all say they are %q; which one is meant cannot be known", strings.Join(found, " and "), serial)
	}
}

// Device is an open disk, or a regular file in its place.
type Device struct {
	f     *os.File
	block bool
	size  int64
	// sector is the logical block size in bytes.
	sector int
}

// Open opens a disk exclusively: the kernel refuses when the disk, a partition of it, or something made of it
// is mounted or held.
func Open(path string) (*Device, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_EXCL|unix.O_CLOEXEC, 0)
	switch {
	case errors.Is(err, unix.EBUSY):
		return nil, fail(api.CodeDiskBusy, "opening %s: it is mounted, or in use by a volume group or an array of the ramdisk", path)
	case errors.Is(err, unix.EROFS), errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return nil, fail(api.CodeReadOnly, "opening %s for writing: it is read-only", path)
	case err != nil:
		return nil, fail(api.CodeDiskError, "opening the disk: %w", err)
	}
	d := &Device{f: f, sector: 512}
	err = d.measure()
	if err == nil && d.block { // older kernels open read-only disks for writing and fail later
		var ro int
		if ro, err = unix.IoctlGetInt(int(f.Fd()), unix.BLKROGET); err == nil && ro != 0 {
			_ = f.Close()
			return nil, fail(api.CodeReadOnly, "opening %s for writing: it is read-only", path)
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, fail(api.CodeDiskError, "measuring %s: %w", path, err)
	}
	return d, nil
}

func (d *Device) measure() error {
	st, err := d.f.Stat()
	if err != nil {
		return err
	}
	d.block = st.Mode()&os.ModeDevice != 0
	d.size, err = d.f.Seek(0, io.SeekEnd)
	if err == nil && d.block {
		d.sector, err = unix.IoctlGetInt(int(d.f.Fd()), unix.BLKSSZGET)
	}
	return err
}

// Size is the disk's in bytes.
func (d *Device) Size() int64 { return d.size }

// Sector is the logical block size in bytes.
func (d *Device) Sector() int { return d.sector }

// Close closes the disk.
func (d *Device) Close() error { return d.f.Close() }

// ReadAt implements io.ReaderAt.
func (d *Device) ReadAt(p []byte, off int64) (int, error) { return d.f.ReadAt(p, off) }

// WriteAt implements io.WriterAt.
func (d *Device) WriteAt(p []byte, off int64) (int, error) { return d.f.WriteAt(p, off) }

// Sync brings what was written to the medium.
func (d *Device) Sync() error { return d.f.Sync() }

// Forget drops what the kernel caches of the disk, so that the next reading comes from the medium.
func (d *Device) Forget() error {
	if err := d.f.Sync(); err != nil {
		return err
	}
	if d.block {
		if err := unix.IoctlSetInt(int(d.f.Fd()), unix.BLKFLSBUF, 0); err != nil {
			return os.NewSyscallError("BLKFLSBUF", err)
		}
		return nil
	}
	return unix.Fadvise(int(d.f.Fd()), 0, 0, unix.FADV_DONTNEED)
}

// Reread makes the kernel read the partition table again. That a partition is in use meanwhile is no harm:
// the next boot reads it anyway.
func (d *Device) Reread() error {
	if !d.block {
		return nil
	}
	for range 5 {
		err := unix.IoctlSetInt(int(d.f.Fd()), unix.BLKRRPART, 0)
		if err == nil || !errors.Is(err, unix.EBUSY) {
			if errors.Is(err, unix.EINVAL) { // a device without partitions, like a loop device
				return nil
			}
			return err
		}
	}
	return nil
}

// Zero makes a region read as zeros, by the drive itself where it can.
func (d *Device) Zero(off, length int64) error {
	if length <= 0 {
		return nil
	}
	if d.block && off%int64(d.sector) == 0 && length%int64(d.sector) == 0 {
		span := [2]uint64{uint64(off), uint64(length)}
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, d.f.Fd(), unix.BLKZEROOUT, uintptr(unsafe.Pointer(&span))); errno == 0 {
			return nil
		}
	}
	if !d.block && unix.Fallocate(int(d.f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, length) == nil {
		return nil
	}
	zeros := make([]byte, min(length, 1<<20))
	for length > 0 {
		n, err := d.f.WriteAt(zeros[:min(length, int64(len(zeros)))], off)
		if err != nil {
			return err
		}
		off, length = off+int64(n), length-int64(n)
	}
	return nil
}
