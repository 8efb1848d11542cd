package recipe

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"unicode/utf16"

	"github.com/google/uuid"
)

// Sizes of a GUID partition table with 128 entries on a disk with 512-byte sectors (UEFI 2.10, 5.3).
const (
	sector      = 512
	gptEntries  = 128
	gptEntry    = 128
	gptTableLen = gptEntries * gptEntry
	gptSectors  = gptTableLen / sector
)

// Partition types.
var (
	typeBIOSBoot = uuid.MustParse("21686148-6449-6e6f-744e-656564454649") // where GRUB's core.img lies
	typeESP      = uuid.MustParse("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
	typeRoot     = uuid.MustParse("4f68bce3-e8cd-4db1-96e7-fbcaf984b709") // root, x86-64 (Discoverable Partitions)
)

// partition is one entry; first and sectors count 512-byte sectors.
type partition struct {
	kind, id       uuid.UUID
	first, sectors int64
	name           string
}

// writeGPT writes the protective MBR, the table and its backup to a disk of so many sectors. The first 440
// bytes, boot code, stay as they are.
func writeGPT(w io.WriterAt, disk uuid.UUID, sectors int64, parts []partition) error {
	table := make([]byte, gptTableLen)
	for i, p := range parts {
		e := table[i*gptEntry:]
		putGUID(e[0:], p.kind)
		putGUID(e[16:], p.id)
		binary.LittleEndian.PutUint64(e[32:], uint64(p.first))             //nolint:gosec // never negative
		binary.LittleEndian.PutUint64(e[40:], uint64(p.first+p.sectors-1)) //nolint:gosec // likewise
		for j, c := range utf16.Encode([]rune(p.name)) {
			binary.LittleEndian.PutUint16(e[56+2*j:], c)
		}
	}
	last := sectors - 1
	for _, part := range []struct {
		at   int64
		data []byte
	}{
		{440, protectiveMBR(sectors)},
		{sector, gptHeader(disk, sectors, 1, last, 2, table)},
		{2 * sector, table},
		{(last - gptSectors) * sector, table},
		{last * sector, gptHeader(disk, sectors, last, 1, last-gptSectors, table)},
	} {
		if _, err := w.WriteAt(part.data, part.at); err != nil {
			return err
		}
	}
	return nil
}

// protectiveMBR is the sector's rest from byte 440 on: one entry that claims the whole disk.
func protectiveMBR(sectors int64) []byte {
	b := make([]byte, sector-440)
	e := b[446-440:]
	copy(e, []byte{0x00, 0x00, 0x02, 0x00, 0xee, 0xff, 0xff, 0xff})
	binary.LittleEndian.PutUint32(e[8:], 1)
	binary.LittleEndian.PutUint32(e[12:], uint32(min(sectors-1, 0xffffffff))) //nolint:gosec // bounded
	b[510-440], b[511-440] = 0x55, 0xaa
	return b
}

func gptHeader(disk uuid.UUID, sectors, own, other, tableAt int64, table []byte) []byte {
	var b bytes.Buffer
	guid := make([]byte, 16)
	putGUID(guid, disk)
	header := struct {
		Signature                  [8]byte
		Revision, Size, CRC, Zero  uint32
		Own, Other, First, Last    uint64
		Disk                       [16]byte
		Table                      uint64
		Entries, EntrySize, TabCRC uint32
	}{
		Signature: [8]byte([]byte("EFI PART")), Revision: 0x00010000, Size: 92,
		Own: uint64(own), Other: uint64(other), //nolint:gosec // never negative
		First: 2 + gptSectors, Last: uint64(sectors - gptSectors - 2), //nolint:gosec // likewise
		Disk: [16]byte(guid), Table: uint64(tableAt), //nolint:gosec // likewise
		Entries: gptEntries, EntrySize: gptEntry, TabCRC: crc32.ChecksumIEEE(table),
	}
	_ = binary.Write(&b, binary.LittleEndian, header) // a bytes.Buffer does not fail
	out := make([]byte, sector)
	copy(out, b.Bytes())
	binary.LittleEndian.PutUint32(out[16:], crc32.ChecksumIEEE(out[:92]))
	return out
}

// putGUID stores an id in the mixed byte order of UEFI: the first three groups little endian.
func putGUID(b []byte, id uuid.UUID) {
	binary.LittleEndian.PutUint32(b[0:], binary.BigEndian.Uint32(id[0:]))
	binary.LittleEndian.PutUint16(b[4:], binary.BigEndian.Uint16(id[4:]))
	binary.LittleEndian.PutUint16(b[6:], binary.BigEndian.Uint16(id[6:]))
	copy(b[8:16], id[8:16])
}
