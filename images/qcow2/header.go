package qcow2

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrFormat means that the file is no qcow2 image or a broken one.
var ErrFormat = errors.New("not a sound qcow2 image")

// ErrUnsupported means that the image uses something that this package refuses.
var ErrUnsupported = errors.New("unsupported qcow2 image")

// Magic stands at the beginning of every image.
const Magic = "QFI\xfb"

// Limits, the same as QEMU's own where it has one.
const (
	minClusterBits = 9
	maxClusterBits = 21
	maxL1Bytes     = 32 << 20 // of the first-level table
	maxSize        = 1 << 50  // bytes of the virtual disk, so that sums of offsets do not overflow
)

// Incompatible features (version 3): whoever does not know one must not read the image.
const (
	featureDirty       = 1 << 0 // reference counts are stale; reading does not need them
	featureCorrupt     = 1 << 1
	featureExternal    = 1 << 2
	featureCompression = 1 << 3
	featureExtendedL2  = 1 << 4
)

// compression is how compressed clusters are packed.
type compression byte

const (
	deflate compression = 0
	zstd    compression = 1
)

// header is the part of the file's header that reading needs.
type header struct {
	version     uint32
	clusterBits uint32
	size        int64 // of the virtual disk, bytes
	l1Entries   uint32
	l1Offset    int64
	compression compression
}

func (h header) clusterSize() int64 { return 1 << h.clusterBits }

// l2Entries is how many clusters one second-level table maps.
func (h header) l2Entries() int64 { return h.clusterSize() / 8 }

func readHeader(r io.ReaderAt) (header, error) {
	var b [112]byte
	n, err := r.ReadAt(b[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return header{}, fmt.Errorf("reading the header: %w", err)
	}
	if n < 72 || string(b[:4]) != Magic {
		return header{}, fmt.Errorf("%w: it does not begin with a qcow2 header", ErrFormat)
	}
	be := binary.BigEndian
	h := header{
		version:     be.Uint32(b[4:]),
		clusterBits: be.Uint32(b[20:]),
		l1Entries:   be.Uint32(b[36:]),
	}
	if h.version != 2 && h.version != 3 {
		return header{}, fmt.Errorf("%w: version %d", ErrUnsupported, h.version)
	}
	if be.Uint64(b[8:]) != 0 {
		return header{}, fmt.Errorf("%w: it needs a backing file; flatten it with \"qemu-img convert -O qcow2\"", ErrUnsupported)
	}
	if be.Uint32(b[32:]) != 0 {
		return header{}, fmt.Errorf("%w: it is encrypted", ErrUnsupported)
	}
	if h.clusterBits < minClusterBits || h.clusterBits > maxClusterBits {
		return header{}, fmt.Errorf("%w: clusters of 2^%d bytes", ErrFormat, h.clusterBits)
	}
	if h.version == 3 {
		if err := h.readVersion3(b[:n]); err != nil {
			return header{}, err
		}
	}
	size, l1Offset := be.Uint64(b[24:]), be.Uint64(b[40:])
	if size > maxSize || l1Offset > maxSize || l1Offset%uint64(h.clusterSize()) != 0 {
		return header{}, fmt.Errorf("%w: a disk of %d bytes with its table at %d", ErrFormat, size, l1Offset)
	}
	h.size, h.l1Offset = int64(size), int64(l1Offset)
	perL1 := h.clusterSize() * h.l2Entries()
	if need := (h.size + perL1 - 1) / perL1; int64(h.l1Entries) < need || h.l1Entries > maxL1Bytes/8 {
		return header{}, fmt.Errorf("%w: a disk of %d bytes needs %d first-level entries, it has %d", ErrFormat, size, need, h.l1Entries)
	}
	return h, nil
}

// readVersion3 looks at the fields that version 2 does not have.
func (h *header) readVersion3(b []byte) error {
	if len(b) < 104 {
		return fmt.Errorf("%w: the header is cut short", ErrFormat)
	}
	features, length := binary.BigEndian.Uint64(b[72:]), binary.BigEndian.Uint32(b[100:])
	switch {
	case features&featureCorrupt != 0:
		return fmt.Errorf("%w: it is marked corrupt; try \"qemu-img check -r all\"", ErrUnsupported)
	case features&featureExternal != 0:
		return fmt.Errorf("%w: its data are in another file; flatten it with \"qemu-img convert -O qcow2\"", ErrUnsupported)
	case features&featureExtendedL2 != 0:
		return fmt.Errorf("%w: it has extended L2 entries; convert it with \"qemu-img convert -O qcow2 -o extended_l2=off\"", ErrUnsupported)
	case features&^(featureDirty|featureCompression) != 0:
		return fmt.Errorf("%w: incompatible features %#x", ErrUnsupported, features)
	}
	if length > 104 && len(b) > 104 {
		h.compression = compression(b[104])
	}
	if h.compression > zstd || (h.compression != deflate) != (features&featureCompression != 0) {
		return fmt.Errorf("%w: compression type %d with features %#x", ErrUnsupported, h.compression, features)
	}
	return nil
}
