package images

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"socle/images/qcow2"
)

// layoutBytes is how much of a disk's beginning is looked at: it holds the MBR, a GPT with its 128 entries, and
// the first descriptor of an ISO 9660 file system at 32 KiB.
const layoutBytes = 40 << 10

var (
	errTar  = errors.New("a tar archive of a root file system has no boot loader and no partitions; build a disk image from it (see \"socle image build\"), then import that")
	errISO  = errors.New("it is an ISO 9660 image, an installation medium; Socle writes disks that boot as they are: take the raw or qcow2 \"cloud\" image of the distribution")
	errDisk = errors.New("it does not begin with a partition table; if it is a raw disk all the same, say \"--format raw\"")
)

// decideFormat tells what the bytes at the beginning of a source are. An asked-for format is only checked where being
// wrong would write something useless to a disk.
func decideFormat(asked string, begin []byte) (string, error) {
	isQcow2 := bytes.HasPrefix(begin, []byte(qcow2.Magic))
	switch {
	case len(begin) == 0:
		return "", errors.New("it is empty")
	case asked == "raw" && isQcow2:
		return "", errors.New("it is a qcow2 image and not raw")
	case asked != "":
		return asked, nil
	case isQcow2:
		return "qcow2", nil
	case at(begin, 257, "ustar"):
		return "tar", nil
	case at(begin, 0x8001, "CD001"):
		return "", errISO
	}
	for magic, name := range map[string]string{
		"KDMV": "a VMDK image", "conectix": "a VHD image", "vhdxfile": "a VHDX image", "<<< ": "a VDI image",
	} {
		if at(begin, 0, magic) {
			return "", fmt.Errorf("it is %s; convert it with \"qemu-img convert -O qcow2\"", name)
		}
	}
	if !at(begin, 510, "\x55\xaa") {
		return "", errDisk
	}
	return "raw", nil
}

// at tells whether text stands at an offset.
func at(b []byte, off int, text string) bool {
	return len(b) >= off+len(text) && string(b[off:off+len(text)]) == text
}

// layout is what a partition table tells about how a disk boots.
type layout struct {
	bios bool // there is boot code in the first sector
	uefi bool // there is an EFI system partition
}

func (l layout) firmware() []string {
	var list []string
	if l.bios {
		list = append(list, "bios")
	}
	if l.uefi {
		list = append(list, "uefi")
	}
	return list
}

// espGUID is the type of an EFI system partition in the byte order of the disk (UEFI specification, 5.3.3).
var espGUID = []byte{0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b}

// readLayout looks at the beginning of a raw disk with sectors of 512 bytes. What it does not understand it leaves out.
func readLayout(b []byte) layout {
	var l layout
	if !at(b, 510, "\x55\xaa") {
		return l
	}
	l.bios = len(bytes.Trim(b[:440], "\x00")) != 0
	for i := range 4 { // MBR partition entries
		l.uefi = l.uefi || b[446+16*i+4] == 0xef
	}
	if !at(b, 512, "EFI PART") || len(b) < 1024 {
		return l
	}
	gpt := b[512:]
	first, count, size := binary.LittleEndian.Uint64(gpt[72:]), binary.LittleEndian.Uint32(gpt[80:]), binary.LittleEndian.Uint32(gpt[84:])
	if first > layoutBytes/512 || count > 1024 || size < 128 || size > 4096 {
		return l
	}
	for i := range int(count) {
		off := int(first)*512 + i*int(size)
		if off+16 > len(b) {
			break
		}
		l.uefi = l.uefi || bytes.Equal(b[off:off+16], espGUID)
	}
	return l
}
