package qcow2

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Fields of the table entries.
const (
	offsetMask     = 0x00fffffffffffe00 // bits 9 to 55: where a table or a cluster is
	flagCompressed = 1 << 62
	flagZero       = 1 // version 3
)

// cachedTables is how many second-level tables are kept; reading goes forward, so few are needed.
const cachedTables = 8

// Image is an image opened for reading. It is for one goroutine.
type Image struct {
	r      io.ReaderAt
	fsize  int64 // of the file
	h      header
	l1     []uint64
	tables map[int64][]uint64 // by place in the file
	order  []int64            // of the cached tables, the oldest first

	unpacked   []byte // the last compressed cluster, unpacked
	unpackedAt uint64 // its entry; 0: none
	unpacker   unpacker
}

// Open reads the header and the first-level table of an image in a file of size bytes.
func Open(r io.ReaderAt, size int64) (*Image, error) {
	h, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	// Only what the disk needs is read: the table may be longer.
	perL1 := h.clusterSize() * h.l2Entries()
	l1, err := readTable(r, size, h.l1Offset, (h.size+perL1-1)/perL1)
	if err != nil {
		return nil, fmt.Errorf("reading the first-level table: %w", err)
	}
	return &Image{r: r, fsize: size, h: h, l1: l1, tables: map[int64][]uint64{}, unpacker: unpacker{kind: h.compression}}, nil
}

// Size is the bytes of the virtual disk.
func (im *Image) Size() int64 { return im.h.size }

// readTable reads a table that has to lie in the file as a whole, so that a small file cannot ask for a
// large one.
func readTable(r io.ReaderAt, fsize, off, entries int64) ([]uint64, error) {
	if off < 0 || off+entries*8 > fsize {
		return nil, fmt.Errorf("%w: a table at %d ends after the file", ErrFormat, off)
	}
	raw := make([]byte, entries*8)
	if n, err := r.ReadAt(raw, off); n < len(raw) {
		return nil, fmt.Errorf("reading a table at %d: %w", off, err)
	}
	table := make([]uint64, entries)
	for i := range table {
		table[i] = binary.BigEndian.Uint64(raw[i*8:])
	}
	return table, nil
}

// entry returns the table entry of the cluster that holds the byte at off; 0 means there is none.
func (im *Image) entry(off int64) (uint64, error) {
	cluster := off >> im.h.clusterBits
	l2Offset := int64(im.l1[cluster/im.h.l2Entries()] & offsetMask)
	if l2Offset == 0 {
		return 0, nil
	}
	table, ok := im.tables[l2Offset]
	if !ok {
		if l2Offset%im.h.clusterSize() != 0 {
			return 0, fmt.Errorf("%w: a second-level table at %d", ErrFormat, l2Offset)
		}
		var err error
		if table, err = readTable(im.r, im.fsize, l2Offset, im.h.l2Entries()); err != nil {
			return 0, err
		}
		if len(im.order) == cachedTables {
			delete(im.tables, im.order[0])
			im.order = im.order[1:]
		}
		im.tables[l2Offset] = table
		im.order = append(im.order, l2Offset)
	}
	return table[cluster%im.h.l2Entries()], nil
}

// isZero tells whether an entry means a cluster of zeros. Without a backing file, unallocated is zero.
func (im *Image) isZero(entry uint64) bool {
	if entry&flagCompressed != 0 {
		return false
	}
	return entry&offsetMask == 0 || im.h.version == 3 && entry&flagZero != 0
}

// ReadAt reads raw bytes of the virtual disk.
func (im *Image) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("reading a qcow2 image: negative offset")
	}
	done := 0
	for done < len(p) && off < im.h.size {
		within := off & (im.h.clusterSize() - 1)
		n := min(im.h.clusterSize()-within, int64(len(p)-done), im.h.size-off)
		if err := im.readCluster(p[done:done+int(n)], off, within); err != nil {
			return done, fmt.Errorf("reading the disk at %d: %w", off, err)
		}
		done += int(n)
		off += n
	}
	if done < len(p) {
		return done, io.EOF
	}
	return done, nil
}

// readCluster reads bytes of one cluster.
func (im *Image) readCluster(p []byte, off, within int64) error {
	entry, err := im.entry(off)
	if err != nil {
		return err
	}
	switch {
	case im.isZero(entry):
		clear(p)
		return nil
	case entry&flagCompressed != 0:
		return im.readCompressed(p, entry, within)
	}
	at := int64(entry & offsetMask)
	if at%im.h.clusterSize() != 0 || at >= im.fsize {
		return fmt.Errorf("%w: a cluster at %d of a file of %d bytes", ErrFormat, at, im.fsize)
	}
	n, err := im.r.ReadAt(p, at+within)
	if n == len(p) || errors.Is(err, io.EOF) {
		clear(p[n:]) // the last cluster of a file may be cut short
		return nil
	}
	return err
}

// IsZero tells whether the n bytes at off are known to be zero without reading them.
func (im *Image) IsZero(off, n int64) bool {
	end := min(off+n, im.h.size)
	for off < end {
		entry, err := im.entry(off)
		if err != nil || !im.isZero(entry) {
			return false // an error comes again when the bytes are read
		}
		off = (off>>im.h.clusterBits + 1) << im.h.clusterBits
	}
	return true
}
