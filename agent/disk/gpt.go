package disk

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"unicode/utf16"
)

// GUID is in the byte order of the partition table (UEFI 2.10, appendix A).
type GUID [16]byte

// Types of partitions.
var (
	TypeESP   = GUID{0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b}
	TypeLinux = GUID{0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47, 0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4}
	TypeBasic = GUID{0xa2, 0xa0, 0xd0, 0xeb, 0xe5, 0xb9, 0x33, 0x44, 0x87, 0xc0, 0x68, 0xb6, 0xb7, 0x26, 0x99, 0xc7}
)

// ErrNoGPT says that there is no valid GUID partition table.
var ErrNoGPT = errors.New("no valid GUID partition table")

// The layout of UEFI 2.10, section 5.3.
const (
	gptHeader   = 92  // bytes
	gptEntry    = 128 // bytes
	gptEntries  = 128
	maxGPTEntry = 512     // bytes of one entry that is believed
	maxGPTTable = 4 << 20 // bytes of all entries that are believed
	align       = 1 << 20 // bytes, of partitions
	nameUnits   = 36      // UTF-16 code units of a name
	gptMagic    = "EFI PART"
)

// Partition is one entry; First and Last are inclusive block numbers.
type Partition struct {
	Type, ID    GUID
	First, Last uint64
	Attributes  uint64
	Name        string
	slot        int
}

// Number is the partition's, from 1, as firmware and kernel count.
func (p Partition) Number() int { return p.slot + 1 }

// Table is a GUID partition table in memory.
type Table struct {
	Disk       GUID
	Partitions []Partition
	sector     int64
	size       int64 // of the disk, bytes
	slots      int
	backupOK   bool   // the backup header at the disk's very end is there and equal
	bootCode   []byte // the first 440 bytes, kept
}

// newGUID is a random one (RFC 9562, version 4).
func newGUID() GUID {
	var g GUID
	_, _ = rand.Read(g[:]) // never fails
	g[7] = g[7]&0x0f | 0x40
	g[8] = g[8]&0x3f | 0x80
	return g
}

// NewTable is an empty table for a disk.
func NewTable(size int64, sector int) *Table {
	return &Table{Disk: newGUID(), sector: int64(sector), size: size, slots: gptEntries, bootCode: make([]byte, 440)}
}

// ReadTable reads the primary table of a disk.
func ReadTable(r io.ReaderAt, size int64, sector int) (*Table, error) {
	s := int64(sector)
	head := make([]byte, 2*s)
	if _, err := r.ReadAt(head, 0); err != nil {
		return nil, fmt.Errorf("reading the disk's head: %w", err)
	}
	t := &Table{sector: s, size: size, bootCode: bytes.Clone(head[:440])}
	h, err := parseHeader(head[s:], 1)
	if err != nil {
		return nil, err
	}
	if h.entriesLBA < 2 || h.entriesLBA > uint64(size/s) {
		return nil, fmt.Errorf("%w: its entries are said to be at block %d", ErrNoGPT, h.entriesLBA)
	}
	raw := make([]byte, int64(h.entries)*int64(h.entrySize))
	if _, err := r.ReadAt(raw, int64(h.entriesLBA)*s); err != nil {
		return nil, fmt.Errorf("reading partition entries: %w", err)
	}
	if crc32.ChecksumIEEE(raw) != h.entriesCRC {
		return nil, fmt.Errorf("%w: the checksum of the entries is wrong", ErrNoGPT)
	}
	t.Disk, t.slots = h.disk, int(h.entries)
	for i := range t.slots {
		if p := parseEntry(raw[i*int(h.entrySize):]); p.Type != (GUID{}) {
			p.slot = i
			if p.First > p.Last || p.Last >= uint64(size/s) {
				return nil, fmt.Errorf("%w: partition %d reaches from block %d to %d of %d", ErrNoGPT, p.Number(), p.First, p.Last, size/s)
			}
			t.Partitions = append(t.Partitions, p)
		}
	}
	tail := make([]byte, s)
	if _, err := r.ReadAt(tail, (size/s-1)*s); err == nil {
		b, err := parseHeader(tail, uint64(size/s-1))
		t.backupOK = err == nil && b.entriesCRC == h.entriesCRC && b.disk == h.disk && h.backup == uint64(size/s-1)
	}
	return t, nil
}

type header struct {
	backup, first, last uint64
	disk                GUID
	entriesLBA          uint64
	entries, entrySize  uint32
	entriesCRC          uint32
}

func parseHeader(b []byte, at uint64) (header, error) {
	var h header
	le := binary.LittleEndian
	if len(b) < gptHeader || string(b[:8]) != gptMagic {
		return h, fmt.Errorf("%w: block %d has no header", ErrNoGPT, at)
	}
	size := le.Uint32(b[12:])
	if size < gptHeader || int(size) > len(b) {
		return h, fmt.Errorf("%w: header says it is %d bytes long", ErrNoGPT, size)
	}
	c := bytes.Clone(b[:size])
	le.PutUint32(c[16:], 0)
	if crc32.ChecksumIEEE(c) != le.Uint32(b[16:]) {
		return h, fmt.Errorf("%w: the checksum of the header is wrong", ErrNoGPT)
	}
	if le.Uint64(b[24:]) != at {
		return h, fmt.Errorf("%w: header of block %d found in block %d", ErrNoGPT, le.Uint64(b[24:]), at)
	}
	h = header{backup: le.Uint64(b[32:]), first: le.Uint64(b[40:]), last: le.Uint64(b[48:]), disk: GUID(b[56:72]),
		entriesLBA: le.Uint64(b[72:]), entries: le.Uint32(b[80:]), entrySize: le.Uint32(b[84:]), entriesCRC: le.Uint32(b[88:])}
	if h.entrySize < gptEntry || h.entrySize > maxGPTEntry || h.entries == 0 || uint64(h.entries)*uint64(h.entrySize) > maxGPTTable {
		return h, fmt.Errorf("%w: %d entries of %d bytes", ErrNoGPT, h.entries, h.entrySize)
	}
	return h, nil
}

