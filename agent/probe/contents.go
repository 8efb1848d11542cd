package probe

import (
	"bytes"
	"io"
	"os"
)

// probeBytes is how much of a disk's head is looked at.
const probeBytes = 256 << 10

// signature is a mark of something that lives on disks.
type signature struct {
	name   string
	offset int
	magic  string
}

// signatures in the order in which they are looked for: what spans the whole disk first.
var signatures = []signature{
	{"luks", 0, "LUKS\xba\xbe"},
	{"lvm", 0x200, "LABELONE"}, {"lvm", 0, "LABELONE"}, {"lvm", 0x400, "LABELONE"}, {"lvm", 0x600, "LABELONE"},
	{"md", 0x1000, "\xfc\x4e\x2b\xa9"}, {"md", 0, "\xfc\x4e\x2b\xa9"},
	{"ceph", 0, "bluestore block device"},
	{"xfs", 0, "XFSB"},
	{"btrfs", 0x10040, "_BHRfS_M"},
	{"ext4", 0x438, "\x53\xef"},
	{"zfs", 0x20000, "\x0c\xb1\xba\x00\x00\x00\x00\x00"},
	{"swap", 0xff6, "SWAPSPACE2"},
	{"iso9660", 0x8001, "CD001"},
	{"gpt", 0x200, "EFI PART"}, {"gpt", 0x1000, "EFI PART"},
	{"squashfs", 0, "hsqs"},
	{"fat", 0x36, "FAT1"}, {"fat", 0x52, "FAT32"},
	{"ntfs", 3, "NTFS    "},
	{"mbr", 0x1fe, "\x55\xaa"},
}

// Contents says what the head of a disk looks like: the name of a signature, "empty" when it is all zero,
// "unknown" when there is something, "" when it cannot be read.
func Contents(device string) string {
	f, err := os.Open(device)
	if err != nil {
		return ""
	}
	defer f.Close()
	head := make([]byte, probeBytes)
	n, err := io.ReadFull(f, head)
	if err != nil && n == 0 {
		return ""
	}
	return classify(head[:n])
}

func classify(head []byte) string {
	for _, s := range signatures {
		if end := s.offset + len(s.magic); end <= len(head) && string(head[s.offset:end]) == s.magic {
			return s.name
		}
	}
	if len(bytes.Trim(head, "\x00")) == 0 {
		return "empty"
	}
	return "unknown"
}
