package probe

import (
	"path/filepath"
	"regexp"
	"strings"

	"socle/hardware"
)

// notDisks are block devices that hold neither systems nor data of this server: memory, loops, optical and
// floppy drives, and what the device mapper or md make of real disks.
var notDisks = regexp.MustCompile(`^(loop|ram|zram|sr|fd|dm-|md|nbd|pmem|mtdblock)|^mmcblk\d+boot|^nvme\d+c\d+n`)

// Disks lists the block devices that could hold an operating system or data, in the kernel's order.
func (r Root) Disks() []hardware.Disk {
	var list []hardware.Disk
	for _, name := range names(r.Sys, "block") {
		if notDisks.MatchString(name) {
			continue
		}
		d := r.disk(name)
		if d.SizeBytes > 0 { // an empty card reader is no disk
			list = append(list, d)
		}
	}
	return list
}

// DevicePath is where a disk's bytes are.
func (r Root) DevicePath(d hardware.Disk) string { return filepath.Join(r.Dev, filepath.Base(d.Name)) }

func (r Root) disk(name string) hardware.Disk {
	dir := filepath.Join(r.Sys, "block", name)
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		real = dir
	}
	d := hardware.Disk{
		Name:       Clean(name),
		Vendor:     text(dir, "device/vendor"),
		Model:      text(dir, "device/model"),
		SizeBytes:  uint64(max(number(dir, "size"), 0)) * 512, // always in units of 512 bytes, whatever the disk's blocks
		BlockSize:  int(number(dir, "queue/logical_block_size")),
		Rotational: number(dir, "queue/rotational") == 1,
		Removable:  number(dir, "removable") == 1,
		ReadOnly:   number(dir, "ro") == 1,
		Transport:  transport(name, real),
		Path:       Clean(devicePath(real, name)),
		Firmware:   firstText([]string{dir, "device/firmware_rev"}, []string{dir, "device/rev"}),
	}
	if strings.HasPrefix(d.Vendor, "0x") { // virtio and NVMe show the PCI vendor's number here
		d.Vendor = ""
	}
	d.Serial = r.diskSerial(dir, name)
	d.WWN = firstText([]string{dir, "wwid"}, []string{dir, "device/wwid"})
	d.Contents = Contents(r.DevicePath(d))
	return d
}

func firstText(paths ...[]string) string {
	for _, p := range paths {
		if s := text(p...); s != "" {
			return s
		}
	}
	return ""
}

// diskSerial asks, in this order: the block device (virtio), the device (NVMe, MMC), SCSI's vital product
// data page 0x80, and the drive itself by ATA IDENTIFY.
func (r Root) diskSerial(dir, name string) string {
	if s := firstText([]string{dir, "serial"}, []string{dir, "device/serial"}); s != "" {
		return s
	}
	if b, err := readBounded(filepath.Join(dir, "device/vpd_pg80")); err == nil {
		if s := vpdSerial(b); s != "" {
			return s
		}
	}
	return ataSerial(filepath.Join(r.Dev, name))
}

// vpdSerial reads the unit serial number page (SPC-4, 7.8.15).
func vpdSerial(page []byte) string {
	if len(page) < 4 || page[1] != 0x80 {
		return ""
	}
	n := int(page[2])<<8 | int(page[3])
	return Clean(strings.Trim(string(page[4:min(4+n, len(page))]), "\x00 "))
}

var scsiHost = regexp.MustCompile(`/host\d+/`)

// transport tells how a disk is attached from its place in the tree of devices.
func transport(name, path string) string {
	switch {
	case strings.HasPrefix(name, "nvme"):
		return "nvme"
	case strings.HasPrefix(name, "mmcblk"):
		return "mmc"
	case strings.Contains(path, "/usb"):
		return "usb"
	case strings.Contains(path, "/ata"):
		return "sata"
	case strings.Contains(path, "/end_device-"):
		return "sas"
	case strings.Contains(path, "/rport-"):
		return "fc"
	case strings.Contains(path, "/session"):
		return "iscsi"
	case scsiHost.MatchString(path):
		return "scsi"
	case strings.Contains(path, "/virtio"):
		return "virtio"
	default:
		return ""
	}
}

// devicePath is the part of the path between the tree's root and "block": the controller's place.
func devicePath(real, name string) string {
	_, p, ok := strings.Cut(real, "/devices/")
	if !ok {
		return ""
	}
	p = strings.TrimSuffix(p, "/"+name)
	return strings.TrimSuffix(p, "/block")
}