func parseEntry(b []byte) Partition {
	le := binary.LittleEndian
	p := Partition{Type: GUID(b[:16]), ID: GUID(b[16:32]), First: le.Uint64(b[32:]), Last: le.Uint64(b[40:]), Attributes: le.Uint64(b[48:])}
	units := make([]uint16, 0, nameUnits)
	for i := range nameUnits {
		u := le.Uint16(b[56+2*i:])
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	p.Name = string(utf16.Decode(units))
	return p
}

// tableBlocks is how many blocks the entries take.
func (t *Table) tableBlocks() int64 {
	return (int64(t.slots)*gptEntry + t.sector - 1) / t.sector
}

// lastUsable is the last block that a partition may use.
func (t *Table) lastUsable() uint64 { return uint64(t.size/t.sector - t.tableBlocks() - 2) }

// firstUsable is the first.
func (t *Table) firstUsable() uint64 { return uint64(2 + t.tableBlocks()) }

// Add appends a partition at the end or, with first set, at a given block; slots are filled from the lowest.
func (t *Table) Add(p Partition) (Partition, error) {
	if p.First < t.firstUsable() || p.Last > t.lastUsable() || p.First > p.Last {
		return p, fmt.Errorf("adding partition %q: blocks %d to %d are not within %d to %d", p.Name, p.First, p.Last, t.firstUsable(), t.lastUsable())
	}
	used := map[int]bool{}
	for _, o := range t.Partitions {
		used[o.slot] = true
		if p.First <= o.Last && o.First <= p.Last {
			return p, fmt.Errorf("adding partition %q: partition %d (%q) is in its place, blocks %d to %d", p.Name, o.Number(), o.Name, o.First, o.Last)
		}
	}
	for p.slot = 0; used[p.slot]; p.slot++ {
	}
	if p.slot >= t.slots {
		return p, fmt.Errorf("adding partition %q: all %d entries are used", p.Name, t.slots)
	}
	if p.ID == (GUID{}) {
		p.ID = newGUID()
	}
	t.Partitions = append(t.Partitions, p)
	return p, nil
}

// Find returns the partition with a name.
func (t *Table) Find(name string) (Partition, bool) {
	for _, p := range t.Partitions {
		if p.Name == name {
			return p, true
		}
	}
	return Partition{}, false
}

// Write writes both copies and the protective MBR, the backup at the disk's very end and first, so that at
// every moment one copy is whole. Boot code in the first 440 bytes stays.
func (t *Table) Write(d *Device) error {
	entries := make([]byte, t.tableBlocks()*t.sector)
	for _, p := range t.Partitions {
		putEntry(entries[p.slot*gptEntry:], p)
	}
	sum := crc32.ChecksumIEEE(entries[:t.slots*gptEntry])
	last := t.size/t.sector - 1
	backup, primary := t.header(uint64(last), 1, uint64(last-t.tableBlocks()), sum), t.header(1, uint64(last), 2, sum)
	for _, w := range []struct {
		what string
		data []byte
		lba  int64
	}{
		{"backup entries", entries, last - t.tableBlocks()}, {"backup header", backup, last},
		{"entries", entries, 2}, {"header", primary, 1}, {"protective MBR", t.mbr(), 0},
	} {
		if _, err := d.WriteAt(w.data, w.lba*t.sector); err != nil {
			return fmt.Errorf("writing the partition table's %s: %w", w.what, err)
		}
		if w.what == "backup header" || w.what == "protective MBR" {
			if err := d.Sync(); err != nil {
				return fmt.Errorf("bringing the partition table to the disk: %w", err)
			}
		}
	}
	return nil
}

func (t *Table) header(at, other, entries uint64, sum uint32) []byte {
	b := make([]byte, t.sector)
	le := binary.LittleEndian
	copy(b, gptMagic)
	le.PutUint32(b[8:], 0x10000)
	le.PutUint32(b[12:], gptHeader)
	le.PutUint64(b[24:], at)
	le.PutUint64(b[32:], other)
	le.PutUint64(b[40:], t.firstUsable())
	le.PutUint64(b[48:], t.lastUsable())
	copy(b[56:], t.Disk[:])
	le.PutUint64(b[72:], entries)
	le.PutUint32(b[80:], uint32(t.slots))
	le.PutUint32(b[84:], gptEntry)
	le.PutUint32(b[88:], sum)
	le.PutUint32(b[16:], crc32.ChecksumIEEE(b[:gptHeader]))
	return b
}

func putEntry(b []byte, p Partition) {
	le := binary.LittleEndian
	copy(b, p.Type[:])
	copy(b[16:], p.ID[:])
	le.PutUint64(b[32:], p.First)
	le.PutUint64(b[40:], p.Last)
	le.PutUint64(b[48:], p.Attributes)
	units := utf16.Encode([]rune(p.Name))
	for i, u := range units[:min(len(units), nameUnits)] {
		le.PutUint16(b[56+2*i:], u)
	}
}

// mbr is the protective one, with the disk's boot code.
func (t *Table) mbr() []byte {
	b := make([]byte, t.sector)
	copy(b[:440], t.bootCode)
	blocks := min(t.size/t.sector-1, 0xffffffff)
	copy(b[446:], []byte{0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1, 0, 0, 0})
	binary.LittleEndian.PutUint32(b[458:], uint32(blocks))
	b[510], b[511] = 0x55, 0xaa
	return b
}
